//! A user.

use crate::{
    accounts::Account,
    clock::Timestamp,
    ids::{TenantId, UserId},
    paging::Position,
};

use super::{Role, UserError};

/// Whether a user may still sign in to the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// They may.
    Active,
    /// Their access was taken away. It can be given back.
    Deactivated {
        /// Since when.
        at: Timestamp,
    },
}

/// A user of a tenant: an account's membership there. One account may have one in each of many tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Whose user.
    pub tenant: TenantId,
    /// The person.
    pub account: Account,
    /// What they may do.
    pub role: Role,
    /// Whether they may still sign in.
    pub state: UserState,
    /// Since when they are a user of the tenant.
    pub created_at: Timestamp,
}

impl User {
    /// Where they stand in lists.
    pub const fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }

    /// Whether they may still sign in to the tenant.
    pub const fn is_active(&self) -> bool {
        matches!(self.state, UserState::Active)
    }
    /// Takes their access away.
    pub const fn deactivate(&mut self, at: Timestamp) -> Result<(), UserError> {
        match self.state {
            UserState::Active => {
                self.state = UserState::Deactivated { at };
                Ok(())
            }
            UserState::Deactivated { .. } => Err(UserError::AlreadyDeactivated),
        }
    }

    /// Gives their access back.
    pub const fn reactivate(&mut self) -> Result<(), UserError> {
        match self.state {
            UserState::Deactivated { .. } => {
                self.state = UserState::Active;
                Ok(())
            }
            UserState::Active => Err(UserError::AlreadyActive),
        }
    }
}
