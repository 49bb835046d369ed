//! A log in memory.

use std::sync::{Mutex, PoisonError};

use crate::audit::{AuditEntry, ports::AuditSink};

/// Remembers what was recorded.
#[derive(Debug, Default)]
pub struct RememberingSink(Mutex<Vec<AuditEntry>>);

impl RememberingSink {
    /// Everything that was recorded, in that order.
    pub fn entries(&self) -> Vec<AuditEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AuditSink for RememberingSink {
    fn record(&self, entry: AuditEntry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}
