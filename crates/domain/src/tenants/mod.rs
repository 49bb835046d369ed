//! Tenants: the companies whose data is kept apart.

mod commands;
pub mod ports;
mod tenant;
mod time_zone;

pub use commands::{FirstStart, FirstStartError, Provisioned, first_start, make_tenant};
pub use tenant::{NewTenant, Tenant, TenantName, TenantRefusal, TenantStatus, UnknownTenantStatus};
pub use time_zone::{TimeZone, UnknownTimeZone};
