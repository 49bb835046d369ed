//! The name of one request: in the `X-Request-Id` header, in `meta.request_id`, in every problem and every log line.

use std::{fmt, sync::Arc};

use actix_web::HttpRequest;

use crate::current::CurrentRequest;

/// The id of a request. The server makes it; one sent by the client is ignored, since it could be anything, another's included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// The id of `request`; `unknown` if the surface was built without [`crate::observe::observe`], as in the test of a handler alone.
    pub fn of(request: &HttpRequest) -> Self {
        CurrentRequest::of(request).map_or_else(|| Self::new("unknown"), |current| current.id().clone())
    }

    /// The id of the [`CurrentRequest`]. It is for code that actix gives no request to, such as `ResponseError::error_response`.
    pub fn current() -> Option<Self> {
        CurrentRequest::get().map(|request| request.id().clone())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
