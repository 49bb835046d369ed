//! What can be wrong with a request about keys.

use super::Excesses;
use crate::{
    clock::Timestamp,
    fields::{Fault, FieldErrors},
    ids::KeyId,
    users::Forbidden,
};

/// Why a key was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The one who asks may not manage keys.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A key asked for more than it holds itself, or for a change of a key that holds more.
    #[error("{0}")]
    Exceeds(Excesses),
    /// Fields are not valid.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// There is no such key in the tenant.
    #[error("no such key")]
    NotFound,
    /// It was revoked before.
    #[error("the key was already revoked at {at}")]
    AlreadyRevoked {
        /// When.
        at: Timestamp,
    },
    /// Its time is over.
    #[error("the key expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// From where it may be used was changed since the one who asks looked at it.
    #[error("somebody else changed from where the key may be used meanwhile")]
    ChangedMeanwhile,
    /// Its name was changed since the one who asks looked at it.
    #[error("somebody else changed the key's name meanwhile")]
    RenamedMeanwhile,
    /// It was given a successor before.
    #[error("the key was already replaced by key {by}")]
    Replaced {
        /// Its successor.
        by: KeyId,
    },
    /// It would be expired when made.
    #[error("the expiry must lie in the future")]
    ExpiryInThePast,
}

impl KeyError {
    /// What is wrong with the field `expiresAt` when the key would be expired as soon as it is made.
    pub fn in_the_past() -> Fault {
        Fault::new("too_small", "Must lie in the future. Leave it out for a key that does not expire.")
    }
}
