//! The server's numbers, as `OpenMetrics` text (the format that Prometheus reads).

mod process;
mod requests;
mod sources;

use std::{fmt, sync::Arc};

use bwp_domain::rate_limits::ports::{LimiterStatus, RateLimiter};
use bwp_http::Refusals;
use bwp_postgres::{AuditQueue, PgStore, PoolUse};
use bwp_web::{availability::Availability, metrics::Meter};
use prometheus_client::{encoding::text, registry::Registry};

use self::{
    process::Process,
    requests::Requests,
    sources::{Source, Value},
};

/// Everything that is shown at `/metrics`. Numbers are read when they are asked for; nothing is kept here.
pub(super) struct Metrics(Registry);

impl Metrics {
    /// What [`text`](Self::text) is.
    pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The numbers of requests, of this process and of the server's state.
    pub(super) fn new(meter: &Arc<Meter>, availability: &Arc<Availability>) -> Self {
        let mut metrics = Self(Registry::default());
        metrics.0.register_collector(Box::new(Requests(Arc::clone(meter))));
        metrics.0.register_collector(Box::new(Process));
        let state = Arc::clone(availability);
        let closed = move || f64::from(u8::from(state.maintenance().is_some()));
        metrics.gauge("bwp_maintenance", "1 while the API is closed for maintenance", closed);
        let state = Arc::clone(availability);
        let stopping = move || f64::from(u8::from(state.is_stopping()));
        metrics.gauge("bwp_stopping", "1 from the signal to stop on", stopping);
        metrics
    }

    /// Adds a number that goes up and down, read at each scrape. `name` is the whole name, with its unit at the end.
    pub(super) fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.0.register_collector(Box::new(Source { name, help, value: Value::Gauge(Box::new(read)) }));
    }

    /// Adds a number that only goes up, read at each scrape. `name` is the name without `_total` at its end.
    pub(super) fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.0.register_collector(Box::new(Source { name, help, value: Value::Counter(Box::new(read)) }));
    }

    /// Adds the numbers of the database connections.
    pub(super) fn of_the_database(&mut self, store: &PgStore) {
        type Read = fn(PoolUse) -> usize;
        let numbers: [(_, _, Read); 3] = [
            ("bwp_database_connections_open", "Database connections for changes and slow reads", |pool| pool.open),
            ("bwp_database_connections_idle", "Those of them that nobody uses", |pool| pool.idle),
            ("bwp_database_connections_waiting", "Requests that wait for one", |pool| pool.waiting),
        ];
        for (name, help, read) in numbers {
            let store = store.clone();
            self.gauge(name, help, move || f64::from(u32::try_from(read(store.pool_use())).unwrap_or(u32::MAX)));
        }
    }

    /// Adds the numbers of the audit log.
    pub(super) fn of_the_audit_log(&mut self, queue: Arc<AuditQueue>, refusals: Arc<Refusals>) {
        let (written, lost) = (Arc::clone(&queue), Arc::clone(&queue));
        self.counter("bwp_audit_entries_written", "Entries of the audit log that were written", move || {
            written.counts().written
        });
        self.counter("bwp_audit_entries_lost", "Entries of the audit log that were lost", move || lost.counts().lost);
        let help = "Requests that were refused without being charged, and left no entry in the audit log";
        self.counter("bwp_audit_entries_left_out", help, move || refusals.left_out());
        self.gauge("bwp_audit_entries_waiting", "Entries of the audit log that wait to be written", move || {
            f64::from(u32::try_from(queue.counts().waiting).unwrap_or(u32::MAX))
        });
    }

    /// Adds whether requests are counted together with other servers.
    pub(super) fn of_the_rate_limits(&mut self, limiter: Arc<dyn RateLimiter>) {
        self.gauge("bwp_redis_lost", "1 while Redis is lost, and rate limits are counted otherwise", move || {
            f64::from(u8::from(matches!(limiter.status(), LimiterStatus::Lost { .. })))
        });
    }

    /// All numbers as they are now.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.0)?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_text_that_ends_as_it_should() {
        let (meter, availability) = (Arc::default(), Arc::<Availability>::default());
        let mut metrics = Metrics::new(&meter, &availability);
        metrics.gauge("pool_connections", "Connections", || 3.0);
        availability.stop();
        let text = metrics.text().unwrap();
        for line in ["# TYPE pool_connections gauge", "pool_connections 3.0", "bwp_stopping 1.0", "bwp_maintenance 0.0"]
        {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.contains("bwp_build_info{version=\""), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
