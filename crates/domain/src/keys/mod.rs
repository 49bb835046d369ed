//! API keys: long-lived credentials of a tenant's own programs.

mod allowlist;
mod bounds;
mod commands;
mod draft;
mod error;
mod filter;
mod key;
mod overlap;
pub mod ports;
pub(crate) mod secret;

pub use allowlist::{Allowlist, InvalidAllowlistEntry};
pub use bounds::{Bounds, Excess, Excesses, GIVEN_BY_ADMINS};
pub use commands::{CreateKey, CreatedKey, EditKey, KeyChanges, RevokeIf, RevokeKey, RotateKey, RotatedKey, SeenKey};
pub use draft::KeyDraft;
pub use error::KeyError;
pub use filter::{KeyFilter, KeyRef};
pub use key::{ApiKey, CreatedBy, KeyName, KeyRefusal, KeyState, KeyStatus, NewKey};
pub use overlap::Overlap;
pub use secret::{KeyHash, KeyMode, KeySecret, MalformedKey};
