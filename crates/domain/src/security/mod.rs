//! The security log: what was changed about a tenant's keys and people, by whom, and from where.
//!
//! A command notes what it did in [`Applied::noted`](crate::execute::Applied); `execute` writes it down, with who asked and
//! from which address, in the same transaction as the change. Nothing is ever changed or left out of it.

mod action;
pub mod ports;
mod record;

pub use action::{EndpointNote, KeyNote, SecurityAction, UserNote};
pub use record::{Actor, SecurityEntry, SecurityRecord};
