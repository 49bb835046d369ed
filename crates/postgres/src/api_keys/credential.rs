//! Credentials: found by many hashes at once, and held while a change is made.

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    ids::{AccountId, GrantId, KeyId, OauthTokenId, SessionId, TenantId},
    keys::{KeyHash, ports::CredentialRepository},
    oauth::AppCredential,
    principal::KeyCredential,
    sessions::SignedIn,
    store::StoreError,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{ApiKeyRow, CredentialRow, credential};
use crate::{
    error::DuringExt,
    lanes::Lanes,
    locks::Lock,
    rows::Row,
    schema::{api_keys, credentials_revision, tenants, users},
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
};

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

/// The users who made keys.
macro_rules! made_by {
    () => {
        users::table.on(users::tenant_id.eq(api_keys::tenant_id).and(users::id.nullable().eq(api_keys::created_by)))
    };
}

/// The revision that all keys and tenants together have now.
pub(crate) async fn revision(lanes: &Lanes) -> Result<Option<Uuid>, StoreError> {
    lanes
        .read("confirming credentials", |link| async move {
            credentials_revision::table
                .select(credentials_revision::revision)
                .first(&mut link.shared())
                .await
                .optional()
        })
        .await
}

/// A key by its hash, and the revision at which it was read.
type Read = (KeyHash, Result<Arc<KeyCredential>, StoreError>, Option<Uuid>);

/// The credentials of these keys, as they are now. Keys that are not there are left out; a row that makes none is the
/// trouble of its own request.
pub(crate) async fn credentials(lanes: &Lanes, hashes: Vec<KeyHash>) -> Result<Vec<Read>, StoreError> {
    let hashes = sorted(hashes);
    let rows = lanes
        .read("finding keys by their hashes", |link| {
            let hashes = hashes.clone();
            async move {
                api_keys::table
                    .inner_join(tenants::table)
                    .left_join(made_by!())
                    .filter(api_keys::key_hash.eq_any(hashes))
                    .select((
                        api_keys::key_hash,
                        credentials_revision::table.select(credentials_revision::revision).single_value(),
                        (ApiKeyRow::as_select(), TenantRow::as_select(), users::account_id.nullable()),
                    ))
                    .load::<(Vec<u8>, Option<Uuid>, CredentialRow)>(&mut link.shared())
                    .await
            }
        })
        .await?;
    rows.into_iter().map(|(hash, revision, rows)| Ok((key_hash(hash)?, credential(rows), revision))).collect()
}

#[async_trait]
impl CredentialRepository for PgUnitOfWork {
    async fn hold(&mut self, tenant: TenantId, id: KeyId) -> Result<Option<Arc<KeyCredential>>, StoreError> {
        if let Some(expected) = self.expecting() {
            return expected.hold(tenant, id).map(Some);
        }
        let connection = self.connection()?;
        Lock::ApiKey(id.get()).share(connection).await.during("holding a credential")?;
        let row = api_keys::table
            .inner_join(tenants::table)
            .left_join(made_by!())
            .filter(api_keys::tenant_id.eq(tenant.get()))
            .filter(api_keys::id.eq(id.get()))
            .select((ApiKeyRow::as_select(), TenantRow::as_select(), users::account_id.nullable()))
            .get_result(connection)
            .await
            .optional()
            .during("reading a held credential")?;
        row.map(credential).transpose()
    }

    async fn hold_app(
        &mut self,
        tenant: TenantId,
        account: AccountId,
        grant: GrantId,
        token: OauthTokenId,
    ) -> Result<Option<Arc<AppCredential>>, StoreError> {
        self.hold_token(tenant, account, grant, token).await
    }

    async fn take(&mut self, _tenant: TenantId, id: KeyId) -> Result<(), StoreError> {
        // The ids of keys are unique among all tenants', and so are their locks.
        Lock::ApiKey(id.get()).take(self.connection()?).await.during("taking a key")
    }

    async fn hold_session(
        &mut self,
        account: AccountId,
        session: SessionId,
    ) -> Result<Option<Arc<SignedIn>>, StoreError> {
        self.hold_signed_in(account, session).await
    }
}
