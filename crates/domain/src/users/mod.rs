//! Users: the people of a tenant, and what each may do there.

mod commands;
mod error;
pub mod ports;
mod reader;
mod role;
mod user;

pub use commands::CreateUser;
pub use error::UserError;
pub use role::{Forbidden, Permission, Role, UnknownRole};
pub use user::{User, UserState};
