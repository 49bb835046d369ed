//! Whether this server should be sent requests now: it may be closed for maintenance, or about to stop.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// The state of one server, shared by its workers. Reading it costs an atomic load.
#[derive(Debug, Default)]
pub struct Availability {
    stopping: AtomicBool,
    /// Seconds for `Retry-After`; 0 while the server is open.
    maintenance: AtomicU32,
}

impl Availability {
    /// From now on the server is not ready, and each answer ends its connection, so that a proxy does not reuse one that is about
    /// to go.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
    }

    /// Whether the server is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Closes the server for maintenance. Clients are told to come again after `retry_after`, in whole seconds, at least one.
    pub fn close(&self, retry_after: Duration) {
        let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
        self.maintenance.store(seconds.max(1), Relaxed);
    }

    /// Ends the maintenance.
    pub fn open(&self) {
        self.maintenance.store(0, Relaxed);
    }

    /// The seconds for `Retry-After` while the server is closed for maintenance; `None` while it is open.
    pub fn maintenance(&self) -> Option<u32> {
        match self.maintenance.load(Relaxed) {
            0 => None,
            seconds => Some(seconds),
        }
    }
}
