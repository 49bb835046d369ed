//! Accounts: the people who sign in, whichever tenants they belong to.

mod account;
mod change_password;
mod common_passwords;
mod password;
pub mod ports;

pub use account::{Account, PersonName};
pub use change_password::{PasswordChange, PasswordChangeError, change_password, set_password};
pub use password::{Password, PasswordHash, TypedPassword};
