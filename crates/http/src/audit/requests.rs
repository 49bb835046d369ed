//! What clients ask of the log.

use bwp_domain::{
    audit::{AuditFilter, MethodName},
    ids::KeyId,
};
use serde_json::json;

use crate::{
    paging::{DATE_FROM, DATE_TO, PageParams},
    request::{
        QueryParams,
        query::{Param, Values},
    },
};

const API_KEY_ID: Param<KeyId> = Param {
    name: "apiKeyId",
    description: "Only requests that were sent with this API key.",
    schema: || json!({ "type": "integer", "minimum": 1 }),
    parse: |text| {
        // A number that no row has, because rows have smaller ones, is the id of nothing.
        let id = digits(text).map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        id.and_then(KeyId::new).ok_or_else(|| "Send a whole number above 0.".to_owned())
    },
};

const METHOD: Param<MethodName> = Param {
    name: "method",
    description: "Only requests with this HTTP method, in any case.",
    schema: || json!({ "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "example": "POST" }),
    parse: |text| MethodName::parse(text).map_err(|_| "Send the name of an HTTP method, such as POST.".to_owned()),
};

const STATUS: Param<Option<u16>> = Param {
    name: "status",
    description: "Only requests that were answered with this HTTP status. `null` is any. 499 are those whose client went \
                  away before they were answered.",
    schema: || json!({ "type": ["integer", "null"] }),
    parse: |text| {
        // How a query writes null is nobody's standard: this way is usual, and so is an empty text.
        if text == "null" {
            return Ok(None);
        }
        let number = digits(text.strip_prefix('-').unwrap_or(text)).ok_or("Send an HTTP status, such as 404.")?;
        let negative = text.starts_with('-');
        // A number that is no status is that of no answer.
        Ok(Some(u16::try_from(number).ok().filter(|_| !negative).unwrap_or(u16::MAX)))
    },
};

/// The number that is written with these digits. Those that are too large count as the largest.
fn digits(text: &str) -> Option<u128> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u128::MAX))
}

/// The query of the list.
pub(crate) struct ListQuery {
    pub(crate) page: PageParams,
    pub(crate) filter: AuditFilter,
}

impl QueryParams for ListQuery {
    fn read(values: &mut Values) -> Self {
        Self {
            page: PageParams::read(values),
            filter: AuditFilter {
                api_key: values.take(&API_KEY_ID),
                method: values.take(&METHOD),
                status: values.take(&STATUS).flatten(),
                created_from: values.take(&DATE_FROM),
                created_to: values.take(&DATE_TO),
            },
        }
    }
}
