//! One connection.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::task::JoinHandle;

use crate::{address::Address, in_flight};

/// A connection, and the task that moves its bytes. The task runs on the thread that opened the connection: one that is
/// used there wakes no other thread. Dropped, it is closed at once, whatever is still running on it.
pub(crate) struct Link {
    connection: AsyncPgConnection,
    driver: JoinHandle<()>,
}

/// How a connection is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// How long one statement may take.
    pub(crate) statement_timeout: Duration,
    /// How long opening one may take.
    pub(crate) connect_timeout: Duration,
    /// Whether each statement is planned once, for all values.
    pub(crate) planned_once: bool,
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

impl Link {
    /// Opens a connection to the database at `address`.
    pub(crate) fn open(address: &Address, session: Session) -> BoxFuture<'_, Result<Self, ConnectionError>> {
        // It is large, seldom run, and a part of every future that may have to open a connection.
        Self::connect(address, session).boxed()
    }

    async fn connect(address: &Address, session: Session) -> Result<Self, ConnectionError> {
        let (client, driver) = address.connect(session.connect_timeout, session.statement_timeout).await?;
        let opened = AsyncPgConnection::try_from(client).await;
        let mut link = match opened {
            Ok(connection) => Self { connection, driver },
            Err(error) => {
                driver.abort();
                return Err(error);
            }
        };
        in_flight::watch(&mut link.connection);
        link.set_up(session).await?;
        Ok(link)
    }

    async fn set_up(&mut self, session: Session) -> Result<(), ConnectionError> {
        // By default the planner takes a random read for four times a sequential one. For a tenant of whom it expects a
        // dozen rows it would then rather collect and sort them than read a page in the order of the index, and it makes
        // that plan once for all tenants, those with 100,000 rows included.
        let setup = format!(
            "SET application_name = 'bwp';
             SET default_transaction_isolation = 'read committed';
             SET statement_timeout = {};
             SET idle_in_transaction_session_timeout = 30000;
             SET plan_cache_mode = {};
             SET random_page_cost = 1.1;",
            session.statement_timeout.as_millis(),
            if session.planned_once { "force_generic_plan" } else { "auto" },
        );
        self.batch_execute(&setup).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        for wish in WISHES {
            let _ = self.batch_execute(wish).await;
        }
        Ok(())
    }

    /// Whether the server has not closed it.
    pub(crate) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    /// The connection for many at once: what they send goes out together, and is answered in that order.
    pub(crate) const fn shared(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl Deref for Link {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
