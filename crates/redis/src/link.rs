//! The connection to Redis, or since when there is none.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use bwp_domain::clock::Timestamp;
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

/// What every request looks at: a connection to use now, or none.
pub(crate) struct Link {
    state: RwLock<State>,
    lost: Notify,
}

enum State {
    Up(Connected),
    Down { since: Timestamp },
}

/// A connection, and which one it is.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    number: u64,
}

impl Link {
    pub(crate) fn down(since: Timestamp) -> Self {
        Self { state: RwLock::new(State::Down { since }), lost: Notify::new() }
    }

    /// The connection. `None` while Redis is lost.
    pub(crate) fn connected(&self) -> Option<Connected> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Up(connected) => Some(connected.clone()),
            State::Down { .. } => None,
        }
    }

    /// Since when Redis is lost. `None` if it is not.
    pub(crate) fn lost_since(&self) -> Option<Timestamp> {
        match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Up(_) => None,
            State::Down { since } => Some(*since),
        }
    }

    /// There is a connection, the `number`th.
    pub(crate) fn found(&self, connection: MultiplexedConnection, number: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State::Up(Connected { connection, number });
    }

    /// `failed` is no good. Of the many requests that notice, one is the first and says so in the log; one that notices
    /// late takes no newer connection away.
    pub(crate) fn lose(&self, failed: &Connected, now: Timestamp, why: &dyn fmt::Display) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(&*state, State::Up(connected) if connected.number == failed.number) {
            return;
        }
        *state = State::Down { since: now };
        drop(state);
        tracing::warn!(%why, "Redis is lost; rate limits go on as --redis-lost says");
        self.lost.notify_one();
    }

    /// Returns when Redis was lost since the last time.
    pub(crate) async fn until_lost(&self) {
        self.lost.notified().await;
    }
}
