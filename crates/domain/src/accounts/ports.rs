//! What accounts need from a store.

use async_trait::async_trait;

use super::{Account, PasswordHash, PersonName};
use crate::{clock::Timestamp, store::StoreError, text::Email};

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
