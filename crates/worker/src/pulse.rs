//! When a task looks for work, and when it stops.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// Tells a task that there may be work. A hint that is lost delays work until the task's timer, and no longer.
#[derive(Clone, Debug, Default)]
pub struct Hint(Arc<Notify>);

impl Hint {
    /// Wakes the task, or keeps it from falling asleep. Never waits; many hints count as one.
    pub fn give(&self) {
        self.0.notify_one();
    }
}

/// What a task goes by: it is told that there may be work, and that it is to stop.
#[derive(Clone, Debug)]
pub struct Pulse {
    hint: Hint,
    stop: watch::Receiver<bool>,
}

impl Pulse {
    pub(crate) const fn new(hint: Hint, stop: watch::Receiver<bool>) -> Self {
        Self { hint, stop }
    }

    /// Waits for a hint, for `longest` at most. `false`: the task is to stop, and no work is to be begun.
    pub async fn next(&self, longest: Duration) -> bool {
        tokio::select! {
            () = self.stopped() => false,
            _ = timeout(longest, self.hint.0.notified()) => !self.is_stopping(),
        }
    }

    /// Whether the task is to stop.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the task is to stop.
    pub async fn stopped(&self) {
        // A worker that is gone stops its tasks too.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}
