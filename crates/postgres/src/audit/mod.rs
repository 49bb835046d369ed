//! The audit log: written in batches off the requests' path, read by page, kept a month a partition.

mod log;
mod partitions;
mod queue;
mod read;
mod statements;
mod usage;
mod writer;

pub use log::AuditLog;
pub use partitions::AuditPartitions;
pub use queue::{AuditCounts, AuditLimits, AuditQueue};
#[cfg(feature = "testing")]
pub(crate) use {read::page_statement, writer::write_batch};
