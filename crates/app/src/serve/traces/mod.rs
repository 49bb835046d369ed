//! Traces of requests, sent to an OpenTelemetry collector: OTLP over HTTP, as protobuf.

mod requests;

use std::sync::Arc;

use bwp_web::observe::Trace;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{Layer, filter::filter_fn};

use self::requests::OfRequests;
use crate::logging::Export;

/// What sends traces.
pub(super) struct Traces(SdkTracerProvider);

const NAME: &str = "bwp";

impl Traces {
    /// Starts to send to the collector at `endpoint`; nothing is sent without one. Everything else is said by the
    /// variables of the OpenTelemetry specification: `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on.
    pub(super) fn start(endpoint: Option<&str>) -> anyhow::Result<Option<Self>> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let of_traces = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let endpoint = endpoint.map(|url| url.trim().trim_end_matches('/')).filter(|url| !url.is_empty());
        let is_off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if is_off || (endpoint.is_none() && of_traces.is_none()) {
            return Ok(None);
        }
        let mut exporter = SpanExporter::builder().with_http();
        // The variable for traces names the whole address, and comes first.
        if let (None, Some(endpoint)) = (of_traces, endpoint) {
            exporter = exporter.with_endpoint(format!("{endpoint}/v1/traces"));
        }
        let mut resource =
            Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if set("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(NAME);
        }
        let provider =
            SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter.build()?).build();
        Ok(Some(Self(provider)))
    }

    /// Where spans go to be sent. Only our own: what sends them has some too.
    pub(super) fn layer(&self) -> Export {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("bwp"));
        tracing_opentelemetry::layer().with_tracer(self.0.tracer(NAME)).with_filter(ours).boxed()
    }

    /// What the middleware tells of each request.
    #[expect(clippy::unused_self, reason = "without an exporter there is nobody to tell")]
    pub(super) fn of_requests(&self) -> Arc<dyn Trace> {
        Arc::new(OfRequests::default())
    }

    /// Sends what is left, for a few seconds at most.
    pub(super) async fn finish(self) {
        match tokio::task::spawn_blocking(move || self.0.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "the last traces were not sent"),
        }
    }
}
