//! How keys are shown.

use bwp_domain::{
    clock::Timestamp,
    ids::{KeyId, KeyPublicId},
    keys::{self, CreatedKey, KeyMode, KeyState, KeyStatus, ports::KeyListing},
    scopes::{ScopeId, ScopeSet},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    openapi::word_schema,
    request::{ReadOnly, ReadOnlyFields},
};

word_schema! {
    /// Live or test.
    pub(crate) ModeSchema as "ApiKeyMode": KeyMode::ALL
}
word_schema! {
    /// Whether a key can be used. One that was rotated and still works is active, with an end.
    pub(crate) StatusSchema as "ApiKeyStatus": KeyStatus::ALL
}
word_schema! {
    /// What a key may do.
    pub(crate) ScopeSchema as "ScopeId": ScopeId::ALL
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey<'a> {
    /// Its id, as `apiKeyId` of the audit log.
    #[schema(value_type = i64, minimum = 1, example = 7)]
    id: KeyId,
    /// Its public id, as in `GET /me`.
    #[schema(value_type = String, example = "key_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    key_id: KeyPublicId,
    /// What it is for.
    #[schema(value_type = String, example = "nightly sync")]
    name: &'a str,
    /// How the key begins: enough to recognise it.
    #[schema(value_type = String, example = "bwp_live_4fT9")]
    prefix: &'a str,
    /// Live or test.
    #[schema(value_type = ModeSchema)]
    mode: &'static str,
    /// What it may do.
    #[schema(value_type = Vec<ScopeSchema>)]
    scopes: ScopeSet,
    /// From where it may be used: addresses and CIDR blocks. Empty: from everywhere.
    #[schema(example = json!(["192.0.2.0/24"]))]
    allowlist: Vec<String>,
    /// How many requests a minute may be sent with it. 0: no limit.
    #[schema(value_type = i64, minimum = 0, example = 60)]
    rate_limit: u32,
    /// Whether it can be used.
    #[schema(value_type = StatusSchema)]
    status: &'static str,
    /// By whom it was made.
    created_by: Creator,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
    /// From when on it cannot be used. `null`: never, or it was revoked.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = json!(null))]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = json!(null))]
    revoked_at: Option<Timestamp>,
    /// When it was last used, up to some ten seconds late. `null`: never.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    last_used_at: Option<Timestamp>,
    /// The id of the key that it was made to replace.
    #[schema(value_type = Option<i64>, required = true, example = json!(null))]
    replaces: Option<KeyId>,
    /// The id of the key that was made to replace it.
    #[schema(value_type = Option<i64>, required = true, example = json!(null))]
    replaced_by: Option<KeyId>,
}

/// What gives a key other rights.
const OTHER_RIGHTS: &str =
    "For other rights, make another key with `POST /api-keys`, and revoke this one with `DELETE /api-keys/{id}`.";
/// What ends a key.
const END: &str =
    "`DELETE /api-keys/{id}` revokes a key at once, and `POST /api-keys/{id}/rotate` lets it end after a while.";
/// What replaces a key.
const REPLACE: &str = "`POST /api-keys/{id}/rotate` makes the successor of a key.";

impl ReadOnlyFields for ApiKey<'static> {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[
        ("id", ReadOnly::Ignored),
        ("keyId", ReadOnly::Ignored),
        // It tells keys apart, as an id does.
        ("prefix", ReadOnly::Ignored),
        ("mode", ReadOnly::Guarded("A key stays live or test. Make another one with `POST /api-keys`.")),
        ("scopes", ReadOnly::Guarded(OTHER_RIGHTS)),
        ("rateLimit", ReadOnly::Guarded(OTHER_RIGHTS)),
        ("status", ReadOnly::Guarded(END)),
        ("createdBy", ReadOnly::Guarded("It is the caller that makes the key.")),
        ("createdAt", ReadOnly::Ignored),
        ("expiresAt", ReadOnly::Guarded(END)),
        ("revokedAt", ReadOnly::Guarded(END)),
        ("lastUsedAt", ReadOnly::Ignored),
        ("replaces", ReadOnly::Guarded(REPLACE)),
        ("replacedBy", ReadOnly::Guarded(REPLACE)),
    ];
}

/// Who made a key.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyCreator)]
pub(crate) struct Creator {
    /// `user`, `key`, or `operator`: who runs the server.
    #[serde(rename = "type")]
    #[schema(value_type = CreatorSchema)]
    kind: &'static str,
    /// The user's `tenantUserId` or the key's `id`. `null` of the operator.
    #[schema(required = true, example = 5)]
    id: Option<i64>,
}

/// The kinds of those who make keys.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyCreatorType)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the schema")]
enum CreatorSchema {
    User,
    Key,
    Operator,
}

impl From<keys::CreatedBy> for Creator {
    fn from(creator: keys::CreatedBy) -> Self {
        let (kind, id) = match creator {
            keys::CreatedBy::Operator => ("operator", None),
            keys::CreatedBy::User(id) => ("user", Some(id.get())),
            keys::CreatedBy::Key(id) => ("key", Some(id.get())),
        };
        Self { kind, id }
    }
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyOnce<'a> {
    /// The whole key, to be sent as `Authorization: Bearer …`. Shown this once: `null` when the answer is given again under
    /// the same idempotency key.
    #[schema(required = true, example = "bwp_live_4fT9…")]
    key: Option<&'a str>,
    #[serde(flatten)]
    shown: ApiKey<'a>,
}

impl<'a> ApiKey<'a> {
    /// The key as it is at `now`.
    pub(super) fn of(key: &'a keys::ApiKey, last_used_at: Option<Timestamp>, now: Timestamp) -> Self {
        let (expires_at, revoked_at) = match key.state {
            KeyState::Active { expires_at } => (expires_at, None),
            KeyState::Revoked { at } => (None, Some(at)),
        };
        Self {
            id: key.id,
            key_id: key.public_id,
            name: key.name.as_str(),
            prefix: &key.display_prefix,
            mode: key.mode().as_str(),
            scopes: key.scopes,
            allowlist: key.allowlist.entries(),
            rate_limit: key.rate_limit.get(),
            status: key.status(now).as_str(),
            created_by: key.created_by.into(),
            created_at: key.created_at,
            expires_at,
            revoked_at,
            last_used_at,
            replaces: key.replaces,
            replaced_by: key.replaced_by,
        }
    }

    /// The key of a list at `now`.
    pub(super) fn listed(listing: &'a KeyListing, now: Timestamp) -> Self {
        Self::of(&listing.key, listing.last_used_at, now)
    }
}

impl<'a> ApiKeyOnce<'a> {
    /// A key that was just made, at `now`.
    pub(super) fn of(made: &'a CreatedKey, with_secret: bool, now: Timestamp) -> Self {
        Self { key: with_secret.then(|| made.secret.expose()), shown: ApiKey::of(&made.key, None, now) }
    }
}
