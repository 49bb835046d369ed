//! A key, as it is kept.

use std::net::IpAddr;

use crate::{
    clock::Timestamp,
    fields::Fault,
    ids::{KeyId, KeyPublicId, TenantId, UserId},
    keys::{Allowlist, KeyError},
    rate_limits::RateLimit,
    scopes::ScopeSet,
    text::Text,
};

/// A key's name: 1 to 100 characters and not white space alone, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(Text);

impl KeyName {
    /// The most characters a name has.
    pub const MAX_CHARS: usize = 100;

    /// `name`, or the fault with it.
    pub fn parse(name: String) -> Result<Self, Fault> {
        if name.trim().is_empty() || name.chars().count() > Self::MAX_CHARS {
            return Err(Fault::new("invalid_length", "A key's name has 1 to 100 characters."));
        }
        Text::parse(name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who made a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreatedBy {
    /// Who runs the server, with the `bwp` command.
    Operator,
    /// One of the tenant's users.
    User(UserId),
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can, until `expires_at` if there is one.
    Active {
        /// From this moment on it cannot.
        expires_at: Option<Timestamp>,
    },
    /// Never again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Its public id, `key_…`.
    pub public_id: KeyPublicId,
    /// Whose it is.
    pub tenant: TenantId,
    /// For people.
    pub name: KeyName,
    /// The part of the key that may be shown.
    pub display_prefix: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// From where.
    pub allowlist: Allowlist,
    /// How many requests a minute.
    pub rate_limit: RateLimit,
    /// By whom it was made.
    pub created_by: CreatedBy,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it can be used.
    pub state: KeyState,
}

/// What is asked for when a key is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// For people.
    pub name: KeyName,
    /// What it may do. May be empty: `GET /me` needs no scope.
    pub scopes: ScopeSet,
    /// From where.
    pub allowlist: Allowlist,
    /// How many requests a minute.
    pub rate_limit: RateLimit,
    /// From when on it cannot be used.
    pub expires_at: Option<Timestamp>,
}

/// Why a key is refused. All of these look alike to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// The caller's address is not on its list.
    AddressNotAllowed,
}

impl ApiKey {
    /// Whether the key may be used at `now` by a caller at `address`.
    pub fn check(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), KeyRefusal> {
        match self.state {
            KeyState::Revoked { .. } => return Err(KeyRefusal::Revoked),
            KeyState::Active { expires_at: Some(at) } if at <= now => return Err(KeyRefusal::Expired),
            KeyState::Active { .. } => {}
        }
        if self.allowlist.allows(address) { Ok(()) } else { Err(KeyRefusal::AddressNotAllowed) }
    }

    /// Takes the key out of use for good.
    pub fn revoke(&mut self, now: Timestamp) -> Result<(), KeyError> {
        match self.state {
            KeyState::Revoked { at } => Err(KeyError::AlreadyRevoked { at }),
            KeyState::Active { .. } => {
                self.state = KeyState::Revoked { at: now };
                Ok(())
            }
        }
    }
}
