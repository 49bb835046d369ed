//! Telling the outbox's reader in this process that there may be something to read.

use std::sync::OnceLock;

use crate::store::PgStore;

/// What is called when events were committed. A reader that is told of none finds them all the same, a little later.
#[derive(Default)]
pub(crate) struct EventsHint(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl EventsHint {
    pub(crate) fn give(&self) {
        if let Some(hint) = self.0.get() {
            hint();
        }
    }
}

impl PgStore {
    /// Calls `hint` whenever events were committed by this store, on whichever thread. It must not wait. Only the first that is set
    /// is called.
    pub fn on_events(&self, hint: impl Fn() + Send + Sync + 'static) {
        let _ = self.shared.events.0.set(Box::new(hint));
    }
}
