//! What is counted about requests. Only numbers: how they are shown to a monitoring system is the caller's choice.
//!
//! A surface asks once, while it is configured, for the [`RouteMeter`] of each of its routes ([`Meter::route`]) and names it
//! when a request arrives ([`crate::observe::record_route`]). After that a request costs a handful of atomic additions: no lock,
//! no look-up, no text.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::http::StatusCode;

use crate::seldom::Seldom;

/// The upper bounds of the histogram's buckets, in seconds. What took longer than the last is counted beyond it.
pub const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The same bounds, in nanoseconds: they are compared with each request's duration.
const BOUNDS: [u64; BUCKETS.len()] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// The statuses that have a number of their own; all others are counted together.
const STATUSES: [u16; 20] =
    [200, 201, 202, 204, 304, 307, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 422, 429, 500, 503];

/// What stands for every route, method or status that has no number of its own.
pub const OTHER: &str = "other";

/// The numbers of one server. Shared by its workers.
#[derive(Debug)]
pub struct Meter {
    in_flight: AtomicI64,
    abandoned: AtomicU64,
    panicked: AtomicU64,
    routes: Mutex<Vec<Arc<RouteMeter>>>,
    other: Arc<RouteMeter>,
    refused: Mutex<BTreeMap<&'static str, RefusedFor>>,
}

/// Credentials that were refused for one reason.
#[derive(Debug)]
struct RefusedFor {
    count: u64,
    lines: Seldom,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            in_flight: AtomicI64::default(),
            abandoned: AtomicU64::default(),
            panicked: AtomicU64::default(),
            routes: Mutex::default(),
            other: Arc::new(RouteMeter::new(OTHER, OTHER)),
            refused: Mutex::default(),
        }
    }
}

impl Meter {
    /// The numbers of a route: `pattern` is the path with its placeholders, never one that a client sent. Each worker asks, and
    /// gets the same. For the time of configuration: it takes a lock.
    pub fn route(&self, method: &str, pattern: &str) -> Arc<RouteMeter> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = routes.iter().find(|route| route.method == method && route.pattern == pattern) {
            return Arc::clone(known);
        }
        let made = Arc::new(RouteMeter::new(method, pattern));
        routes.push(Arc::clone(&made));
        made
    }

    /// Every route that was asked for, and last what belongs to none of them: unknown paths, the documentation, health checks.
    pub fn routes(&self) -> Vec<Arc<RouteMeter>> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.iter().chain([&self.other]).map(Arc::clone).collect()
    }

    /// How many requests are being answered.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Relaxed)
    }

    /// How many requests were given up, because their connection was gone.
    pub fn abandoned(&self) -> u64 {
        self.abandoned.load(Relaxed)
    }

    /// How many requests ended in a panic.
    pub fn panicked(&self) -> u64 {
        self.panicked.load(Relaxed)
    }

    /// How many credentials were refused, by reason.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(reason, refused)| (*reason, refused.count)).collect()
    }

    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(crate) fn answered(&self, route: Option<&RouteMeter>, status: StatusCode, took: Duration) {
        self.in_flight.fetch_sub(1, Relaxed);
        route.unwrap_or(&self.other).count(status.as_u16(), took);
    }

    pub(crate) fn unanswered(&self, panicked: bool) {
        self.in_flight.fetch_sub(1, Relaxed);
        if panicked { &self.panicked } else { &self.abandoned }.fetch_add(1, Relaxed);
    }

    /// Counts a refused credential. Whether a line of the log may say so, and how many were left out since the last one.
    pub(crate) fn refuse(&self, reason: &'static str) -> Option<u64> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || RefusedFor { count: 0, lines: Seldom::each_second() };
        let refused = refused.entry(reason).or_insert_with(new);
        refused.count += 1;
        refused.lines.turn()
    }
}

/// The numbers of one route.
#[derive(Debug)]
pub struct RouteMeter {
    method: String,
    pattern: String,
    answers: [AtomicU64; STATUSES.len() + 1],
    durations: [AtomicU64; BUCKETS.len() + 1],
    nanoseconds: AtomicU64,
}

impl RouteMeter {
    fn new(method: &str, pattern: &str) -> Self {
        Self {
            method: method.to_owned(),
            pattern: pattern.to_owned(),
            answers: Default::default(),
            durations: Default::default(),
            nanoseconds: AtomicU64::default(),
        }
    }

    /// The route's method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The route's path with its placeholders.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// How many answers had which status. `None` stands for every status without a number of its own. Those that never occurred
    /// are left out.
    pub fn answers(&self) -> impl Iterator<Item = (Option<u16>, u64)> {
        let statuses = STATUSES.into_iter().map(Some).chain([None]);
        statuses.zip(self.answers.iter().map(|count| count.load(Relaxed))).filter(|(_, count)| *count > 0)
    }

    /// How long the answers took.
    pub fn durations(&self) -> Durations {
        // The count is of the buckets that were read, so that the two agree while requests are being counted.
        let buckets = self.durations.each_ref().map(|count| count.load(Relaxed));
        let nanoseconds = self.nanoseconds.load(Relaxed);
        Durations { buckets, sum: Duration::from_nanos(nanoseconds).as_secs_f64() }
    }

    fn count(&self, status: u16, took: Duration) {
        let place = STATUSES.binary_search(&status).unwrap_or(STATUSES.len());
        self.answers[place].fetch_add(1, Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < nanoseconds);
        self.durations[bucket].fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

/// A histogram of durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Durations {
    /// How many fell into each of [`BUCKETS`], and last how many took longer.
    pub buckets: [u64; BUCKETS.len() + 1],
    /// All durations together, in seconds.
    pub sum: f64,
}

impl Durations {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// Put into the extensions of an answer by who refused the request's credential, so that it is counted. The reason is one of a
/// few fixed words, never anything that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialRefused(pub &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_fit_together() {
        assert!(STATUSES.is_sorted());
        let bounds = BUCKETS.map(|bound| u64::try_from(Duration::from_secs_f64(bound).as_nanos()).unwrap());
        assert_eq!(bounds, BOUNDS);
    }

    #[test]
    fn counts_by_status_and_duration() {
        let meter = Meter::default();
        let route = meter.route("GET", "/things/{id}");
        assert!(Arc::ptr_eq(&route, &meter.route("GET", "/things/{id}")));
        for (status, milliseconds) in [(200, 1), (200, 2), (503, 20_000), (599, 0)] {
            meter.begin();
            let status = StatusCode::from_u16(status).unwrap();
            meter.answered(Some(&route), status, Duration::from_millis(milliseconds));
        }
        assert_eq!(route.answers().collect::<Vec<_>>(), [(Some(200), 2), (Some(503), 1), (None, 1)]);
        let durations = route.durations();
        assert_eq!((durations.count(), durations.sum), (4, 20.003));
        // A duration belongs to the bucket whose bound it reaches.
        assert_eq!(durations.buckets, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(meter.in_flight(), 0);
        assert_eq!(meter.routes().len(), 2);
    }
}
