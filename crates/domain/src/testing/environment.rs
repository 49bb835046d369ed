//! Time that moves only when told to, and bytes that never repeat and are always the same.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use crate::{
    clock::{Clock, Timestamp},
    entropy::Entropy,
    execute::Environment,
};

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that shows `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.unix_millis()))
    }

    /// Sets it to `now`.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_millis(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that count up: good for tests and for nothing else.
#[derive(Debug, Default)]
pub struct SequentialEntropy(AtomicU64);

impl Entropy for SequentialEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            chunk.copy_from_slice(&next[8 - chunk.len()..]);
        }
    }
}

/// A fixed clock at the start of 2026 and sequential bytes.
pub fn environment() -> Environment {
    Environment {
        clock: Arc::new(FixedClock::new(Timestamp::from_unix_millis(1_767_225_600_000))),
        entropy: Arc::new(SequentialEntropy::default()),
        sends_mail: false,
    }
}
