//! Apps, inside a unit of work.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{ClientId, GrantId, OauthTokenId, RefreshTokenId, TenantId, UserId},
    oauth::{
        Challenge, Client, GrantEnd, RedirectUri, Resource, Rotation, SecretHash,
        ports::{
            AccessRecord, ClientRecord, CodeRecord, FoundRefresh, Grant, GrantRecord, HasOauth, OauthRepository,
            StoredCode,
        },
    },
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{ClientRow, GrantRow, scope_set, scope_texts};
use crate::{
    accounts::AccountRow,
    error::DuringExt,
    locks::Lock,
    rows::Row,
    schema::{
        accounts, oauth_access_tokens, oauth_clients, oauth_codes, oauth_grants, oauth_refresh_tokens, tenants, users,
    },
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
    users::{UserRow, user},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = oauth_codes, check_for_backend(diesel::pg::Pg))]
struct CodeRow {
    tenant_id: i64,
    id: i64,
    client_id: i64,
    user_id: i64,
    scopes: Vec<Option<String>>,
    resource: String,
    redirect_uri: String,
    challenge: String,
    expires_at: DateTime<Utc>,
    spent: bool,
    grant_id: Option<i64>,
}

fn code(row: CodeRow, hash: SecretHash) -> Result<StoredCode, StoreError> {
    let place = Row { table: "oauth_codes", id: &row.id };
    Ok(StoredCode {
        tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
        record: CodeRecord {
            hash,
            client: place.some("client_id", ClientId::new(row.client_id))?,
            user: place.some("user_id", UserId::new(row.user_id))?,
            scopes: scope_set(&place, row.scopes)?,
            resource: place.fit("resource", row.resource.parse::<Resource>())?,
            redirect_uri: row.redirect_uri,
            challenge: place.fit("challenge", Challenge::parse(row.challenge))?,
            expires_at: row.expires_at.into(),
        },
        spent: row.spent,
        grant: place.optional("grant_id", row.grant_id, |id| GrantId::new(id).ok_or(()))?,
    })
}

/// A grant, what its app calls itself, its user with their account, and their tenant.
type LockedRow = (GrantRow, String, UserRow, AccountRow, TenantRow);

fn grant((row, app, of, account, tenant): LockedRow) -> Result<Grant, StoreError> {
    let place = Row { table: "oauth_grants", id: &row.id };
    let refresh = |id| RefreshTokenId::new(id).ok_or(());
    let current = place.optional("current_refresh", row.current_refresh, refresh)?;
    let previous = place.optional("previous_refresh", row.previous_refresh, refresh)?;
    Ok(Grant {
        id: place.some("id", GrantId::new(row.id))?,
        client: place.some("client_id", ClientId::new(row.client_id))?,
        app,
        user: user(of, account)?,
        tenant: tenant.try_into()?,
        scopes: scope_set(&place, row.scopes)?,
        resource: place.fit("resource", row.resource.parse::<Resource>())?,
        rotation: current.map(|current| Rotation::stored(current, previous, row.arrived)),
        is_ended: row.ended_at.is_some(),
    })
}

#[async_trait]
impl OauthRepository for PgUnitOfWork {
    async fn insert_client(&mut self, record: ClientRecord) -> Result<Client, StoreError> {
        let metadata = record.metadata;
        let uris: Vec<&str> = metadata.redirect_uris.iter().map(RedirectUri::as_str).collect();
        let fingerprint = metadata.is_public().then(|| metadata.fingerprint().to_vec());
        diesel::insert_into(oauth_clients::table)
            .values((
                oauth_clients::public_id.eq(record.public_id.as_uuid()),
                oauth_clients::name.eq(&metadata.name),
                oauth_clients::redirect_uris.eq(uris),
                oauth_clients::auth_method.eq(metadata.auth_method.as_str()),
                oauth_clients::refreshes.eq(metadata.refreshes),
                oauth_clients::scopes.eq(scope_texts(metadata.scopes)),
                oauth_clients::contact.eq(metadata.contact.as_deref()),
                oauth_clients::secret_hash.eq(record.secret.map(|hash| hash.as_bytes().to_vec())),
                oauth_clients::fingerprint.eq(&fingerprint),
                oauth_clients::created_at.eq(DateTime::<Utc>::from(record.created_at)),
            ))
            .on_conflict(oauth_clients::fingerprint)
            .do_update()
            // Changes nothing, and so gives the row that is there.
            .set(oauth_clients::fingerprint.eq(&fingerprint))
            .returning(ClientRow::as_returning())
            .get_result(self.connection()?)
            .await
            .during("storing a client")?
            .try_into()
    }

    async fn insert_code(&mut self, tenant: TenantId, record: CodeRecord) -> Result<(), StoreError> {
        diesel::insert_into(oauth_codes::table)
            .values((
                oauth_codes::tenant_id.eq(tenant.get()),
                oauth_codes::code_hash.eq(record.hash.as_bytes().as_slice()),
                oauth_codes::client_id.eq(record.client.get()),
                oauth_codes::user_id.eq(record.user.get()),
                oauth_codes::scopes.eq(scope_texts(record.scopes)),
                oauth_codes::resource.eq(record.resource.as_str()),
                oauth_codes::redirect_uri.eq(&record.redirect_uri),
                oauth_codes::challenge.eq(record.challenge.as_str()),
                oauth_codes::expires_at.eq(DateTime::<Utc>::from(record.expires_at)),
            ))
            .execute(self.connection()?)
            .await
            .during("storing a code")
            .map(|_| ())
    }

    async fn lock_code(&mut self, hash: &SecretHash) -> Result<Option<StoredCode>, StoreError> {
        let row: Option<CodeRow> = oauth_codes::table
            .filter(oauth_codes::code_hash.eq(hash.as_bytes().as_slice()))
            .select(CodeRow::as_select())
            .for_no_key_update()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locking a code")?;
        row.map(|row| code(row, *hash)).transpose()
    }

    async fn spend_code(
        &mut self,
        tenant: TenantId,
        hash: &SecretHash,
        grant: Option<GrantId>,
    ) -> Result<(), StoreError> {
        let code = oauth_codes::table
            .filter(oauth_codes::tenant_id.eq(tenant.get()))
            .filter(oauth_codes::code_hash.eq(hash.as_bytes().as_slice()));
        diesel::update(code)
            .set((oauth_codes::spent.eq(true), oauth_codes::grant_id.eq(grant.map(GrantId::get))))
            .execute(self.connection()?)
            .await
            .during("spending a code")
            .map(|_| ())
    }

    async fn insert_grant(&mut self, tenant: TenantId, record: GrantRecord) -> Result<GrantId, StoreError> {
        let id: i64 = diesel::insert_into(oauth_grants::table)
            .values((
                oauth_grants::tenant_id.eq(tenant.get()),
                oauth_grants::client_id.eq(record.client.get()),
                oauth_grants::user_id.eq(record.user.get()),
                oauth_grants::scopes.eq(scope_texts(record.scopes)),
                oauth_grants::resource.eq(record.resource.as_str()),
                oauth_grants::created_at.eq(DateTime::<Utc>::from(record.created_at)),
            ))
            .returning(oauth_grants::id)
            .get_result(self.connection()?)
            .await
            .during("storing a grant")?;
        Row { table: "oauth_grants", id: &id }.some("id", GrantId::new(id))
    }

    async fn lock_grant(&mut self, tenant: TenantId, id: GrantId) -> Result<Option<Grant>, StoreError> {
        let connection = self.connection()?;
        Lock::Grant(id.get()).take(connection).await.during("locking a grant")?;
        // The row as well: that its tokens arrived is noted without the lock.
        let locked: Option<i64> = oauth_grants::table
            .find((tenant.get(), id.get()))
            .select(oauth_grants::id)
            .for_no_key_update()
            .get_result(connection)
            .await
            .optional()
            .during("locking a grant's row")?;
        if locked.is_none() {
            return Ok(None);
        }
        let row: Option<LockedRow> = oauth_grants::table
            .inner_join(oauth_clients::table)
            .inner_join(
                users::table.on(users::tenant_id.eq(oauth_grants::tenant_id).and(users::id.eq(oauth_grants::user_id))),
            )
            .inner_join(accounts::table.on(users::account_id.eq(accounts::id.nullable())))
            .inner_join(tenants::table.on(tenants::id.eq(oauth_grants::tenant_id)))
            .filter(oauth_grants::tenant_id.eq(tenant.get()))
            .filter(oauth_grants::id.eq(id.get()))
            .select((
                GrantRow::as_select(),
                oauth_clients::name,
                UserRow::as_select(),
                AccountRow::as_select(),
                TenantRow::as_select(),
            ))
            .get_result(connection)
            .await
            .optional()
            .during("reading a locked grant")?;
        row.map(grant).transpose()
    }

    async fn end_grant(
        &mut self,
        tenant: TenantId,
        id: GrantId,
        at: Timestamp,
        why: GrantEnd,
    ) -> Result<(), StoreError> {
        diesel::update(oauth_grants::table.find((tenant.get(), id.get())))
            .filter(oauth_grants::ended_at.is_null())
            .set((
                oauth_grants::ended_at.eq(DateTime::<Utc>::from(at)),
                oauth_grants::stolen.eq(why == GrantEnd::Theft),
            ))
            .execute(self.connection()?)
            .await
            .during("ending a grant")
            .map(|_| ())
    }

    async fn insert_refresh(
        &mut self,
        tenant: TenantId,
        grant: GrantId,
        hash: SecretHash,
        expires_at: Timestamp,
    ) -> Result<RefreshTokenId, StoreError> {
        let id: i64 = diesel::insert_into(oauth_refresh_tokens::table)
            .values((
                oauth_refresh_tokens::tenant_id.eq(tenant.get()),
                oauth_refresh_tokens::grant_id.eq(grant.get()),
                oauth_refresh_tokens::token_hash.eq(hash.as_bytes().as_slice()),
                oauth_refresh_tokens::expires_at.eq(DateTime::<Utc>::from(expires_at)),
            ))
            .returning(oauth_refresh_tokens::id)
            .get_result(self.connection()?)
            .await
            .during("storing a refresh token")?;
        Row { table: "oauth_refresh_tokens", id: &id }.some("id", RefreshTokenId::new(id))
    }

    async fn set_rotation(
        &mut self,
        tenant: TenantId,
        grant: GrantId,
        rotation: Rotation<RefreshTokenId>,
    ) -> Result<(), StoreError> {
        diesel::update(oauth_grants::table.find((tenant.get(), grant.get())))
            .set((
                oauth_grants::current_refresh.eq(Some(rotation.current().get())),
                oauth_grants::previous_refresh.eq(rotation.previous().map(RefreshTokenId::get)),
                oauth_grants::arrived.eq(rotation.arrived()),
            ))
            .execute(self.connection()?)
            .await
            .during("storing how refresh tokens stand")
            .map(|_| ())
    }

    async fn find_refresh(&mut self, hash: &SecretHash) -> Result<Option<FoundRefresh>, StoreError> {
        let row: Option<(i64, i64, i64, DateTime<Utc>)> = oauth_refresh_tokens::table
            .filter(oauth_refresh_tokens::token_hash.eq(hash.as_bytes().as_slice()))
            .select((
                oauth_refresh_tokens::tenant_id,
                oauth_refresh_tokens::grant_id,
                oauth_refresh_tokens::id,
                oauth_refresh_tokens::expires_at,
            ))
            .get_result(self.connection()?)
            .await
            .optional()
            .during("finding a refresh token")?;
        row.map(|(tenant, grant, id, expires_at)| {
            let place = Row { table: "oauth_refresh_tokens", id: &id };
            Ok(FoundRefresh {
                tenant: place.some("tenant_id", TenantId::new(tenant))?,
                grant: place.some("grant_id", GrantId::new(grant))?,
                id: place.some("id", RefreshTokenId::new(id))?,
                expires_at: expires_at.into(),
            })
        })
        .transpose()
    }

    async fn insert_access(
        &mut self,
        tenant: TenantId,
        grant: GrantId,
        record: AccessRecord,
    ) -> Result<(), StoreError> {
        diesel::insert_into(oauth_access_tokens::table)
            .values((
                oauth_access_tokens::tenant_id.eq(tenant.get()),
                oauth_access_tokens::grant_id.eq(grant.get()),
                oauth_access_tokens::token_hash.eq(record.hash.as_bytes().as_slice()),
                oauth_access_tokens::given_with.eq(record.given_with.map(RefreshTokenId::get)),
                oauth_access_tokens::scopes.eq(scope_texts(record.scopes)),
                oauth_access_tokens::created_at.eq(DateTime::<Utc>::from(record.created_at)),
                oauth_access_tokens::expires_at.eq(DateTime::<Utc>::from(record.expires_at)),
            ))
            .execute(self.connection()?)
            .await
            .during("storing an access token")
            .map(|_| ())
    }

    async fn locate_access(
        &mut self,
        hash: &SecretHash,
    ) -> Result<Option<(TenantId, GrantId, OauthTokenId)>, StoreError> {
        let row: Option<(i64, i64, i64)> = oauth_access_tokens::table
            .filter(oauth_access_tokens::token_hash.eq(hash.as_bytes().as_slice()))
            .select((oauth_access_tokens::tenant_id, oauth_access_tokens::grant_id, oauth_access_tokens::id))
            .get_result(self.connection()?)
            .await
            .optional()
            .during("locating an access token")?;
        row.map(|(tenant, grant, id)| {
            let place = Row { table: "oauth_access_tokens", id: &id };
            Ok((
                place.some("tenant_id", TenantId::new(tenant))?,
                place.some("grant_id", GrantId::new(grant))?,
                place.some("id", OauthTokenId::new(id))?,
            ))
        })
        .transpose()
    }

    async fn end_access(&mut self, tenant: TenantId, id: OauthTokenId) -> Result<(), StoreError> {
        diesel::update(oauth_access_tokens::table.find((tenant.get(), id.get())))
            .set(oauth_access_tokens::ended.eq(true))
            .execute(self.connection()?)
            .await
            .during("ending an access token")
            .map(|_| ())
    }

    async fn end_given_with(&mut self, tenant: TenantId, refresh: RefreshTokenId) -> Result<(), StoreError> {
        let given = oauth_access_tokens::table
            .filter(oauth_access_tokens::tenant_id.eq(tenant.get()))
            .filter(oauth_access_tokens::given_with.eq(refresh.get()));
        diesel::update(given)
            .set(oauth_access_tokens::ended.eq(true))
            .execute(self.connection()?)
            .await
            .during("ending access tokens")
            .map(|_| ())
    }
}

impl HasOauth for PgUnitOfWork {
    fn oauth(&mut self) -> &mut dyn OauthRepository {
        self
    }
}
