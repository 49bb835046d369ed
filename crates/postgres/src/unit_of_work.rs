//! One transaction on one connection.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

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
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, TransactionManager, pooled_connection::deadpool::Object,
};

use crate::{connect::Connection, error::DuringExt};

/// A transaction. It implements every repository: each family does so in its own file.
pub(crate) struct PgUnitOfWork {
    /// `None` once the transaction has ended.
    connection: Option<Connection>,
    /// Set when a statement failed.
    failed: Arc<AtomicBool>,
}

impl PgUnitOfWork {
    pub(crate) async fn begin(mut connection: Connection) -> Result<Self, StoreError> {
        let failed = Arc::new(AtomicBool::new(false));
        connection.set_instrumentation(noting_failure(Arc::clone(&failed)));
        // In here before the transaction begins: a caller who goes away meanwhile leaves no open one in the pool.
        let mut uow = Self { connection: Some(connection), failed };
        AnsiTransactionManager::begin_transaction(uow.connection()?).await.during("beginning a transaction")?;
        Ok(uow)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        self.connection.as_deref_mut().ok_or_else(|| StoreError::Internal("the transaction has ended".to_owned()))
    }
}

fn noting_failure(failed: Arc<AtomicBool>) -> impl Instrumentation {
    move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::FinishQuery { error: Some(_), .. } = event {
            failed.store(true, Ordering::Relaxed);
        }
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
        // PostgreSQL answers the COMMIT of a failed transaction by rolling back, and calls that no error.
        if self.failed.load(Ordering::Relaxed) {
            return Err(StoreError::Internal("a statement had failed: nothing can be committed".to_owned()));
        }
        AnsiTransactionManager::commit_transaction(self.connection()?).await.during("committing")?;
        // Ended: the connection goes back to the pool.
        drop(self.connection.take());
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        AnsiTransactionManager::rollback_transaction(self.connection()?).await.during("rolling back")?;
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
