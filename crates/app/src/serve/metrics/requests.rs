//! What was counted about requests.

use std::{fmt, sync::Arc};

use bwp_web::metrics::{BUCKETS, Meter, OTHER};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::sources::{counter, gauge};

#[derive(Debug)]
pub(super) struct Requests(pub(super) Arc<Meter>);

impl Collector for Requests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let meter = &*self.0;
        let routes = meter.routes();

        let help = "Answered requests";
        let mut family = encoder.encode_descriptor("http_requests", help, None, MetricType::Counter)?;
        for route in &routes {
            for (status, count) in route.answers() {
                let status = status.map_or_else(|| OTHER.to_owned(), |status| status.to_string());
                let labels = [("method", route.method()), ("route", route.pattern()), ("status", &status)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }

        let help = "How long answered requests took, until the head of the answer was ready";
        let name = "http_request_duration_seconds";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for route in &routes {
            let durations = route.durations();
            let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(durations.buckets).collect();
            let labels = [("method", route.method()), ("route", route.pattern())];
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                durations.sum,
                durations.count(),
                &buckets,
                None,
            )?;
        }

        #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
        let in_flight = meter.in_flight() as f64;
        gauge(&mut encoder, "http_requests_in_flight", "Requests that are being answered", in_flight)?;
        let help = "Requests that were given up because their connection was gone";
        counter(&mut encoder, "http_requests_abandoned", help, meter.abandoned())?;
        counter(&mut encoder, "http_requests_panicked", "Requests that ended in a defect", meter.panicked())?;

        let help = "Requests whose credential was refused, by reason";
        let mut family = encoder.encode_descriptor("bwp_credentials_refused", help, None, MetricType::Counter)?;
        for (reason, count) in meter.refused() {
            ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
        }

        let help = "The version that runs";
        let mut family = encoder.encode_descriptor("bwp_build_info", help, None, MetricType::Gauge)?;
        ConstGauge::new(1_i64).encode(family.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn writes_a_route_with_its_placeholders() {
        let meter = Arc::<Meter>::default();
        let _ = meter.route("GET", "/api/v1/contacts/{id}");
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Requests(meter)));
        let mut written = String::new();
        text::encode(&mut written, &registry).unwrap();
        for part in [
            "# TYPE http_requests counter",
            "http_request_duration_seconds_bucket{le=\"0.0005\",method=\"GET\",route=\"/api/v1/contacts/{id}\"} 0",
            "http_request_duration_seconds_bucket{le=\"+Inf\",method=\"other\",route=\"other\"} 0",
            "http_requests_in_flight 0",
            "http_requests_abandoned_total 0",
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
    }
}
