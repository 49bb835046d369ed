//! What can be wrong with a request about keys.

use crate::clock::Timestamp;

/// Why a key was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no such key in the tenant.
    #[error("no such key")]
    NotFound,
    /// It was revoked before.
    #[error("the key was already revoked at {at}")]
    AlreadyRevoked {
        /// When.
        at: Timestamp,
    },
    /// It would be expired when made.
    #[error("the expiry must lie in the future")]
    ExpiryInThePast,
}
