//! Seeing users.

use async_trait::async_trait;

use super::User;
use crate::{
    ids::{AccountId, TenantId},
    paging::{Page, PageRequest},
    store::StoreError,
};

/// Users, outside any unit of work: active and deactivated ones.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserReader: Send + Sync {
    /// A page of the tenant's users, newest first by (createdAt, id).
    ///
    /// MUST cost the same wherever the page starts. MUST NOT show a user twice or leave one out that was there throughout a
    /// walk, whoever joins meanwhile.
    async fn page(&self, tenant: TenantId, page: PageRequest) -> Result<Page<User>, StoreError>;

    /// Those of the users that these accounts are in the tenant that there are.
    async fn get_many(&self, tenant: TenantId, accounts: &[AccountId]) -> Result<Vec<User>, StoreError>;

    /// The user that this account is in the tenant.
    async fn get(&self, tenant: TenantId, account: AccountId) -> Result<Option<User>, StoreError>;
}
