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
    paging::Limit,
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

/// Some of a tenant's users, by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamPage {
    /// They.
    pub members: Vec<TeamMember>,
    /// Behind whom the next page starts. `None` on the last page.
    pub next: Option<UserId>,
}

/// A tenant's users, for the page of the team.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TeamReader: Send + Sync {
    /// Up to `limit` of everybody, active or not, by address: behind this user, or from the first one on.
    ///
    /// MUST begin with the first one if there is no such user.
    async fn team(&self, tenant: TenantId, after: Option<UserId>, limit: Limit) -> Result<TeamPage, StoreError>;

    /// Those of these users that there are, in any order.
    async fn members(&self, tenant: TenantId, ids: &[UserId]) -> Result<Vec<User>, StoreError>;
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
