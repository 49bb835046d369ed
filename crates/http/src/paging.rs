//! The parameters of every list.

use actix_web::HttpResponse;
use bwp_domain::{
    clock::{Rounding, Timestamp},
    ids::TenantId,
    paging::{CursorScope, Limit, Page, PageRequest, Position},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    envelope::{Meta, Pagination, Rows},
    problem::Problem,
    request::query::{Param, Values},
    routes::Context,
    state::ApiState,
};

/// `limit`.
pub(crate) const LIMIT: Param<Limit> = Param {
    name: "limit",
    description: "How many rows a page has.",
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": Limit::MAX, "default": Limit::DEFAULT.get() }),
    parse: |text| {
        let rows = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        rows.and_then(|rows| Limit::new(rows).ok()).ok_or_else(|| "Send a whole number from 1 to 100.".to_owned())
    },
};

/// `cursor`.
const CURSOR: Param<Option<String>> = Param {
    name: "cursor",
    description: "Where the page starts: `meta.pagination.cursor` of the page before. Leave it out for the first page.",
    schema: || json!({ "type": "string" }),
    // Clients that build the query from a form send it empty for the first page.
    parse: |text| Ok(Some(text).filter(|text| !text.is_empty()).map(str::to_owned)),
};

/// `compact`.
pub(crate) const COMPACT: Param<bool> = Param {
    name: "compact",
    description: "Whether to show only the key fields of each row.",
    schema: || json!({ "type": "boolean", "default": false }),
    parse: |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("Send true or false.".to_owned()),
    },
};

const DATE_TIME: &str = "Send an RFC 3339 date-time, such as 2026-01-31T08:00:00Z; write a `+` as %2B.";

/// Whether a query asks for no more than a page of a list in its order: what is sought or bounded otherwise may take long.
pub(crate) fn is_quick(query: &str) -> bool {
    const QUICK: [&str; 3] = ["limit", "cursor", "compact"];
    query.split('&').all(|pair| pair.is_empty() || QUICK.contains(&pair.split('=').next().unwrap_or_default()))
}

/// `dateFrom`.
pub(crate) const DATE_FROM: Param<Timestamp> = Param {
    name: "dateFrom",
    description: "Only what was created at this moment or later.",
    schema: || json!({ "type": "string", "format": "date-time" }),
    parse: |text| Timestamp::parse_rfc3339(text, Rounding::Up).ok_or_else(|| DATE_TIME.to_owned()),
};

/// `dateTo`.
pub(crate) const DATE_TO: Param<Timestamp> = Param {
    name: "dateTo",
    description: "Only what was created at this moment or earlier.",
    schema: || json!({ "type": "string", "format": "date-time" }),
    parse: |text| Timestamp::parse_rfc3339(text, Rounding::Down).ok_or_else(|| DATE_TIME.to_owned()),
};

/// `updatedFrom`.
pub(crate) const UPDATED_FROM: Param<Timestamp> = Param {
    name: "updatedFrom",
    description: "Only what was last changed at this moment or later.",
    schema: || json!({ "type": "string", "format": "date-time" }),
    parse: |text| Timestamp::parse_rfc3339(text, Rounding::Up).ok_or_else(|| DATE_TIME.to_owned()),
};

/// Which page is asked for.
pub(crate) struct PageParams {
    limit: Limit,
    cursor: Option<String>,
}

impl PageParams {
    pub(crate) fn read(values: &mut Values) -> Self {
        Self { limit: values.take(&LIMIT).unwrap_or(Limit::DEFAULT), cursor: values.take(&CURSOR).flatten() }
    }
}

/// One list: whose rows, of which operation, with which filters.
pub(crate) struct Listing<'a> {
    state: &'a ApiState,
    tenant: TenantId,
    operation: &'static str,
    filters: String,
}

impl<'a> Listing<'a> {
    /// `filters` holds everything that decides which rows are in the list, in one way of writing for each meaning.
    pub(crate) fn new(
        state: &'a ApiState,
        tenant: TenantId,
        operation: &'static str,
        filters: &serde_json::Value,
    ) -> Self {
        Self { state, tenant, operation, filters: filters.to_string() }
    }

    /// The page that is asked for.
    pub(crate) async fn page(&self, params: &PageParams) -> Result<PageRequest, Problem> {
        let after = match &params.cursor {
            None => None,
            Some(cursor) => Some(self.state.cursors.open(&self.scope(), cursor).await?),
        };
        Ok(PageRequest { limit: params.limit, after })
    }

    /// The answer that shows a page, each of its rows by `show`.
    pub(crate) fn answer<'r, T, R: Serialize>(
        &self,
        context: &Context,
        page: &'r Page<T>,
        show: impl Fn(&'r T) -> R,
    ) -> HttpResponse {
        let mut rows = Rows::of(page.items.len());
        for item in &page.items {
            rows.push(&show(item));
        }
        self.answer_rows(context, rows, page.next)
    }

    /// The answer that shows `rows`, behind which `next` starts the next page.
    pub(crate) fn answer_rows(&self, context: &Context, rows: Rows, next: Option<Position>) -> HttpResponse {
        let pagination = Pagination { cursor: self.cursor(next), has_more: next.is_some(), count: rows.count() };
        rows.ok(&Meta { pagination: Some(pagination), ..Meta::of(context.request_id()) })
    }

    /// The cursor of the next page.
    fn cursor(&self, next: Option<Position>) -> Option<String> {
        next.map(|position| self.state.cursors.seal(&self.scope(), position))
    }

    fn scope(&self) -> CursorScope<'_> {
        CursorScope { tenant: self.tenant, operation: self.operation, filters: &self.filters }
    }
}
