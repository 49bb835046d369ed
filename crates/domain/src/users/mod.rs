//! Users: the people of a tenant.

mod commands;
mod password;
pub mod ports;
mod user;

pub use commands::CreateUser;
pub use password::{Password, PasswordHash};
pub use user::{Role, UnknownRole, User, UserError};
