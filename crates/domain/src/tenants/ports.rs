//! What tenants need from a store.

use async_trait::async_trait;

use super::{NewTenant, Tenant, TenantStatus, TimeZone};
use crate::{
    ids::{TenantId, TenantPublicId},
    rate_limits::RateLimit,
    store::StoreError,
};

/// The tenants, for the operator's commands.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TenantDirectory: Send + Sync {
    /// Every tenant, oldest first.
    async fn list(&self) -> Result<Vec<Tenant>, StoreError>;

    /// The tenant with this public id.
    async fn find(&self, public_id: TenantPublicId) -> Result<Option<Tenant>, StoreError>;

    /// Lets a tenant in or keeps it out, from the next request on. `None` if there is no such tenant. MUST wait for the changes
    /// that were let in by what it was before: once this is done, none of them is committed any more. If that takes too long it
    /// fails, and the status is set all the same.
    async fn set_status(&self, tenant: TenantId, status: TenantStatus) -> Result<Option<Tenant>, StoreError>;

    /// Sets how many units an hour a tenant may spend, from the next request on. `None` if there is no such tenant.
    async fn set_rate_limit(&self, tenant: TenantId, limit: RateLimit) -> Result<Option<Tenant>, StoreError>;

    /// Sets which day it is at a tenant's, from the next request on. `None` if there is no such tenant.
    async fn set_time_zone(&self, tenant: TenantId, zone: TimeZone) -> Result<Option<Tenant>, StoreError>;
}

/// Tenants, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TenantRepository: Send {
    /// Stores a tenant and gives it its id. It is a row alone: [`make_tenant`](super::make_tenant) makes what every tenant begins
    /// with besides.
    async fn insert(&mut self, new: NewTenant) -> Result<Tenant, StoreError>;

    /// Whether there is no tenant at all. MUST keep others from making the first one until the unit of work ends.
    async fn is_first(&mut self) -> Result<bool, StoreError>;
}

/// A unit of work that lends the tenants.
pub trait HasTenants: Send {
    /// The tenants.
    fn tenants(&mut self) -> &mut dyn TenantRepository;
}
