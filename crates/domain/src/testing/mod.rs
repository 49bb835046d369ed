//! For tests: fixed time and randomness, sample values, and a scripted unit of work.
//!
//! The mocks that mockall makes of each port are beside the port, such as
//! [`MockRows`](crate::resource::ports::MockRows).

mod audit;
mod environment;
mod memory;
mod people;
pub mod rows_contract;
mod samples;
mod scripted;
mod typed;

pub use audit::RememberingSink;
pub use environment::{FixedClock, SequentialEntropy, environment};
pub use memory::MemoryRows;
pub use people::{account, membership, open_session, tenant, user};
pub use samples::{audit_entry, contact, credential, details, signed_in, tenant_id};
pub use scripted::{Ending, ScriptedStore, ScriptedUnitOfWork};
pub use typed::{TypedReader, TypedRows, create, update};
