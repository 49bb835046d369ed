//! An invitation.

use std::time::Duration;

use super::InvitationError;
use crate::{
    clock::Timestamp,
    ids::{InvitationId, TenantId, UserId},
    text::Email,
    users::Role,
};

/// That somebody may become a user of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Where.
    pub tenant: TenantId,
    /// Who: the person with this address.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: InvitationState,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// Nothing yet.
    Pending,
    /// It was accepted.
    Accepted {
        /// When.
        at: Timestamp,
        /// Who was made by it.
        user: UserId,
    },
    /// It was withdrawn.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl Invitation {
    /// For how long an invitation is good.
    pub const LIFETIME: Duration = Duration::from_hours(7 * 24);

    /// Whether it can be accepted at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        matches!(self.state, InvitationState::Pending) && now < self.expires_at
    }

    /// Whether it was made for the person with this address.
    pub fn is_for(&self, email: &Email) -> bool {
        self.email.folded() == email.folded()
    }

    /// Notes that `user` was made by it.
    pub fn accept(&mut self, user: UserId, now: Timestamp) -> Result<(), InvitationError> {
        if !self.is_good(now) {
            return Err(InvitationError::NotPending);
        }
        self.state = InvitationState::Accepted { at: now, user };
        Ok(())
    }

    /// Makes it good for nothing. One whose time is over can be withdrawn too: it is gone from the list then.
    pub const fn withdraw(&mut self, now: Timestamp) -> Result<(), InvitationError> {
        match self.state {
            InvitationState::Pending => {
                self.state = InvitationState::Withdrawn { at: now };
                Ok(())
            }
            InvitationState::Accepted { .. } | InvitationState::Withdrawn { .. } => Err(InvitationError::NotPending),
        }
    }
}
