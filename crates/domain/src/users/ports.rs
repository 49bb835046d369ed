//! What users need from a store.

use async_trait::async_trait;

use super::{PasswordHash, Role, User};
use crate::{clock::Timestamp, ids::TenantId, store::StoreError, text::Email};

/// A user that is about to be stored.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// Their address.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// Since when.
    pub created_at: Timestamp,
}

/// Users, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send {
    /// Stores a user and gives them their id. MUST return `Ok(None)` and store nothing if the tenant has a user with
    /// this address, whatever the case of its letters.
    async fn insert(&mut self, tenant: TenantId, record: UserRecord) -> Result<Option<User>, StoreError>;
}

/// A unit of work that lends the users.
pub trait HasUsers: Send {
    /// The users.
    fn users(&mut self) -> &mut dyn UserRepository;
}
