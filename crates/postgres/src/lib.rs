//! The domain's ports over PostgreSQL, by diesel and diesel-async.
//!
//! [`PgStore`] is all of them: it begins units of work and reads. Each family has a file of its own here, named as in
//! the domain, with the rows it reads, the statements it sends and the ports it implements.

mod accounts;
mod activity;
mod address;
mod api_keys;
mod audit;
mod calendar;
mod clock;
mod connect;
mod credentials;
mod cursor_secrets;
mod error;
mod expecting;
mod feed;
mod files;
mod hint;
mod idempotency;
mod ids_ahead;
mod in_flight;
mod invitations;
mod jobs;
mod join;
mod lanes;
mod link;
mod locks;
mod long_reads;
mod made;
mod mail;
mod migrations;
mod notifications;
mod oauth;
mod outbox;
mod purge;
mod reading;
mod resource;
mod rows;
// The lint takes no notice of tests.
#[cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "generated"))]
mod schema;
mod search_index;
mod security_log;
mod session;
mod sessions;
mod sign_in;
mod sql;
mod store;
mod team;
mod tenants;
mod together;
mod unit_of_work;
mod users;
mod webhooks;

#[cfg(feature = "testing")]
pub mod testing;

pub use address::{ForLibpq, InvalidDatabaseUrl, for_libpq};
pub use audit::{AuditCounts, AuditLimits, AuditLog, AuditPartitions, AuditQueue};
pub use clock::DatabaseClock;
pub use connect::{ConnectError, PoolSettings, PoolUse};
pub use cursor_secrets::StoredCursorSecrets;
pub use made::drop_everything;
pub use migrations::{MigrateError, MigrationReport, OLDEST_SERVER, Schema, migrate, schema};
pub use purge::Purged;
pub use store::PgStore;
