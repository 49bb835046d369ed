//! What every store can do wrong, and the unit of work.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    accounts::ports::HasAccounts,
    activity::ActivityLog,
    events::Outbox,
    files::ports::HasFiles,
    idempotency::{IdempotencyKey, ReceiptRepository},
    ids::TenantId,
    invitations::ports::HasInvitations,
    jobs::ports::HasJobs,
    keys::ports::{CredentialRepository, HasKeys},
    notifications::ports::HasNotifications,
    numbers::HasNumbers,
    oauth::ports::HasOauth,
    principal::KeyCredential,
    resource::ports::HasRows,
    security::ports::SecurityLog,
    sessions::ports::HasSessions,
    sign_in::ports::HasSignIns,
    tenants::ports::HasTenants,
    users::ports::HasUsers,
    webhooks::ports::HasWebhooks,
};

/// What can go wrong in any store. The text is for the log, never for a client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Two transactions stood in each other's way (a serialization failure, a deadlock), or something was not as a unit
    /// of work expected it. Trying again may work;
    /// [`execute`](crate::execute::execute) does so by itself.
    #[error("transient conflict: {0}")]
    Conflict(String),
    /// The store cannot be reached, or did not answer in time.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// So much is asked of the store that it does not even try: trying again in some seconds may work.
    #[error("store busy: {0}")]
    Busy(String),
    /// A stored row does not make a domain value.
    #[error("inconsistent row: {0}")]
    Inconsistent(Inconsistency),
    /// Anything else: a defect.
    #[error("store failure: {0}")]
    Internal(String),
}

/// Which stored value is not what the domain says it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inconsistency {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row, by its id.
    pub row: String,
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}, column {}, row {}", self.table, self.column, self.row)
    }
}

/// Whether the store works.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Health: Send + Sync {
    /// `Ok` if the store answers now.
    async fn check(&self) -> Result<(), StoreError>;
}

/// Where units of work begin.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a transaction.
    ///
    /// MUST see what other transactions committed before each of its statements (READ COMMITTED).
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;

    /// Begins a unit of work that may answer by what is to be expected instead of asking: that the caller's credential is
    /// still `credential`, that an idempotency key is new, that a row is still what it was when it was read.
    ///
    /// `commit` MUST check, in one transaction with the changes, whatever was answered so, and fail with
    /// [`StoreError::Conflict`] and without a change if any of it was wrong. Any method may fail so at once, for what can
    /// only be done by asking. The one who began it then begins anew, with [`begin`](Self::begin).
    fn begin_expecting(&self, credential: &Arc<KeyCredential>) -> Result<Box<dyn UnitOfWork>, StoreError>;

    /// Waits until no other execution of this idempotency key runs in this process, or one of them has
    /// [answered](JoinGuard::answer). The guard keeps others waiting until it is dropped. `None` when another one was at work
    /// for too long: for more than a second, however long it waits for a connection before that.
    ///
    /// MUST NOT hold a connection while waiting.
    async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<Box<dyn JoinGuard>>;
}

/// Keeps other executions of one idempotency key waiting until it is dropped.
pub trait JoinGuard: Send {
    /// Whether another execution answered while this one waited: the key has a receipt.
    fn is_answered(&self) -> bool;

    /// Lets all in who wait, at once: the key has a receipt, and all that is left to them is to read it.
    fn answer(&self);
}

/// One transaction, which lends each repository and ends by value.
///
/// A unit of work that is dropped without [`commit`](Self::commit) MUST leave no transaction open.
#[async_trait]
pub trait UnitOfWork:
    HasAccounts
    + HasFiles
    + HasInvitations
    + HasJobs
    + HasKeys
    + HasNotifications
    + HasNumbers
    + HasOauth
    + HasRows
    + HasSessions
    + HasSignIns
    + HasTenants
    + HasUsers
    + HasWebhooks
    + Send
{
    /// The credentials of callers.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// The receipts of keyed requests.
    fn receipts(&mut self) -> &mut dyn ReceiptRepository;
    /// The events that others will be told of.
    fn outbox(&mut self) -> &mut dyn Outbox;
    /// What was done to each row.
    fn activity(&mut self) -> &mut dyn ActivityLog;
    /// What was done about keys and people.
    fn security_log(&mut self) -> &mut dyn SecurityLog;
    /// Keeps what was done so far, whatever is undone of what follows. Replaces the point that was made before.
    async fn savepoint(&mut self) -> Result<(), StoreError>;
    /// Undoes what was done since the last [point](Self::savepoint), which must be there: after a failure too.
    async fn undo_to_savepoint(&mut self) -> Result<(), StoreError>;
    /// Makes all changes durable and visible. After an error nothing, or everything, was kept: a client finds out by
    /// repeating the request under the same idempotency key.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Undoes all changes.
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// Ends a unit of work by what came of it: commits it, or rolls it back and passes on why.
pub(crate) async fn ended<T, E: From<StoreError>>(uow: Box<dyn UnitOfWork>, done: Result<T, E>) -> Result<T, E> {
    if done.is_ok() {
        uow.commit().await?;
    } else {
        // A connection that cannot roll back is dropped: that changes nothing.
        let _ = uow.rollback().await;
    }
    done
}
