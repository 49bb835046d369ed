//! Connections: how each is set up, and the pool of them.

use std::time::Duration;

use bwp_domain::store::StoreError;
use diesel::ConnectionError;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool, PoolError},
    },
};
use futures_util::{FutureExt, future::ready};

use crate::in_flight;

/// How many connections, and how patient.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// The most connections at once.
    pub max_size: usize,
    /// How long a request waits for one.
    pub wait: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { max_size: 16, wait: Duration::from_secs(2), statement_timeout: Duration::from_secs(10) }
    }
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the connection pool: {0}")]
pub struct ConnectError(String);

pub(crate) type Connection = Object<AsyncPgConnection>;

pub(crate) fn pool(url: &str, settings: PoolSettings) -> Result<Pool<AsyncPgConnection>, ConnectError> {
    let mut config = ManagerConfig::default();
    // Whether a connection is still good shows when it is used; asking first would cost each request a round trip.
    config.recycling_method =
        RecyclingMethod::CustomFunction(Box::new(|connection| ready(in_flight::check(connection)).boxed()));
    config.custom_setup = Box::new(move |url| establish(url, settings).boxed());
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(settings.max_size)
        .wait_timeout(Some(settings.wait))
        .create_timeout(Some(settings.wait))
        .runtime(deadpool_runtime())
        .build()
        .map_err(|error| ConnectError(error.to_string()))
}

const fn deadpool_runtime() -> deadpool::Runtime {
    deadpool::Runtime::Tokio1
}

/// What not every server grants.
const WISHES: [&str; 2] = [
    // Errors are told apart by their English text (see `error`). Only who may set this may; most servers speak English
    // anyway.
    "SET lc_messages = 'C'",
    // A request that goes away closes its connection. Without this the server would notice at the end of the statement,
    // and a statement that waits for a lock would keep those that its transaction has. Not every platform has it.
    "SET client_connection_check_interval = 500",
];

pub(crate) async fn establish(url: &str, settings: PoolSettings) -> Result<AsyncPgConnection, ConnectionError> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    in_flight::watch(&mut connection);
    // By default the planner takes a random read for four times a sequential one. For a tenant of whom it expects a dozen
    // rows it would then rather collect and sort them than read a page in the order of the index, and it makes that plan
    // once for all tenants, those with 100,000 rows included.
    let setup = format!(
        "SET application_name = 'bwp';
         SET default_transaction_isolation = 'read committed';
         SET TIME ZONE 'UTC';
         SET statement_timeout = {};
         SET idle_in_transaction_session_timeout = 30000;
         SET random_page_cost = 1.1;",
        settings.statement_timeout.as_millis()
    );
    connection.batch_execute(&setup).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    for wish in WISHES {
        let _ = connection.batch_execute(wish).await;
    }
    Ok(connection)
}

pub(crate) async fn connection(pool: &Pool<AsyncPgConnection>) -> Result<Connection, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Timeout(_) => StoreError::Unavailable("no database connection came free in time".to_owned()),
        error => StoreError::Unavailable(format!("cannot connect to the database: {error}")),
    })
}
