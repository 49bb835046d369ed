//! Answers in the words of the RFCs, open to pages of every origin.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderValue, RETRY_AFTER,
            WWW_AUTHENTICATE,
        },
    },
};
use bwp_domain::store::StoreError;
use serde_json::{Value, json};

use crate::routes::refuse_method;

/// An error as RFC 6749, section 5.2, and RFC 7591, section 3.2.2, have it.
#[derive(Debug)]
pub(super) struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    challenge: bool,
    retry_after: Option<u32>,
}

impl OauthError {
    /// 400, with a code of the RFCs and what is wrong.
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { status: StatusCode::BAD_REQUEST, error, description, challenge: false, retry_after: None }
    }

    /// 400 `invalid_request`.
    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// 401 `invalid_client`, with a challenge if the client used the header.
    pub(super) fn invalid_client(description: impl Into<String>, challenge: bool) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, challenge, ..Self::new("invalid_client", description) }
    }

    /// 429.
    pub(super) fn too_many(retry_after: u32) -> Self {
        let retry = Some(retry_after);
        let description = format!("too many registrations from this address: try again in {retry_after} seconds");
        Self { status: StatusCode::TOO_MANY_REQUESTS, retry_after: retry, ..Self::new("rate_limited", description) }
    }

    /// The answer.
    pub(super) fn into_response(self) -> HttpResponse {
        let body = json!({ "error": self.error, "error_description": in_ascii(&self.description) });
        let mut response = json_answer(self.status, &body);
        if self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a request of an app failed");
        let (status, error) = match error {
            StoreError::Conflict(_) | StoreError::Busy(_) | StoreError::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            StoreError::Inconsistent(_) | StoreError::Internal(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            }
        };
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { status, retry_after, ..Self::new(error, "the server could not answer: try again") }
    }
}

/// RFC 6749, section 5.2: a description has visible ASCII characters without quotes and backslashes.
fn in_ascii(text: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
    text.chars().map(plain).collect()
}

/// JSON for whoever asks, and for no cache.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> HttpResponse {
    opened(
        HttpResponse::build(status)
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("application/json")
            .body(body.to_string()),
    )
}

/// The answer, for pages of every origin: nothing in it depends on a cookie.
pub(super) fn opened(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    response
}

/// What a browser asks before it sends what a page of another origin wants.
pub(super) async fn preflight() -> HttpResponse {
    let mut response = opened(HttpResponse::NoContent().finish());
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    let allowed = HeaderValue::from_static("Authorization, Content-Type, MCP-Protocol-Version");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

pub(super) async fn only_post(request: HttpRequest) -> HttpResponse {
    opened(refuse_method(&request, "OPTIONS, POST"))
}

pub(super) async fn only_get(request: HttpRequest) -> HttpResponse {
    opened(refuse_method(&request, "GET, HEAD, OPTIONS"))
}
