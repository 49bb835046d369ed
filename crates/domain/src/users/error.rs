//! What can be wrong with a request about users.

/// Why a user was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The tenant has a user with this address.
    #[error("the tenant already has a user with this e-mail address")]
    EmailTaken,
}
