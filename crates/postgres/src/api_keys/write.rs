//! Keys, inside a unit of work.

use async_trait::async_trait;
use bwp_domain::{
    ids::{KeyId, TenantId},
    keys::{
        ApiKey, CreatedBy, KeyState,
        ports::{KeyRecord, KeyRepository},
    },
    scopes::ScopeId,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::ApiKeyRow;
use crate::{error::DuringExt, locks::Lock, schema::api_keys, unit_of_work::PgUnitOfWork};

#[async_trait]
impl KeyRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, record: KeyRecord) -> Result<ApiKey, StoreError> {
        let scopes: Vec<&str> = record.new.scopes.iter().map(ScopeId::as_str).collect();
        let (created_by, created_by_key) = match record.created_by {
            CreatedBy::Operator => (None, None),
            CreatedBy::User(id) => (Some(id.get()), None),
            CreatedBy::Key(id) => (None, Some(id.get())),
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
                api_keys::created_by_key.eq(created_by_key),
                api_keys::replaces.eq(record.replaces.map(KeyId::get)),
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

    async fn update(&mut self, tenant: TenantId, key: &ApiKey) -> Result<(), StoreError> {
        let (expires_at, revoked_at) = match key.state {
            // When a revoked key would have expired stays on record.
            KeyState::Revoked { at } => (None, Some(DateTime::<Utc>::from(at))),
            KeyState::Active { expires_at } => (Some(expires_at.map(DateTime::<Utc>::from)), None),
        };
        diesel::update(api_keys::table.find((tenant.get(), key.id.get())))
            .set((
                api_keys::name.eq(key.name.as_str()),
                api_keys::allowlist.eq(key.allowlist.networks()),
                expires_at.map(|at| api_keys::expires_at.eq(at)),
                api_keys::revoked_at.eq(revoked_at),
                api_keys::replaced_by.eq(key.replaced_by.map(KeyId::get)),
            ))
            .execute(self.connection()?)
            .await
            .during("changing a key")
            .map(|_| ())
    }
}
