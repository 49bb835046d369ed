//! A key, as it is kept.

use std::net::IpAddr;

use crate::{
    clock::Timestamp,
    fields::Fault,
    ids::{KeyId, KeyPublicId, TenantId, UserId},
    keys::{Allowlist, KeyError, KeyMode, Overlap},
    principal::Principal,
    rate_limits::RateLimit,
    scopes::ScopeSet,
    text::Text,
};

/// A key's name: 1 to 100 characters, some of which are seen, for people.
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
        Text::legible(name).map(Self)
    }

    /// A name as it was stored. It was checked then, and other names were good then.
    pub fn stored(name: String) -> Result<Self, Fault> {
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
    /// Another key of the tenant's.
    Key(KeyId),
}

impl CreatedBy {
    /// The one who asks.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Operator(_) => Self::Operator,
            Principal::Job(job) => Self::of(&job.starter),
            Principal::User(signed_in) => Self::User(signed_in.user.id),
            Principal::App(app) => Self::User(app.user.id),
            Principal::Key(credential) => Self::Key(credential.key.id),
        }
    }
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

/// What people call a key's state at one moment. A key that was rotated and still works is active, with an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyStatus {
    /// It can be used.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked, or rotated without an overlap.
    Revoked,
}

impl KeyStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// The status as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
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
    /// The key that it was made to take the place of.
    pub replaces: Option<KeyId>,
    /// The key that was made to take its place. Never another one, once there is one.
    pub replaced_by: Option<KeyId>,
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
    /// Live or test.
    pub fn mode(&self) -> KeyMode {
        KeyMode::of(&self.display_prefix)
    }

    /// What people call its state at `now`.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        match self.state {
            KeyState::Revoked { .. } => KeyStatus::Revoked,
            KeyState::Active { expires_at: Some(at) } if at <= now => KeyStatus::Expired,
            KeyState::Active { .. } => KeyStatus::Active,
        }
    }

    /// Whether the key may be used at `now` by a caller at `address`.
    pub fn check(&self, now: Timestamp, address: Option<IpAddr>) -> Result<(), KeyRefusal> {
        match self.status(now) {
            KeyStatus::Revoked => Err(KeyRefusal::Revoked),
            KeyStatus::Expired => Err(KeyRefusal::Expired),
            KeyStatus::Active if self.allowlist.allows(address) => Ok(()),
            KeyStatus::Active => Err(KeyRefusal::AddressNotAllowed),
        }
    }

    /// Until when the key can be used, if it can be at `now`. `None`: without an end.
    pub(super) fn usable(&self, now: Timestamp) -> Result<Option<Timestamp>, KeyError> {
        match self.state {
            KeyState::Revoked { at } => Err(KeyError::AlreadyRevoked { at }),
            KeyState::Active { expires_at: Some(at) } if at <= now => Err(KeyError::Expired { at }),
            KeyState::Active { expires_at } => Ok(expires_at),
        }
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

    /// Whether the key can be replaced at `now`: it can be used, and nobody has replaced it before.
    pub(super) fn replaceable(&self, now: Timestamp) -> Result<(), KeyError> {
        match self.replaced_by {
            Some(by) => Err(KeyError::Replaced { by }),
            None => self.usable(now).map(|_| ()),
        }
    }

    /// Gives the key a successor. It works for the overlap, and not longer than it would have; without an overlap it is
    /// revoked. The moment at which it ends is returned.
    pub fn replace(&mut self, by: KeyId, now: Timestamp, overlap: Overlap) -> Result<Timestamp, KeyError> {
        self.replaceable(now)?;
        let end = now.plus(overlap.get());
        let end = self.usable(now)?.map_or(end, |expiry| expiry.min(end));
        // An expiry is a moment on each server's own clock. A key that is to end now ends for all of them.
        self.state =
            if end <= now { KeyState::Revoked { at: now } } else { KeyState::Active { expires_at: Some(end) } };
        self.replaced_by = Some(by);
        Ok(end)
    }
}
