//! The envelope around every answer.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue},
    },
};
use bwp_domain::idempotency::RenderedResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::json;

/// `{ "data": …, "meta": … }`
#[derive(Serialize)]
pub(crate) struct Envelope<'a, T> {
    pub(crate) data: T,
    pub(crate) meta: Meta<'a>,
}

/// What is said about an answer.
#[derive(Serialize, ToSchema, Default)]
#[schema(as = ResponseMeta)]
pub(crate) struct Meta<'a> {
    /// The request's id, as in `X-Request-Id`.
    #[schema(value_type = String, example = "req_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    pub(crate) request_id: &'a str,
    /// Where the list goes on. Only of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Pagination, required = false)]
    pub(crate) pagination: Option<Pagination>,
    /// How many different ids were asked for. Only of `get-many`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false, minimum = 1, maximum = 50)]
    pub(crate) requested: Option<usize>,
    /// How many of them there are. Only of `get-many`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false, minimum = 0, maximum = 50)]
    pub(crate) returned: Option<usize>,
}

/// Where a list goes on.
#[derive(Serialize, ToSchema)]
#[schema(as = PaginationMeta)]
pub(crate) struct Pagination {
    /// What to send as `cursor` for the next page. `null` on the last page.
    #[schema(required = true)]
    pub(crate) cursor: Option<String>,
    /// Whether there is a next page.
    pub(crate) has_more: bool,
    /// How many rows this page has.
    #[schema(value_type = i64, minimum = 0, maximum = 1_000)]
    pub(crate) count: usize,
}

impl<'a> Meta<'a> {
    /// Just the request's id.
    pub(crate) fn of(request_id: &'a str) -> Self {
        Self { request_id, ..Self::default() }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Most things are shown in fewer bytes: a body seldom grows while it is written.
const OF_EACH: usize = 448;

impl<T: Serialize> Envelope<'_, T> {
    /// The body.
    fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(2 * OF_EACH);
        write(&mut body, self);
        body
    }

    /// The answer to a read.
    pub(crate) fn ok(&self) -> HttpResponse {
        ok(self.bytes())
    }

    /// The answer to a change, to be kept for its repetitions.
    pub(crate) fn rendered(&self, status: StatusCode) -> RenderedResponse {
        RenderedResponse {
            status: status.as_u16(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: self.bytes(),
        }
    }
}

/// The envelope around a list, whose rows are written one after another.
pub(crate) struct Rows {
    body: Vec<u8>,
    count: usize,
}

impl Rows {
    /// For about `count` rows.
    pub(crate) fn of(count: usize) -> Self {
        let mut body = Vec::with_capacity((count + 1) * OF_EACH);
        body.extend_from_slice(br#"{"data":["#);
        Self { body, count: 0 }
    }

    /// Writes the next row.
    pub(crate) fn push(&mut self, row: &impl Serialize) {
        if self.count > 0 {
            self.body.push(b',');
        }
        self.count += 1;
        write(&mut self.body, row);
    }

    /// How many were written.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The answer.
    pub(crate) fn ok(mut self, meta: &Meta<'_>) -> HttpResponse {
        self.body.extend_from_slice(br#"],"meta":"#);
        write(&mut self.body, meta);
        self.body.push(b'}');
        ok(self.body)
    }
}

fn write(body: &mut Vec<u8>, value: &impl Serialize) {
    // Serialising these types cannot fail: no map has a key that is not a string.
    let _ = json::write(body, value);
}

fn ok(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, JSON)).body(body)
}
