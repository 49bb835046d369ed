//! The log as a server has it: a queue, and the task that empties it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::{
    queue::{AuditCounts, AuditLimits, AuditQueue},
    writer::Writer,
};
use crate::{PoolSettings, address::InvalidDatabaseUrl, session::Place};

/// A running audit log. One for each process.
pub struct AuditLog {
    queue: Arc<AuditQueue>,
    stop: watch::Sender<bool>,
    writing: JoinHandle<()>,
}

impl AuditLog {
    /// Begins to write what is recorded to the database at `url`, in a task of the runtime that this is called in, over a
    /// connection of its own that is made when it is first needed.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(url: &str, settings: PoolSettings, limits: AuditLimits) -> Result<Self, InvalidDatabaseUrl> {
        let place = Place::parse(url)?;
        let queue = Arc::new(AuditQueue::new(limits));
        let (stop, stopped) = watch::channel(false);
        let writing = tokio::spawn(Writer::new(Arc::clone(&queue), place, settings, stopped).run());
        Ok(Self { queue, stop, writing })
    }

    /// Where requests are recorded, and counted.
    pub fn queue(&self) -> Arc<AuditQueue> {
        Arc::clone(&self.queue)
    }

    /// Writes what was recorded, and ends. What cannot be written within `patience` is lost. To be called when nothing is
    /// recorded any more.
    pub async fn finish(self, patience: Duration) -> AuditCounts {
        // If the task is gone, nobody hears it.
        let _ = self.stop.send(true);
        let mut writing = self.writing;
        if timeout(patience, &mut writing).await.is_err() {
            writing.abort();
        }
        let AuditCounts { waiting, .. } = self.queue.counts();
        if waiting > 0 {
            tracing::error!(entries = waiting, "entries of the audit log were lost: they could not be written in time");
        }
        self.queue.give_up();
        self.queue.counts()
    }
}
