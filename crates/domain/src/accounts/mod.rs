//! Accounts: the people who sign in, whichever tenants they belong to.

mod account;
mod password;
pub mod ports;

pub use account::{Account, PersonName};
pub use password::{Password, PasswordHash};
