//! What each operation on the log does.

use actix_web::HttpResponse;
use bwp_domain::audit::{AuditFilter, MethodName};
use serde_json::json;

use super::{requests::ListQuery, responses::LogEntry};
use crate::{
    paging::Listing,
    privileges::AuditRead,
    problem::Problem,
    request::{Authorized, Query},
    routes::Context,
};

/// The name that the list's cursors are bound to.
pub(super) const LIST: &str = "listApiAuditLogs";

pub(super) async fn list(
    context: Context,
    caller: Authorized<AuditRead>,
    query: Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let Query(ListQuery { page, filter }) = query;
    let listing = Listing::new(&context.state, caller.tenant(), LIST, &canonical(&filter));
    let page = listing.page(&page).await?;
    let found = context.state.audit_log.list(caller.tenant(), &filter, page).await?;
    Ok(listing.answer(&context, &found, LogEntry::from))
}

/// The filter in one way of writing, for cursors.
fn canonical(filter: &AuditFilter) -> serde_json::Value {
    let AuditFilter { api_key, method, status, created_from, created_to } = filter;
    json!([api_key, method.as_ref().map(MethodName::as_str), status, created_from, created_to])
}
