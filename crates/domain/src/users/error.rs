//! What can be wrong with a request about users.

use super::Forbidden;

/// Why a user was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The one who asks may not.
    #[error(transparent)]
    Forbidden(Forbidden),
    /// There is no such user in the tenant.
    #[error("no such user")]
    NotFound,
    /// The tenant has a user with this address.
    #[error("the tenant already has a user with this e-mail address")]
    EmailTaken,
    /// Somebody has an account with this address, and it was not said that they are meant.
    #[error("somebody has an account with this e-mail address already, with a password of their own")]
    HasAccount,
    /// Nobody has an account with this address, and it was said that somebody has.
    #[error("nobody has an account with this e-mail address")]
    NoAccount,
    /// Without them nobody could manage the tenant.
    #[error("the last active company admin keeps role and access: make somebody else a company admin first")]
    LastAdmin,
    /// Their access was taken away before.
    #[error("the user's access was already taken away")]
    AlreadyDeactivated,
    /// They have access.
    #[error("the user has access already")]
    AlreadyActive,
}
