//! A session, and who is signed in by it.

use std::{sync::Arc, time::Duration};

use crate::{
    accounts::Account,
    clock::Timestamp,
    ids::{SessionId, TenantId, UserId},
    paging::Position,
    principal::Refusal,
    tenants::Tenant,
    users::User,
};

/// A browser in which a person has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// As which user of which tenant they act. `None` until they have chosen.
    pub acts_as: Option<(TenantId, UserId)>,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When a page was last asked for, to the minute.
    pub seen_at: Timestamp,
}

/// A user of a tenant who is signed in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// By which session.
    pub session: Session,
    /// Who they are there.
    pub user: User,
    /// Where.
    pub tenant: Tenant,
}

/// A session that is not over, as a browser's token finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// The session.
    pub session: Session,
    /// The person.
    pub account: Account,
    /// As whom they act. `None` until they have chosen, and when their access to the tenant was taken away.
    pub signed_in: Option<Arc<SignedIn>>,
}

/// Where an account has a user who is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Where.
    pub tenant: Tenant,
    /// Who they are there.
    pub user: User,
}

/// How many sessions an account has: those that were begun last.
pub const MOST_SESSIONS: usize = 50;

impl Session {
    /// How long after a session was noted in a tenant's security log it is noted there again.
    pub const NOTED_AGAIN_AFTER: Duration = Duration::from_hours(1);
    /// After this long without a request a session is over.
    pub const IDLE: Duration = Duration::from_hours(12);
    /// After this long it is over anyway.
    pub const LIFETIME: Duration = Duration::from_hours(7 * 24);

    /// Where it stands in lists.
    pub const fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }

    /// Whether the session is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.seen_at.plus(Self::IDLE) <= now || self.created_at.plus(Self::LIFETIME) <= now
    }
}

impl SignedIn {
    /// The person.
    pub const fn account(&self) -> &Account {
        &self.user.account
    }

    /// Whether they may act at `now`, whatever they want.
    pub fn admit(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.session.is_over(now) || !self.user.is_active() {
            return Err(Refusal::SignedOut);
        }
        self.tenant.check().map_err(Refusal::Tenant)
    }
}
