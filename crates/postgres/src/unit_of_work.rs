//! One transaction on one connection.

use async_trait::async_trait;
use bwp_domain::{
    contacts::ports::{ContactRepository, HasContacts},
    events::Outbox,
    idempotency::ReceiptRepository,
    keys::ports::{CredentialRepository, HasKeys, KeyRepository},
    store::{StoreError, UnitOfWork},
    tenants::ports::{HasTenants, TenantRepository},
    users::ports::{HasUsers, UserRepository},
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection, pooled_connection::deadpool::Object};

use crate::{connect::Connection, error::DuringExt};

/// A transaction. It implements every repository: each family does so in its own file.
///
/// It begins and ends the transaction itself, without diesel's transaction manager: what that keeps track of is here in
/// one field, and a connection whose transaction did not end as it should never goes back to the pool.
pub(crate) struct PgUnitOfWork {
    /// `None` once the transaction has ended.
    connection: Option<Connection>,
}

/// The server answers the COMMIT of a transaction in which a statement failed by rolling back, and calls that no error.
/// Any statement before it does fail then, and keeps it from being run.
const COMMIT: &str = "SELECT 1; COMMIT";

impl PgUnitOfWork {
    pub(crate) async fn begin(connection: Connection) -> Result<Self, StoreError> {
        // In here before the transaction begins: a caller who goes away meanwhile leaves no open one in the pool.
        let mut uow = Self { connection: Some(connection) };
        uow.connection()?.batch_execute("BEGIN").await.during("beginning a transaction")?;
        Ok(uow)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        self.connection.as_deref_mut().ok_or_else(|| StoreError::Internal("the transaction has ended".to_owned()))
    }
}

impl Drop for PgUnitOfWork {
    /// A transaction that nobody ended: its connection is closed, and the server rolls back. Back in the pool it would
    /// stay open, holding its locks, until the connection's next use.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }

    fn receipts(&mut self) -> &mut dyn ReceiptRepository {
        self
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.connection()?.batch_execute(COMMIT).await.during("committing")?;
        // Ended: the connection goes back to the pool.
        drop(self.connection.take());
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        self.connection()?.batch_execute("ROLLBACK").await.during("rolling back")?;
        drop(self.connection.take());
        Ok(())
    }
}

macro_rules! lends {
    ($($has:ident, $lend:ident: $repository:ident;)*) => {$(
        impl $has for PgUnitOfWork {
            fn $lend(&mut self) -> &mut dyn $repository {
                self
            }
        }
    )*};
}

lends! {
    HasContacts, contacts: ContactRepository;
    HasKeys, keys: KeyRepository;
    HasTenants, tenants: TenantRepository;
    HasUsers, users: UserRepository;
}
