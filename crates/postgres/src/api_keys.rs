//! API keys, and credentials: a key with its tenant.

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, KeyId, KeyPublicId, SessionId, TenantId, UserId},
    keys::{
        Allowlist, ApiKey, CreatedBy, KeyHash, KeyName, KeyState,
        ports::{CredentialRepository, KeyListing, KeyReader, KeyRecord, KeyRepository},
    },
    principal::{Credential, Revision},
    scopes::{ScopeId, ScopeSet},
    sessions::SignedIn,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use uuid::Uuid;

use crate::{
    error::DuringExt,
    lanes::Lanes,
    locks::Lock,
    rows::{Row, rate_limit},
    schema::{api_keys, key_usage, tenants},
    store::PgStore,
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
};

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
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        let place = Row { table: "api_keys", id: &row.id };
        let scope = |text: Option<String>| place.some("scopes", text.and_then(|text| text.parse::<ScopeId>().ok()));
        // A missing entry must not make a list empty: an empty one allows every address.
        let network = |network: Option<IpNetwork>| place.some("allowlist", network);
        Ok(Self {
            id: place.some("id", KeyId::new(row.id))?,
            public_id: KeyPublicId::from_uuid(row.public_id),
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            name: place.fit("name", KeyName::parse(row.name))?,
            display_prefix: row.display_prefix,
            scopes: row.scopes.into_iter().map(scope).collect::<Result<ScopeSet, _>>()?,
            allowlist: Allowlist::new(row.allowlist.into_iter().map(network).collect::<Result<Vec<_>, _>>()?),
            rate_limit: place.some("rate_limit", rate_limit(row.rate_limit))?,
            created_by: match row.created_by {
                None => CreatedBy::Operator,
                Some(id) => CreatedBy::User(place.some("created_by", UserId::new(id))?),
            },
            created_at: row.created_at.into(),
            state: match row.revoked_at {
                Some(at) => KeyState::Revoked { at: at.into() },
                None => KeyState::Active { expires_at: row.expires_at.map(Timestamp::from) },
            },
        })
    }
}

fn credential((key, tenant): (ApiKeyRow, TenantRow)) -> Result<Arc<Credential>, StoreError> {
    let revision = Revision { key: key.revision.as_u128(), tenant: tenant.revision.as_u128() };
    Ok(Arc::new(Credential { key: key.try_into()?, tenant: tenant.try_into()?, revision }))
}

/// The keys' hashes as a statement takes them: in the order of the index.
fn sorted(mut hashes: Vec<KeyHash>) -> Vec<Vec<u8>> {
    hashes.sort_unstable_by_key(|hash| *hash.as_bytes());
    hashes.dedup();
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

fn key_hash(bytes: Vec<u8>) -> Result<KeyHash, StoreError> {
    let place = Row { table: "api_keys", id: &"found by its hash" };
    place.fit("key_hash", bytes.try_into()).map(KeyHash::from_bytes)
}

/// The revisions that these keys and their tenants have now. Keys that are not there are left out.
pub(crate) async fn revisions(lanes: &Lanes, hashes: Vec<KeyHash>) -> Result<Vec<(KeyHash, Revision)>, StoreError> {
    let hashes = sorted(hashes);
    let rows = lanes
        .read("confirming credentials", |link| {
            let hashes = hashes.clone();
            async move {
                api_keys::table
                    .inner_join(tenants::table)
                    .filter(api_keys::key_hash.eq_any(hashes))
                    .select((api_keys::key_hash, api_keys::revision, tenants::revision))
                    .load::<(Vec<u8>, Uuid, Uuid)>(&mut link.shared())
                    .await
            }
        })
        .await?;
    let revision = |key: Uuid, tenant: Uuid| Revision { key: key.as_u128(), tenant: tenant.as_u128() };
    rows.into_iter().map(|(hash, key, tenant)| Ok((key_hash(hash)?, revision(key, tenant)))).collect()
}

/// The credentials of these keys, as they are now. Keys that are not there are left out; a row that makes none is the
/// trouble of its own request.
pub(crate) async fn credentials(
    lanes: &Lanes,
    hashes: Vec<KeyHash>,
) -> Result<Vec<(KeyHash, Result<Arc<Credential>, StoreError>)>, StoreError> {
    let hashes = sorted(hashes);
    let rows = lanes
        .read("finding keys by their hashes", |link| {
            let hashes = hashes.clone();
            async move {
                api_keys::table
                    .inner_join(tenants::table)
                    .filter(api_keys::key_hash.eq_any(hashes))
                    .select((api_keys::key_hash, (ApiKeyRow::as_select(), TenantRow::as_select())))
                    .load::<(Vec<u8>, (ApiKeyRow, TenantRow))>(&mut link.shared())
                    .await
            }
        })
        .await?;
    rows.into_iter().map(|(hash, rows)| Ok((key_hash(hash)?, credential(rows)))).collect()
}

#[async_trait]
impl KeyReader for PgStore {
    async fn find_by_hash(&self, hash: &KeyHash) -> Result<Option<Arc<Credential>>, StoreError> {
        self.credentials.find(hash).await
    }

    fn recall(&self, hash: &KeyHash) -> Option<Arc<Credential>> {
        self.credentials.recall(hash)
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<KeyListing>, StoreError> {
        let mut connection = self.connection().await?;
        let same_key = key_usage::tenant_id.eq(api_keys::tenant_id).and(key_usage::key_id.eq(api_keys::id));
        let rows: Vec<(ApiKeyRow, Option<DateTime<Utc>>)> = api_keys::table
            .left_join(key_usage::table.on(same_key))
            .filter(api_keys::tenant_id.eq(tenant.get()))
            .order(api_keys::id.desc())
            .select((ApiKeyRow::as_select(), key_usage::last_used_at.nullable()))
            .load(&mut connection)
            .await
            .during("listing keys")?;
        rows.into_iter()
            .map(|(key, used)| Ok(KeyListing { key: key.try_into()?, last_used_at: used.map(Timestamp::from) }))
            .collect()
    }

    async fn locate(&self, public_id: KeyPublicId) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        let mut connection = self.connection().await?;
        let row: Option<(i64, i64)> = api_keys::table
            .filter(api_keys::public_id.eq(public_id.as_uuid()))
            .select((api_keys::tenant_id, api_keys::id))
            .get_result(&mut connection)
            .await
            .optional()
            .during("locating a key")?;
        row.map(|(tenant, id)| {
            let place = Row { table: "api_keys", id: &id };
            Ok((place.some("tenant_id", TenantId::new(tenant))?, place.some("id", KeyId::new(id))?))
        })
        .transpose()
    }
}

#[async_trait]
impl CredentialRepository for PgUnitOfWork {
    async fn hold(&mut self, tenant: TenantId, id: KeyId) -> Result<Option<Arc<Credential>>, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.hold(tenant, id).map(Some);
        }
        let connection = self.connection()?;
        Lock::ApiKey(id.get()).share(connection).await.during("holding a credential")?;
        let row = api_keys::table
            .inner_join(tenants::table)
            .filter(api_keys::tenant_id.eq(tenant.get()))
            .filter(api_keys::id.eq(id.get()))
            .select((ApiKeyRow::as_select(), TenantRow::as_select()))
            .get_result(connection)
            .await
            .optional()
            .during("reading a held credential")?;
        row.map(credential).transpose()
    }

    async fn hold_session(
        &mut self,
        account: AccountId,
        session: SessionId,
    ) -> Result<Option<Arc<SignedIn>>, StoreError> {
        self.hold_signed_in(account, session).await
    }
}

#[async_trait]
impl KeyRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, record: KeyRecord) -> Result<ApiKey, StoreError> {
        let scopes: Vec<&str> = record.new.scopes.iter().map(ScopeId::as_str).collect();
        let created_by = match record.created_by {
            CreatedBy::Operator => None,
            CreatedBy::User(id) => Some(id.get()),
        };
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::tenant_id.eq(tenant.get()),
                api_keys::public_id.eq(record.public_id.as_uuid()),
                api_keys::key_hash.eq(record.hash.as_bytes().as_slice()),
                api_keys::display_prefix.eq(&record.display_prefix),
                api_keys::name.eq(record.new.name.as_str()),
                api_keys::scopes.eq(scopes),
                api_keys::allowlist.eq(record.new.allowlist.networks()),
                api_keys::rate_limit.eq(record.new.rate_limit.get().cast_signed()),
                api_keys::created_by.eq(created_by),
                api_keys::created_at.eq(DateTime::<Utc>::from(record.created_at)),
                api_keys::expires_at.eq(record.new.expires_at.map(DateTime::<Utc>::from)),
            ))
            .returning(ApiKeyRow::as_returning())
            .get_result(self.connection()?)
            .await
            .during("storing a key")?
            .try_into()
    }

    async fn lock(&mut self, tenant: TenantId, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let connection = self.connection()?;
        Lock::ApiKey(id.get()).take(connection).await.during("locking a key")?;
        let row = api_keys::table
            .find((tenant.get(), id.get()))
            .select(ApiKeyRow::as_select())
            .get_result(connection)
            .await
            .optional()
            .during("reading a locked key")?;
        row.map(ApiKey::try_from).transpose()
    }

    async fn update_state(&mut self, tenant: TenantId, key: &ApiKey) -> Result<(), StoreError> {
        let (expires_at, revoked_at) = match key.state {
            // When a revoked key would have expired stays on record.
            KeyState::Revoked { at } => (None, Some(DateTime::<Utc>::from(at))),
            KeyState::Active { expires_at } => (Some(expires_at.map(DateTime::<Utc>::from)), None),
        };
        diesel::update(api_keys::table.find((tenant.get(), key.id.get())))
            .set((expires_at.map(|at| api_keys::expires_at.eq(at)), api_keys::revoked_at.eq(revoked_at)))
            .execute(self.connection()?)
            .await
            .during("storing a key's state")
            .map(|_| ())
    }
}
