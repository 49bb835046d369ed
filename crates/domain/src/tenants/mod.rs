//! Tenants: the companies whose data is kept apart.

mod commands;
pub mod ports;
mod tenant;

pub use commands::{FirstStart, FirstStartError, Provisioned, first_start};
pub use tenant::{NewTenant, Tenant, TenantName, TenantRefusal, TenantStatus, UnknownTenantStatus};
