//! API keys, and credentials: a key with its tenant.

mod credential;
mod read;
mod write;

use std::sync::Arc;

use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, KeyId, KeyPublicId, TenantId, UserId},
    keys::{Allowlist, ApiKey, CreatedBy, KeyName, KeyState},
    principal::{KeyCredential, Revision},
    scopes::{ScopeId, ScopeSet},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnetwork::IpNetwork;
use uuid::Uuid;

use crate::{
    rows::{Row, rate_limit},
    schema::api_keys,
    tenants::TenantRow,
};

pub(crate) use credential::{credentials, revision};

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct ApiKeyRow {
    tenant_id: i64,
    id: i64,
    public_id: Uuid,
    display_prefix: String,
    name: String,
    scopes: Vec<Option<String>>,
    allowlist: Vec<Option<IpNetwork>>,
    created_by: Option<i64>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    revision: Uuid,
    rate_limit: i32,
    replaces: Option<i64>,
    replaced_by: Option<i64>,
    created_by_key: Option<i64>,
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        let place = Row { table: "api_keys", id: &row.id };
        let scope = |text: Option<String>| place.some("scopes", text.and_then(|text| text.parse::<ScopeId>().ok()));
        let key_id = |id| KeyId::new(id).ok_or(());
        // A missing entry must not make a list empty: an empty one allows every address.
        let network = |network: Option<IpNetwork>| place.some("allowlist", network);
        Ok(Self {
            id: place.some("id", KeyId::new(row.id))?,
            public_id: KeyPublicId::from_uuid(row.public_id),
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            name: place.fit("name", KeyName::stored(row.name))?,
            display_prefix: row.display_prefix,
            scopes: row.scopes.into_iter().map(scope).collect::<Result<ScopeSet, _>>()?,
            allowlist: Allowlist::new(row.allowlist.into_iter().map(network).collect::<Result<Vec<_>, _>>()?),
            rate_limit: place.some("rate_limit", rate_limit(row.rate_limit))?,
            created_by: match (row.created_by, row.created_by_key) {
                (Some(id), _) => CreatedBy::User(place.some("created_by", UserId::new(id))?),
                (None, Some(id)) => CreatedBy::Key(place.some("created_by_key", KeyId::new(id))?),
                (None, None) => CreatedBy::Operator,
            },
            created_at: row.created_at.into(),
            state: match row.revoked_at {
                Some(at) => KeyState::Revoked { at: at.into() },
                None => KeyState::Active { expires_at: row.expires_at.map(Timestamp::from) },
            },
            replaces: place.optional("replaces", row.replaces, key_id)?,
            replaced_by: place.optional("replaced_by", row.replaced_by, key_id)?,
        })
    }
}

/// A key, its tenant, and the account of the user who made the key.
type CredentialRow = (ApiKeyRow, TenantRow, Option<i64>);

fn credential((key, tenant, person): CredentialRow) -> Result<Arc<KeyCredential>, StoreError> {
    let revision = Revision { key: key.revision.as_u128(), tenant: tenant.revision.as_u128() };
    let person = person.and_then(AccountId::new);
    Ok(Arc::new(KeyCredential { key: key.try_into()?, tenant: tenant.try_into()?, person, revision }))
}
