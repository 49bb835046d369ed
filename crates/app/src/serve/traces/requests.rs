//! A span for each request, under the names of OpenTelemetry's semantic conventions for HTTP.

use actix_web::http::{
    StatusCode,
    header::{HeaderMap, HeaderName},
};
use bwp_web::{
    metrics::RouteMeter,
    observe::{Hop, Trace},
};
use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{Status, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

#[derive(Default)]
pub(super) struct OfRequests(TraceContextPropagator);

impl Trace for OfRequests {
    fn begin(&self, span: &Span, headers: &HeaderMap, from: Hop) {
        // `traceparent` and `tracestate` (W3C Trace Context). Malformed ones count as absent, as that document says.
        let parent = self.0.extract(&Headers(headers));
        let context = parent.span().span_context().clone();
        match from {
            _ if !context.is_valid() => {}
            Hop::TrustedProxy => {
                // It fails for a span that nobody takes: there is nothing to connect then.
                let _ = span.set_parent(parent);
            }
            // As a parent it would decide whether this request is followed, which is not for strangers to say.
            Hop::Stranger => span.add_link(context),
        }
    }

    fn end(&self, span: &Span, route: Option<&RouteMeter>, status: StatusCode) {
        let context = span.context();
        let span = context.span();
        if let Some(route) = route {
            span.update_name(format!("{} {}", route.method(), route.pattern()));
            span.set_attribute(KeyValue::new("http.route", route.pattern().to_owned()));
            span.set_attribute(KeyValue::new("http.request.method", route.method().to_owned()));
        }
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
