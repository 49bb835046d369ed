//! Users: the people of a tenant, and what each may do there.

mod commands;
mod error;
pub mod ports;
mod reader;
mod references;
mod role;
mod team;
mod user;

pub use commands::{AccountToUse, CreateUser, CreatedUser};
pub use error::UserError;
pub use references::{ActiveUser, AnyUser};
pub use role::{Forbidden, Permission, Role, UnknownRole};
pub use team::{ChangeRole, DeactivateUser, ReactivateUser};
pub use user::{User, UserState};
