//! What can be wrong with a request about invitations.

use crate::{fields::FieldErrors, users::Forbidden};

/// Why an invitation was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// The one who asks may not.
    #[error(transparent)]
    Forbidden(Forbidden),
    /// What is wrong with the fields `email` and `role`.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// There is no such invitation in the tenant.
    #[error("no such invitation")]
    NotFound,
    /// It was accepted, withdrawn or replaced before, or its time is over.
    #[error("the invitation is not good any more")]
    NotPending,
}
