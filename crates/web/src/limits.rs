//! Limits on the request target. The head as a whole is bounded by actix: 128 KiB, 96 header lines, 65,534 bytes of target.

use std::rc::Rc;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    middleware::{Next, from_fn},
};

/// The longest path that is served, in bytes as sent (so with its percent-encoding).
pub const MAX_PATH_BYTES: usize = 2_048;

/// The longest query that is served, in bytes as sent, without the question mark.
pub const MAX_QUERY_BYTES: usize = 8_192;

/// A request target that is too long to be served: 414 (RFC 9110 section 15.5.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {part} is {length} bytes long; at most {limit} are served")]
pub struct TargetTooLong {
    /// Which part of the target.
    pub part: TargetPart,
    /// Its length, in bytes.
    pub length: usize,
    /// The longest that is served, in bytes.
    pub limit: usize,
}

/// A part of a request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPart {
    /// All before the question mark.
    Path,
    /// All after the question mark.
    Query,
}

impl std::fmt::Display for TargetPart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
        })
    }
}

/// Middleware that answers with `refuse` when the path is longer than [`MAX_PATH_BYTES`] or the query than [`MAX_QUERY_BYTES`],
/// before any routing. `refuse` renders the surface's kind of error, with status 414.
pub fn refuse_long_targets<S, B>(
    refuse: impl Fn(&ServiceRequest, TargetTooLong) -> HttpResponse + 'static,
) -> impl Transform<S, ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()> + 'static
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let refuse = Rc::new(refuse);
    from_fn(move |request: ServiceRequest, next: Next<B>| {
        let refuse = Rc::clone(&refuse);
        async move {
            if let Some(too_long) = check(&request) {
                let answer = refuse(&request, too_long);
                return Ok(request.into_response(answer));
            }
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
    })
}

fn check(request: &ServiceRequest) -> Option<TargetTooLong> {
    let uri = request.uri();
    [
        (TargetPart::Path, uri.path().len(), MAX_PATH_BYTES),
        (TargetPart::Query, uri.query().map_or(0, str::len), MAX_QUERY_BYTES),
    ]
    .into_iter()
    .find(|(_, length, limit)| length > limit)
    .map(|(part, length, limit)| TargetTooLong { part, length, limit })
}
