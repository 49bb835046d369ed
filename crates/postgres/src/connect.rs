//! The pool: connections that one transaction or one slow statement has for itself.

use std::{sync::Arc, time::Duration};

use bwp_domain::store::StoreError;
use deadpool::managed::{Manager, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use diesel::ConnectionError;

use crate::{
    address::InvalidDatabaseUrl,
    in_flight,
    link::Link,
    session::{Place, Session},
};

/// What connections call themselves.
pub(crate) const NAME: &str = "bwp";

/// How many connections, and how patient.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// The most connections for transactions and slow statements at once.
    pub max_size: usize,
    /// The connections that short reads share.
    pub lanes: usize,
    /// How long a request waits for a connection, or for the answer to what is answered at once by a healthy server.
    pub wait: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How many may wait for a connection of the pool, before others are told at once to come again.
    pub max_waiting: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl PoolSettings {
    /// Enough for one thread.
    pub const DEFAULT: Self = Self {
        max_size: 8,
        lanes: 2,
        wait: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(10),
        max_waiting: usize::MAX,
    };

    /// For the pool's connections.
    pub(crate) const fn session(self) -> Session {
        Session {
            name: NAME,
            statement_timeout: self.statement_timeout,
            connect_timeout: self.wait,
            planned_once: false,
        }
    }
}

/// How many connections of a pool are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Open, in use or not.
    pub open: usize,
    /// Open, and not in use.
    pub idle: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing can be reached under the URL.
    #[error(transparent)]
    Url(#[from] InvalidDatabaseUrl),
    /// The settings make no pool.
    #[error("cannot make the connection pool: {0}")]
    Pool(String),
}

pub(crate) struct Links {
    place: Arc<Place>,
    session: Session,
}

pub(crate) type Pool = deadpool::managed::Pool<Links>;
pub(crate) type Connection = Object<Links>;

impl Manager for Links {
    type Type = Link;
    type Error = ConnectionError;

    async fn create(&self) -> Result<Link, ConnectionError> {
        Link::open(&self.place, self.session).await
    }

    /// Without asking the server: that would cost each request a round trip.
    async fn recycle(&self, link: &mut Link, _metrics: &Metrics) -> RecycleResult<ConnectionError> {
        if !link.is_open() {
            return Err(RecycleError::message("the server has closed it"));
        }
        in_flight::check(link).map_err(|error| RecycleError::message(error.to_string()))
    }
}

pub(crate) fn pool(place: Arc<Place>, settings: PoolSettings) -> Result<Pool, ConnectError> {
    Pool::builder(Links { place, session: settings.session() })
        .max_size(settings.max_size)
        // The last one used knows most statements, and is in the processor's caches.
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(settings.wait))
        .create_timeout(Some(settings.wait))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| ConnectError::Pool(error.to_string()))
}

pub(crate) async fn connection(pool: &Pool) -> Result<Connection, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(_) => StoreError::Unavailable("no database connection came free in time".to_owned()),
        error => StoreError::Unavailable(format!("cannot connect to the database: {error}")),
    })
}
