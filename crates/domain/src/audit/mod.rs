//! The audit log: what each request of a tenant's callers was, and how it was answered.
//!
//! Requests are recorded while they are answered and stored afterwards, in batches: recording never makes a request
//! wait, and never makes it fail.

mod entry;
mod excerpt;
mod filter;
pub mod ports;

pub use entry::{AuditEntry, AuditRecord};
pub use excerpt::Excerpt;
pub use filter::{AuditFilter, MethodName, NotAMethod};
