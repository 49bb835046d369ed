//! Apps, outside any unit of work; and their tokens, held while they change something.

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    ids::{AccountId, ClientPublicId, GrantId, OauthTokenId, TenantId},
    oauth::{AppCredential, Client, SecretHash, ports::OauthReader},
    store::StoreError,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{AccessRow, ClientRow, FoundRow, GrantRow, credential, found};
use crate::{
    accounts::AccountRow,
    error::DuringExt,
    locks::Lock,
    schema::{accounts, oauth_access_tokens, oauth_clients, oauth_grants, tenants, users},
    store::PgStore,
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
    users::UserRow,
};

impl PgStore {
    async fn read_access(&self, hash: &SecretHash) -> Result<Option<FoundRow>, StoreError> {
        self.lanes
            .read("finding an access token by its hash", |link| async move {
                found!()
                    .filter(oauth_access_tokens::token_hash.eq(hash.as_bytes().as_slice()))
                    .get_result::<FoundRow>(&mut link.shared())
                    .await
                    .optional()
            })
            .await
    }

    /// Stores that what was given with the newest refresh token was used. `false` if that is not the newest any more.
    async fn arrive(&self, tenant: i64, grant: i64, refresh: Option<i64>) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        diesel::update(oauth_grants::table.find((tenant, grant)))
            .filter(oauth_grants::current_refresh.eq(refresh))
            .filter(oauth_grants::ended_at.is_null())
            .set(oauth_grants::arrived.eq(true))
            .execute(&mut connection)
            .await
            .during("noting that tokens arrived")
            .map(|changed| changed > 0)
    }
}

#[async_trait]
impl OauthReader for PgStore {
    async fn find_access(&self, hash: &SecretHash) -> Result<Option<Arc<AppCredential>>, StoreError> {
        let Some(row) = self.read_access(hash).await? else { return Ok(None) };
        if !row.1.arrives_with(&row.0) {
            return credential(row).map(Some);
        }
        let refresh = row.0.given_with;
        let found = credential(row)?;
        // Who may do nothing with it uses nothing.
        if !found.user.is_active() || found.tenant.check().is_err() {
            return Ok(Some(found));
        }
        if self.arrive(found.tenant.id.get(), found.grant.get(), refresh).await? {
            return Ok(Some(found));
        }
        // A refresh came in between, and may have ended the token.
        self.read_access(hash).await?.map(credential).transpose()
    }

    async fn find_client(&self, id: ClientPublicId) -> Result<Option<Client>, StoreError> {
        let row: Option<ClientRow> = oauth_clients::table
            .filter(oauth_clients::public_id.eq(id.as_uuid()))
            .select(ClientRow::as_select())
            .get_result(&mut self.connection().await?)
            .await
            .optional()
            .during("finding a client")?;
        row.map(Client::try_from).transpose()
    }
}

impl PgUnitOfWork {
    pub(crate) async fn hold_token(
        &mut self,
        tenant: TenantId,
        account: AccountId,
        grant: GrantId,
        token: OauthTokenId,
    ) -> Result<Option<Arc<AppCredential>>, StoreError> {
        let connection = self.connection()?;
        Lock::Account(account.get()).share(connection).await.during("holding a token's user")?;
        Lock::Grant(grant.get()).share(connection).await.during("holding a grant")?;
        let row = found!()
            .filter(oauth_access_tokens::tenant_id.eq(tenant.get()))
            .filter(oauth_access_tokens::id.eq(token.get()))
            .filter(oauth_access_tokens::grant_id.eq(grant.get()))
            .filter(accounts::id.eq(account.get()))
            .get_result::<FoundRow>(connection)
            .await
            .optional()
            .during("reading a held token")?;
        row.map(credential).transpose()
    }
}
