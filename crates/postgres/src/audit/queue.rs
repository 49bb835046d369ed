//! Entries on their way to the database, in memory.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bwp_domain::audit::{AuditEntry, ports::AuditSink};
use tokio::sync::Notify;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditLimits {
    /// The most entries.
    pub entries: usize,
    /// About the most bytes of memory.
    pub bytes: usize,
}

impl Default for AuditLimits {
    fn default() -> Self {
        Self { entries: 100_000, bytes: 32 << 20 }
    }
}

/// What became of the entries that were recorded since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditCounts {
    /// In the database.
    pub written: u64,
    /// In memory, to be written.
    pub waiting: u64,
    /// Found no room, or could not be written.
    pub lost: u64,
}

/// How many entries are written by one statement: no more than a number of the sequence `api_audit_log_ids` stands for.
pub(super) const BATCH: usize = 1_000;

/// How many are gathered, at most, before they are written.
pub(super) const GATHERED: usize = 2 * BATCH;

/// How many buffers there are. Each thread records into one of them, so that threads seldom meet.
const SHARDS: usize = 32;

/// Entries of some threads. Those who record wait for the writer as long as it takes to swap two vectors. Aligned, so that
/// two buffers share no cache line.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<AuditEntry>>);

/// What was recorded and is not yet written.
pub struct AuditQueue {
    limits: AuditLimits,
    shards: [Shard; SHARDS],
    /// Entries here and in the writer's hands.
    waiting: AtomicUsize,
    bytes: AtomicUsize,
    written: AtomicU64,
    lost: AtomicU64,
    /// Tells the writer of the first entry after none, and of enough to begin with.
    pub(super) wake: Notify,
}

impl AuditQueue {
    pub(super) fn new(limits: AuditLimits) -> Self {
        Self {
            limits,
            shards: Default::default(),
            waiting: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            wake: Notify::new(),
        }
    }

    /// What became of the entries so far.
    pub fn counts(&self) -> AuditCounts {
        AuditCounts {
            written: self.written.load(Ordering::Relaxed),
            waiting: self.waiting() as u64,
            lost: self.lost.load(Ordering::Relaxed),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Moves what waits to the end of `taken`. It counts as waiting until it is settled.
    pub(super) fn take(&self, spare: &mut Vec<AuditEntry>, mut each: impl FnMut(AuditEntry)) {
        for shard in &self.shards {
            {
                let mut entries = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
                // Most are nobody's: each would come to a vector with room for many, and keep it.
                if entries.is_empty() {
                    continue;
                }
                // Who records finds a vector with room, and seldom has to make some.
                std::mem::swap(&mut *entries, spare);
            }
            spare.drain(..).for_each(&mut each);
            spare.shrink_to(GATHERED);
        }
    }

    /// Takes entries off the count of those that wait: they were written.
    pub(super) fn settle_written(&self, entries: &[AuditEntry]) {
        self.written.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.forget(entries);
    }

    /// Takes entries off the count of those that wait: they will not be written.
    pub(super) fn settle_lost(&self, entries: &[AuditEntry]) {
        self.lost.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.forget(entries);
    }

    /// Counts all that still waits as lost. Nobody writes any more.
    pub(super) fn give_up(&self) {
        let left = self.waiting.swap(0, Ordering::Relaxed);
        self.lost.fetch_add(left as u64, Ordering::Relaxed);
    }

    fn forget(&self, entries: &[AuditEntry]) {
        self.bytes.fetch_sub(entries.iter().map(AuditEntry::bytes).sum(), Ordering::Relaxed);
        self.waiting.fetch_sub(entries.len(), Ordering::Relaxed);
    }
}

impl AuditSink for AuditQueue {
    fn record(&self, entry: AuditEntry) {
        let size = entry.bytes();
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let bytes_before = self.bytes.fetch_add(size, Ordering::Relaxed);
        // The newest are lost, and not the oldest: what was recorded when a trouble began is worth the most.
        if before >= self.limits.entries || bytes_before + size > self.limits.bytes {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.shards[shard()].0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        if before == 0 || (before + 1).is_multiple_of(GATHERED) {
            self.wake.notify_one();
        }
    }
}

/// The buffer of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    MINE.with(|mine| *mine)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bwp_domain::{
        clock::Timestamp,
        testing::{audit_entry, tenant_id},
    };

    use super::*;

    fn entry() -> AuditEntry {
        audit_entry(tenant_id(1), Timestamp::from_unix_millis(0))
    }

    fn taken(queue: &AuditQueue) -> Vec<AuditEntry> {
        let mut all = Vec::new();
        queue.take(&mut Vec::new(), |entry| all.push(entry));
        all
    }

    #[test]
    fn what_finds_no_room_is_counted_and_room_comes_back() {
        let size = entry().bytes();
        for limits in [AuditLimits { entries: 3, bytes: usize::MAX }, AuditLimits { entries: 99, bytes: 3 * size }] {
            let queue = AuditQueue::new(limits);
            for _ in 0..5 {
                queue.record(entry());
            }
            assert_eq!(queue.counts(), AuditCounts { written: 0, waiting: 3, lost: 2 });
            let entries = taken(&queue);
            queue.record(entry());
            assert_eq!(queue.counts(), AuditCounts { written: 0, waiting: 3, lost: 3 }, "taken is not yet written");
            queue.settle_written(&entries[..2]);
            queue.settle_lost(&entries[2..]);
            for _ in 0..4 {
                queue.record(entry());
            }
            assert_eq!(queue.counts(), AuditCounts { written: 2, waiting: 3, lost: 5 });
            queue.give_up();
            assert_eq!(queue.counts(), AuditCounts { written: 2, waiting: 0, lost: 8 });
        }
    }

    #[test]
    fn buffers_that_nobody_uses_take_no_room() {
        let queue = AuditQueue::new(AuditLimits::default());
        let mut spare = Vec::new();
        for _ in 0..3 * SHARDS {
            (0..BATCH).for_each(|_| queue.record(entry()));
            let mut all = Vec::new();
            queue.take(&mut spare, |entry| all.push(entry));
            queue.settle_written(&all);
        }
        let rooms = queue.shards.iter().filter(|shard| shard.0.lock().expect("no panic").capacity() > 0).count();
        assert_eq!(rooms, 1, "of one thread");
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let queue = Arc::new(AuditQueue::new(AuditLimits::default()));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || (0..1_000).for_each(|_| queue.record(entry())))
            })
            .collect();
        let mut found = 0;
        while found < 8_000 {
            let entries = taken(&queue);
            found += entries.len();
            queue.settle_written(&entries);
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert_eq!(queue.counts(), AuditCounts { written: 8_000, waiting: 0, lost: 0 });
        assert_eq!(queue.bytes.load(Ordering::Relaxed), 0);
    }
}
