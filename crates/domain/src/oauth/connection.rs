//! What a user gave an app, as people see it in a list.

use std::time::Duration;

use super::{Client, Resource};
use crate::{clock::Timestamp, ids::GrantId, paging::Position, scopes::ScopeSet, users::User};

/// Why a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEnd {
    /// It was taken back: by its user, by an admin, or by the app itself.
    Revoked,
    /// A code or a refresh token was in two hands.
    Theft,
}

/// An app that acts for a user, or did until a token of it was stolen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The grant.
    pub id: GrantId,
    /// The app.
    pub client: Client,
    /// The user, as they are now.
    pub user: User,
    /// What the app was given.
    pub scopes: ScopeSet,
    /// For what.
    pub resource: Resource,
    /// Since when.
    pub created_at: Timestamp,
    /// When the app last got tokens. One that is in use gets them once an hour or more often.
    pub renewed_at: Timestamp,
    /// When it ended, for a token was stolen.
    pub stolen_at: Option<Timestamp>,
}

impl Connection {
    /// For how long a user is told of a theft.
    pub const THEFT_SHOWN: Duration = Duration::from_hours(90 * 24);

    /// What the app may do now: what it was given, within what its user's role holds.
    pub fn scopes_now(&self) -> ScopeSet {
        self.scopes.common(self.user.role.scopes())
    }

    /// Where it stands in lists.
    pub const fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }
}
