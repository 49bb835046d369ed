//! One connection.

use std::ops::{Deref, DerefMut};

use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, future::BoxFuture};
use tokio_postgres::Client;

use crate::{
    address::{Driver, describe},
    in_flight,
    session::{Found, Place, Session},
};

/// A connection. Used on the thread that opened it, it wakes no other thread. Dropped, it is closed at once, whatever is still
/// running on it.
pub(crate) struct Link {
    connection: AsyncPgConnection,
    driver: Driver,
    session: Session,
    pooled: bool,
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
    /// Opens a connection to the database.
    pub(crate) fn open(place: &Place, session: Session) -> BoxFuture<'_, Result<Self, ConnectionError>> {
        // It is large, seldom run, and a part of every future that may have to open a connection.
        Self::connect(place, session).boxed()
    }

    async fn connect(place: &Place, session: Session) -> Result<Self, ConnectionError> {
        let Session { name, connect_timeout, statement_timeout, .. } = session;
        let (client, driver) =
            place.address.connect(name, &session.options(), connect_timeout, statement_timeout).await?;
        let (connection, found) = Self::over(client).await?;
        let mut link = Self { connection, driver, session, pooled: found.pooled };
        place.note(found);
        link.set_up().await;
        Ok(link)
    }

    async fn over(client: Client) -> Result<(AsyncPgConnection, Found), ConnectionError> {
        let found = Found::of(&client).await.map_err(|error| ConnectionError::BadConnection(describe(&error)))?;
        // Each statement must see what was committed before it. A session of our own was told so.
        if found.isolation != "read committed" {
            return Err(ConnectionError::BadConnection(format!(
                "a pooler gives sessions whose default_transaction_isolation is '{}': set it to 'read committed' for the role",
                found.isolation
            )));
        }
        Ok((AsyncPgConnection::try_from(client).await?, found))
    }

    async fn set_up(&mut self) {
        in_flight::watch(&mut self.connection);
        if !self.pooled {
            for wish in WISHES {
                let _ = self.batch_execute(wish).await;
            }
        }
    }

    /// Whether a pooler is in between: the next transaction may have another session.
    pub(crate) const fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// The statement that begins a transaction.
    pub(crate) fn begin(&self) -> String {
        self.session.begin(self.pooled)
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
