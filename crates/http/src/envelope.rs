//! The envelope around every answer.

use actix_web::{HttpResponse, http::StatusCode};
use bwp_domain::idempotency::RenderedResponse;
use serde::Serialize;
use utoipa::ToSchema;

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
    #[schema(value_type = i64, minimum = 0, maximum = 100)]
    pub(crate) count: usize,
}

impl<'a> Meta<'a> {
    /// Just the request's id.
    pub(crate) fn of(request_id: &'a str) -> Self {
        Self { request_id, ..Self::default() }
    }
}

impl<T: Serialize> Envelope<'_, T> {
    /// The body.
    fn bytes(&self) -> Vec<u8> {
        /// Most things are shown in fewer bytes: a list's body seldom grows while it is written.
        const OF_EACH: usize = 448;
        let things = self.meta.pagination.as_ref().map_or(1, |pagination| pagination.count);
        let mut body = Vec::with_capacity((things + 1) * OF_EACH);
        // Serialising these types cannot fail: no map has a key that is not a string.
        let _ = serde_json::to_writer(&mut body, self);
        body
    }

    /// The answer to a read.
    pub(crate) fn ok(&self) -> HttpResponse {
        HttpResponse::Ok().content_type("application/json").body(self.bytes())
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
