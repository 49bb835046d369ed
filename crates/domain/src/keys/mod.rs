//! API keys: long-lived credentials of a tenant's own programs.

mod allowlist;
mod commands;
mod error;
mod key;
pub mod ports;
mod secret;

pub use allowlist::{Allowlist, InvalidAllowlistEntry};
pub use commands::{CreateKey, CreatedKey, RevokeKey};
pub use error::KeyError;
pub use key::{ApiKey, CreatedBy, KeyName, KeyRefusal, KeyState, NewKey};
pub use secret::{KeyHash, KeyMode, KeySecret, MalformedKey};
