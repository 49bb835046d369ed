//! What can be wrong with a request about contacts.

use crate::fields::{Fault, FieldErrors};

/// Why a contact was not made, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// There is no such contact in the tenant (any more).
    #[error("no such contact")]
    NotFound,
    /// Fields are wrong.
    #[error("{0}")]
    Invalid(FieldErrors),
}

impl ContactError {
    pub(super) fn parent_not_found() -> Self {
        let fault = Fault::new("not_found", "There is no contact with this id.");
        Self::Invalid(FieldErrors::one("parentContactId", fault))
    }

    pub(super) fn own_parent() -> Self {
        let fault = Fault::new("invalid_value", "A contact cannot be its own parent.");
        Self::Invalid(FieldErrors::one("parentContactId", fault))
    }
}
