//! What users need from a store.

use async_trait::async_trait;

#[cfg(feature = "testing")]
pub use super::reader::MockUserReader;
pub use super::reader::UserReader;
use super::{Role, User};
use crate::{accounts::Account, clock::Timestamp, ids::TenantId, store::StoreError};

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

/// Users, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send {
    /// Stores a user and gives them their id. MUST return `Ok(None)` and store nothing if the account has a user in the
    /// tenant, active or not.
    async fn insert(&mut self, tenant: TenantId, record: UserRecord) -> Result<Option<User>, StoreError>;
}

/// A unit of work that lends the users.
pub trait HasUsers: Send {
    /// The users.
    fn users(&mut self) -> &mut dyn UserRepository;
}
