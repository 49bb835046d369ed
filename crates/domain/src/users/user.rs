//! A user.

use std::{fmt, str::FromStr};

use crate::{
    clock::Timestamp,
    ids::{TenantId, UserId},
    text::Email,
};

/// A user's role in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything; alone manages keys, webhooks and settings.
    CompanyAdmin,
    /// A member who may also delete, approve, send, review and keep the product catalogue.
    Manager,
    /// Sees and edits business data.
    Member,
    /// Works on site: sees projects, contacts and documents; writes site logs and time entries.
    FieldCrew,
    /// Sees business data.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::CompanyAdmin, Self::Manager, Self::Member, Self::FieldCrew, Self::Viewer];

    /// The role as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompanyAdmin => "company_admin",
            Self::Manager => "manager",
            Self::Member => "member",
            Self::FieldCrew => "field_crew",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: expected company_admin, manager, member, field_crew or viewer")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A user of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Whose user.
    pub tenant: TenantId,
    /// Their address, which they sign in with.
    pub email: Email,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// Why a user was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The tenant has a user with this address.
    #[error("the tenant already has a user with this e-mail address")]
    EmailTaken,
}
