//! What is noted.

use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, keys::ApiKey, users::User, webhooks::Endpoint};

/// Something that was done. Kept as JSON, tagged by `kind`: names and fields may be added, and none may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum SecurityAction {
    /// An API key was made.
    KeyCreated {
        /// Which.
        key: KeyNote,
        /// What it may do.
        scopes: Vec<String>,
        /// From where; empty for everywhere.
        allowlist: Vec<String>,
        /// Until when.
        expires_at: Option<String>,
    },
    /// A key's name was changed.
    KeyRenamed {
        /// Which, with its new name.
        key: KeyNote,
        /// What it was called.
        from: String,
    },
    /// From where a key may be used was changed.
    KeyAllowlistChanged {
        /// Which.
        key: KeyNote,
        /// From where before; empty for everywhere.
        from: Vec<String>,
        /// From where now; empty for everywhere.
        to: Vec<String>,
    },
    /// A key was given a successor.
    KeyRotated {
        /// Which.
        key: KeyNote,
        /// The new key.
        successor: KeyNote,
        /// When the old one stops working.
        ends_at: String,
    },
    /// A key was revoked.
    KeyRevoked {
        /// Which.
        key: KeyNote,
    },
    /// Somebody was invited.
    UserInvited {
        /// Who.
        email: String,
        /// As what.
        role: String,
    },
    /// An invitation was withdrawn.
    InvitationWithdrawn {
        /// Whose.
        email: String,
    },
    /// A user was made, by invitation or by the operator.
    UserJoined {
        /// Who.
        user: UserNote,
        /// As what.
        role: String,
    },
    /// A user was given another role.
    RoleChanged {
        /// Who.
        user: UserNote,
        /// The role before.
        from: String,
        /// The role now.
        to: String,
    },
    /// A user's access was taken away.
    UserDeactivated {
        /// Whose.
        user: UserNote,
    },
    /// A user's access was given back.
    UserReactivated {
        /// Whose.
        user: UserNote,
    },
    /// A user signed in to the tenant.
    SignedIn {
        /// Who.
        user: UserNote,
    },
    /// A user signed out everywhere.
    SignedOutEverywhere {
        /// Who.
        user: UserNote,
    },
    /// A user changed their password.
    PasswordChanged {
        /// Who.
        user: UserNote,
    },
    /// A webhook endpoint was made.
    WebhookCreated {
        /// Which.
        endpoint: EndpointNote,
    },
    /// A webhook endpoint was given another URL.
    WebhookMoved {
        /// Which, with its new URL.
        endpoint: EndpointNote,
        /// The URL before.
        from: String,
    },
    /// The secret of a webhook endpoint was replaced.
    WebhookSecretRotated {
        /// Whose.
        endpoint: EndpointNote,
    },
    /// A webhook endpoint was deleted.
    WebhookDeleted {
        /// Which.
        endpoint: EndpointNote,
    },
    /// A webhook endpoint was disabled, for too many attempts failed.
    WebhookDisabled {
        /// Which.
        endpoint: EndpointNote,
        /// What happened.
        reason: String,
    },
    /// A user let an app act for them.
    AppAllowed {
        /// Whose app it is now.
        user: UserNote,
        /// What it calls itself.
        app: String,
        /// What it may do.
        scopes: Vec<String>,
    },
    /// What a user gave an app was taken back, by them or by an admin.
    AppDisconnected {
        /// For whom the app acted.
        user: UserNote,
        /// What it calls itself.
        app: String,
    },
    /// A code or a refresh token of an app was used twice, by two: all of its tokens were ended.
    AppTokenStolen {
        /// For whom the app acted.
        user: UserNote,
        /// What it calls itself.
        app: String,
    },
    /// Something that this version does not know, or knows with other fields: a newer server noted it.
    #[serde(other)]
    Unknown,
}

/// A key, as it was when something was noted about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyNote {
    /// Its id.
    pub id: i64,
    /// Its public id.
    pub key_id: String,
    /// What it was called.
    pub name: String,
}

/// A webhook endpoint, as it was when something was noted about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointNote {
    /// Its id.
    pub id: i64,
    /// Where it is.
    pub url: String,
}

/// A user, as they were when something was noted about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserNote {
    /// Their id.
    pub id: i64,
    /// Their address.
    pub email: String,
}

impl KeyNote {
    /// A note of this key.
    pub fn of(key: &ApiKey) -> Self {
        Self { id: key.id.get(), key_id: key.public_id.to_string(), name: key.name.as_str().to_owned() }
    }
}

impl EndpointNote {
    /// A note of this endpoint.
    pub fn of(endpoint: &Endpoint) -> Self {
        Self { id: endpoint.id.get(), url: endpoint.url.as_str().to_owned() }
    }
}

impl UserNote {
    /// A note of this user.
    pub fn of(user: &User) -> Self {
        Self { id: user.id.get(), email: user.account.email.to_string() }
    }
}

impl SecurityAction {
    /// That this key was made.
    pub fn key_created(key: &ApiKey, expires_at: Option<Timestamp>) -> Self {
        Self::KeyCreated {
            key: KeyNote::of(key),
            scopes: key.scopes.iter().map(|scope| scope.to_string()).collect(),
            allowlist: key.allowlist.entries(),
            expires_at: expires_at.map(|at| at.to_string()),
        }
    }

    /// The key that it is about.
    pub fn key(&self) -> Option<&KeyNote> {
        match self {
            Self::KeyCreated { key, .. }
            | Self::KeyRenamed { key, .. }
            | Self::KeyAllowlistChanged { key, .. }
            | Self::KeyRotated { key, .. }
            | Self::KeyRevoked { key } => Some(key),
            Self::UserInvited { .. }
            | Self::InvitationWithdrawn { .. }
            | Self::UserJoined { .. }
            | Self::RoleChanged { .. }
            | Self::UserDeactivated { .. }
            | Self::UserReactivated { .. }
            | Self::SignedIn { .. }
            | Self::SignedOutEverywhere { .. }
            | Self::PasswordChanged { .. }
            | Self::WebhookCreated { .. }
            | Self::WebhookMoved { .. }
            | Self::WebhookSecretRotated { .. }
            | Self::WebhookDeleted { .. }
            | Self::WebhookDisabled { .. }
            | Self::AppAllowed { .. }
            | Self::AppDisconnected { .. }
            | Self::AppTokenStolen { .. }
            | Self::Unknown => None,
        }
    }
}
