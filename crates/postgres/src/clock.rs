//! Which time rows get, and how long after it they may be committed.
//!
//! A client that polls a list for what is new asks for rows from some seconds before the newest that it has seen. That misses
//! nothing as long as no row becomes visible much later than a newer one. Hence two rules
//! ([why](../../../docs/decisions/0028-rows-are-committed-soon-after-their-time.md)): the time of rows is the database's, as
//! this machine knows it, and each commit checks by the database's clock that the time is not long ago.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::DuringExt;

diesel::define_sql_function! {
    fn clock_timestamp() -> diesel::sql_types::Timestamptz;
}

/// How long after its rows' time a transaction may be committed, in milliseconds: longer than a statement may take, and than all
/// waits of a healthy server.
const LATE: i64 = 15_000;

/// The same, as a duration: what happened then may be committed now.
pub(crate) const LATEST: std::time::Duration = std::time::Duration::from_millis(LATE.unsigned_abs());

/// How far ahead of the database's clock the time of rows may be, in milliseconds.
const AHEAD: i64 = 5_000;

/// By how much this machine's clock may differ from the database's before it is put right, in milliseconds. Less than what a
/// commit allows: a clock that drifts apart is put right before changes are refused for it.
const TOLERATED: i64 = 1_000;

/// This machine's clock, put right where it differs from the database's.
pub struct DatabaseClock {
    machine: Arc<dyn Clock>,
    /// By how many milliseconds the machine's is ahead, if that is more than is tolerated.
    ahead: AtomicI64,
}

impl DatabaseClock {
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        Self { machine, ahead: AtomicI64::new(0) }
    }

    /// By how many milliseconds this machine's clock was found ahead of the database's, or behind it if that is negative. 0 for a
    /// difference that does not matter.
    pub fn ahead(&self) -> i64 {
        // Diesel has a method of the same name for whatever there is.
        AtomicI64::load(&self.ahead, Ordering::Relaxed)
    }

    /// Compares the clocks.
    pub(crate) async fn put_right(&self, connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
        let asked = self.machine.now().unix_millis();
        let database: DateTime<Utc> =
            diesel::select(clock_timestamp()).get_result(connection).await.during("reading the database's clock")?;
        // At some moment of these the database's clock was read.
        let took = self.machine.now().unix_millis().saturating_sub(asked);
        let found = asked + took / 2 - Timestamp::from(database).unix_millis();
        let ahead = if found.abs() <= TOLERATED { 0 } else { found };
        let known = self.ahead();
        // What an answer that took long tells of a small difference is nothing.
        if (ahead - known).abs() > TOLERATED + took.abs() {
            self.ahead.store(ahead, Ordering::Relaxed);
            tracing::warn!(
                ahead_ms = ahead,
                "this machine's clock differs from the database's, by which times are taken: keep both right (NTP)"
            );
        }
        Ok(())
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.machine.now().unix_millis() - self.ahead())
    }
}

/// The clock of this machine.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "an adapter of the port, to be compared with the database's clock")]
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}

/// When rows of a time may be committed, by the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timely {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Timely {
    /// For rows with times from `began` on, which was a moment ago.
    pub(crate) const fn of(began: Timestamp) -> Self {
        let millis = began.unix_millis();
        Self { from: Timestamp::from_unix_millis(millis - AHEAD), to: Timestamp::from_unix_millis(millis + LATE) }
    }

    /// When both may be committed.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}
