//! What accounts need from a store.

use async_trait::async_trait;

use super::{Account, Password, PasswordHash, PersonName, TypedPassword};
use crate::{clock::Timestamp, ids::AccountId, store::StoreError, text::Email};

/// An account with what is kept of its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// The account.
    pub account: Account,
    /// What is kept of the password.
    pub password: PasswordHash,
}

/// Why a password was neither hashed nor compared. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PasswordHasherError {
    /// Too many are waiting: trying again in some seconds may work.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// A defect.
    #[error("hashing a password: {0}")]
    Failed(String),
}

/// Whose password it is that somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// One of somebody of whom something is known: they are signed in, or were before in this browser, or hold the link of an
    /// invitation.
    Known,
    /// Anybody's.
    Stranger,
}

/// Where passwords are hashed: slow work, on purpose, which must not keep other requests waiting.
///
/// [`Password::hash`] and [`TypedPassword::matches`] do the work itself. An implementation MUST run them where they block
/// nobody, MUST bound how many run at once (each takes 19 MiB), and MUST NOT give an answer of its own. However many strangers
/// ask, it MUST keep places for those who are known, and room to wait in.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// What is kept of this password. Only who is known chooses one.
    async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordHasherError>;

    /// Whether this is the password that `hash` was made of; without one it is not, and that takes just as long.
    async fn verify(
        &self,
        typed: TypedPassword,
        hash: Option<PasswordHash>,
        asker: Asker,
    ) -> Result<bool, PasswordHasherError>;
}

/// An account that is about to be stored.
#[derive(Clone, Debug)]
pub struct AccountRecord {
    /// Its address.
    pub email: Email,
    /// Whose.
    pub name: PersonName,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// Since when.
    pub created_at: Timestamp,
}

/// Accounts, inside a unit of work. They belong to no tenant: one person may be a user of many.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send {
    /// Stores an account and gives it its id. MUST return `Ok(None)` and store nothing if there is one with this address,
    /// whatever the case of its letters.
    async fn insert(&mut self, record: AccountRecord) -> Result<Option<Account>, StoreError>;

    /// The account with this address, whatever the case of its letters, and what is kept of its password. Takes no lock. It may be one
    /// whose letters only the store takes for the same: [`Email::folded`] decides.
    async fn find_by_email(&mut self, email: &Email) -> Result<Option<StoredAccount>, StoreError>;

    /// The account with this id, held like one [by its address](Self::lock_by_email), and what is kept of its password.
    async fn lock(&mut self, id: AccountId) -> Result<Option<StoredAccount>, StoreError>;

    /// Stores what is kept of the account's password. MUST be called on an account that this unit of work has locked.
    async fn set_password(&mut self, id: AccountId, password: &PasswordHash) -> Result<(), StoreError>;

    /// The account with this address, whatever the case of its letters.
    ///
    /// MUST take the account's lock exclusively (the one that
    /// [`CredentialRepository::hold_session`](crate::keys::ports::CredentialRepository::hold_session) takes shared), then
    /// read the account in a later statement.
    async fn lock_by_email(&mut self, email: &Email) -> Result<Option<Account>, StoreError>;
}

/// A unit of work that lends the accounts.
pub trait HasAccounts: Send {
    /// The accounts.
    fn accounts(&mut self) -> &mut dyn AccountRepository;
}
