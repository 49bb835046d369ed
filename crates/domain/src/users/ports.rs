//! What users need from a store.

use async_trait::async_trait;

#[cfg(feature = "testing")]
pub use super::reader::MockUserReader;
pub use super::reader::UserReader;
use super::{Role, User};
use crate::{
    accounts::Account,
    clock::Timestamp,
    ids::{TenantId, UserId},
    store::StoreError,
    text::Email,
};

/// A user that is about to be stored.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// Their account.
    pub account: Account,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// A user, as the page of the team shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamMember {
    /// The user.
    pub user: User,
    /// When they last asked for a page of the tenant's, to the minute, as far as their sessions tell. `None` if no session
    /// acts as them.
    pub seen_at: Option<Timestamp>,
}

/// A tenant's users, for the page of the team.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TeamReader: Send + Sync {
    /// Everybody, active or not, by address.
    async fn team(&self, tenant: TenantId) -> Result<Vec<TeamMember>, StoreError>;
}

/// Users, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send {
    /// Stores a user and gives them their id. MUST return `Ok(None)` and store nothing if the account has a user in the
    /// tenant, active or not.
    async fn insert(&mut self, tenant: TenantId, record: UserRecord) -> Result<Option<User>, StoreError>;

    /// Holds the tenant's team until the unit of work ends: another one that asks for it waits. It is held before any
    /// account's lock and any credential's.
    async fn lock_team(&mut self, tenant: TenantId) -> Result<(), StoreError>;

    /// The user, held so that they change nothing until the unit of work ends.
    ///
    /// MUST take their account's lock exclusively (the one that
    /// [`CredentialRepository::hold_session`](crate::keys::ports::CredentialRepository::hold_session) takes shared), then
    /// read the user in a later statement.
    async fn lock(&mut self, tenant: TenantId, id: UserId) -> Result<Option<User>, StoreError>;

    /// Stores the user's role and state. MUST be called on a user that this unit of work has locked.
    async fn update(&mut self, tenant: TenantId, user: &User) -> Result<(), StoreError>;

    /// How many company admins are active.
    async fn active_admins(&mut self, tenant: TenantId) -> Result<i64, StoreError>;

    /// The user with this address, active or not, whatever the case of its letters. Takes no lock.
    async fn find_by_email(&mut self, tenant: TenantId, email: &Email) -> Result<Option<User>, StoreError>;
}

/// A unit of work that lends the users.
pub trait HasUsers: Send {
    /// The users.
    fn users(&mut self) -> &mut dyn UserRepository;
}
