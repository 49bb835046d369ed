//! Headers that keep a browser from doing more with an answer than it should.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::header::{
        CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
    middleware::{Next, from_fn},
};

use crate::answer;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What an answer carries unless its handler said otherwise.
const DEFAULTS: [(HeaderName, &str); 5] = [
    // The body is what `Content-Type` says it is (Fetch Standard, section 3.7).
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Answers are one caller's data; no cache keeps them (RFC 9111 section 5.2.2.5).
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    // No page of another site frames an answer (RFC 7034) or embeds it (Fetch Standard, section 3.8).
    (X_FRAME_OPTIONS, "DENY"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];

/// Middleware that adds to every answer `X-Content-Type-Options: nosniff`, `Cache-Control: no-store`,
/// `Referrer-Policy: no-referrer`, `X-Frame-Options: DENY` and `Cross-Origin-Resource-Policy: same-origin`, each unless a handler
/// set that header itself.
///
/// It adds no CORS header, so that a browser lets no page of another origin read an answer (behaviour page, section 9). The few
/// routes that are open to other origins say so themselves.
pub fn api_headers<S, B>()
-> impl Transform<S, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()> + 'static
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    from_fn(|request: ServiceRequest, next: Next<B>| async move {
        answer::with_headers(next.call(request).await, add_defaults)
    })
}

fn add_defaults(headers: &mut HeaderMap) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
