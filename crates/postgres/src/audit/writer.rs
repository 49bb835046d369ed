//! The task that writes what was recorded.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bwp_domain::{audit::AuditEntry, store::StoreError};
use chrono::{DateTime, Datelike, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    queue::{AuditQueue, BATCH, GATHERED},
    statements::{FetchIds, InsertEntries, InsertMissingEntries, MakePartition, UpsertUsage},
    usage::Usage,
};
use crate::{
    PoolSettings,
    error::DuringExt,
    link::Link,
    session::{Place, Session},
};

/// How long entries are gathered before they are written, unless there are [`GATHERED`] before.
const GATHER: Duration = Duration::from_millis(250);

/// How long one attempt to write may take. Longer than a statement may, so that this ends only what the server does not.
const ATTEMPT: Duration = Duration::from_secs(15);

/// How long to wait before the second attempt; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often a batch is tried that a database which is there refuses. One that can never be written must not keep all
/// others from it.
const ATTEMPTS_REFUSED: u32 = 60;

/// How often trouble is logged.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// Takes entries from the queue and writes them. It has a connection of its own: under load, when the requests use all of
/// the pool's, there is the most to write.
pub(super) struct Writer {
    queue: Arc<AuditQueue>,
    place: Place,
    settings: PoolSettings,
    stop: watch::Receiver<bool>,
    connection: Option<Link>,
    /// The months that have a partition, as years and months.
    months: HashSet<(i32, u32)>,
    pending: VecDeque<AuditEntry>,
    spare: Vec<AuditEntry>,
    usage: Usage,
    log: Option<Instant>,
    lost_logged: u64,
}

impl Writer {
    pub(super) fn new(
        queue: Arc<AuditQueue>,
        place: Place,
        settings: PoolSettings,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            queue,
            place,
            settings,
            stop,
            connection: None,
            months: HashSet::new(),
            pending: VecDeque::new(),
            spare: Vec::new(),
            usage: Usage::default(),
            log: None,
            lost_logged: 0,
        }
    }

    /// Writes until it is told to stop, and then what is left.
    pub(super) async fn run(mut self) {
        loop {
            self.gather().await;
            // Before the queue is emptied: what was recorded before the stop is seen below.
            let stopping = self.is_stopping();
            let (pending, usage) = (&mut self.pending, &mut self.usage);
            self.queue.take(&mut self.spare, |entry| {
                usage.note(&entry);
                pending.push_back(entry);
            });
            // In the order of the index: one of its pages then takes the entries of many requests, one after another.
            self.pending.make_contiguous().sort_unstable_by_key(|entry| (entry.tenant, entry.created_at));
            while !self.pending.is_empty() {
                let batch: Vec<_> = self.pending.drain(..BATCH.min(self.pending.len())).collect();
                self.write(&batch).await;
            }
            self.write_usage(stopping).await;
            self.log_losses();
            if stopping && self.queue.waiting() == 0 {
                return;
            }
        }
    }

    fn is_stopping(&self) -> bool {
        // Nobody is left to tell it.
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Waits until there is something to write.
    async fn gather(&mut self) {
        // An entry counts before it is in the queue: a count of zero means that the next one will wake this.
        if self.queue.waiting() == 0 && self.usage.is_empty() && !self.is_stopping() {
            tokio::select! {
                () = self.queue.wake.notified() => {}
                _ = self.stop.changed() => {}
            }
        }
        let until = Instant::now() + GATHER;
        while self.queue.waiting() < GATHERED && !self.is_stopping() {
            tokio::select! {
                () = self.queue.wake.notified() => {}
                _ = self.stop.changed() => {}
                () = sleep_until(until) => return,
            }
        }
    }

    /// Writes a batch, however long that takes.
    async fn write(&mut self, batch: &[AuditEntry]) {
        // Fetched once: a batch that was written although it did not look so is passed over the second time.
        let mut first_id = None;
        let (mut wait, mut refused, mut again) = (FIRST_WAIT, 0, false);
        loop {
            let attempted = timeout(ATTEMPT, self.attempt(batch, &mut first_id, again)).await;
            let error = match attempted {
                Ok(Ok(())) => return self.queue.settle_written(batch),
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unavailable("the database did not answer in time".to_owned()),
            };
            // It may be gone, or at work on what nobody waits for. And a partition may have been dropped.
            self.connection = None;
            again = true;
            self.months.clear();
            if let StoreError::Internal(_) | StoreError::Inconsistent(_) = error {
                refused += 1;
                if refused >= ATTEMPTS_REFUSED {
                    tracing::error!(%error, entries = batch.len(), "the database refuses entries of the audit log; they are lost");
                    return self.queue.settle_lost(batch);
                }
            }
            self.log_failure(&error);
            sleep(wait).await;
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    async fn attempt(
        &mut self,
        batch: &[AuditEntry],
        first_id: &mut Option<i64>,
        again: bool,
    ) -> Result<(), StoreError> {
        let connection = connected(&mut self.connection, &self.place, self.settings).await?;
        for entry in batch {
            let at = DateTime::<Utc>::from(entry.created_at);
            let month = (at.year(), at.month());
            if !self.months.contains(&month) {
                MakePartition(at).execute(connection).await.during("making a partition of the audit log")?;
                self.months.insert(month);
            }
        }
        let first_id = match *first_id {
            Some(fetched) => fetched,
            None => *first_id.insert(FetchIds.get_result(connection).await.during("fetching ids for the audit log")?),
        };
        write_batch(connection, batch, first_id, again).await
    }

    /// Writes which keys were used, if that goes at once: else with the next batch, or never. It is not worth a wait.
    async fn write_usage(&mut self, all: bool) {
        let due = self.usage.due(Instant::now(), all);
        for uses in due.chunks(BATCH) {
            let write = async {
                let connection = connected(&mut self.connection, &self.place, self.settings).await?;
                UpsertUsage::new(uses).execute(connection).await.during("writing when keys were last used")
            };
            let error = match timeout(ATTEMPT, write).await {
                Ok(Ok(_)) => {
                    self.usage.written(uses, Instant::now());
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unavailable("the database did not answer in time".to_owned()),
            };
            self.connection = None;
            self.log_failure(&error);
            return;
        }
    }

    fn log_failure(&mut self, error: &StoreError) {
        let now = Instant::now();
        if self.log.is_none_or(|at| now.duration_since(at) >= LOG_PAUSE) {
            self.log = Some(now);
            let waiting = self.queue.waiting();
            tracing::warn!(%error, waiting, "the audit log cannot be written; it is tried again");
            self.log_losses_now();
        }
    }

    fn log_losses(&mut self) {
        let now = Instant::now();
        if self.log.is_none_or(|at| now.duration_since(at) >= LOG_PAUSE) && self.log_losses_now() {
            self.log = Some(now);
        }
    }

    /// Says how many entries were lost since this was said last, if any.
    fn log_losses_now(&mut self) -> bool {
        let lost = self.queue.counts().lost;
        let entries = lost - self.lost_logged;
        if entries > 0 {
            tracing::error!(entries, "entries of the audit log were lost: too many were waiting to be written");
            self.lost_logged = lost;
        }
        entries > 0
    }
}

async fn connected<'a>(
    connection: &'a mut Option<Link>,
    place: &Place,
    settings: PoolSettings,
) -> Result<&'a mut AsyncPgConnection, StoreError> {
    match connection {
        Some(connection) => Ok(connection),
        none => {
            let unreachable = |error| StoreError::Unavailable(format!("cannot connect to the database: {error}"));
            // Whoever looks at the server's sessions can tell it from those that answer requests.
            let session = Session { name: "bwp audit log", ..settings.session() };
            Ok(none.insert(Link::open(place, session).await.map_err(unreachable)?))
        }
    }
}

/// Writes entries under ids from `first_id` on. `again` if some of them may be there: they are passed over.
pub(crate) async fn write_batch(
    connection: &mut AsyncPgConnection,
    batch: &[AuditEntry],
    first_id: i64,
    again: bool,
) -> Result<(), StoreError> {
    let entries = InsertEntries::new(batch, first_id);
    let written =
        if again { InsertMissingEntries(entries).execute(connection).await } else { entries.execute(connection).await };
    written.during("writing the audit log").map(|_| ())
}
