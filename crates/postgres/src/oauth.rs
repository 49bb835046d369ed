//! Apps, and what they were given.

mod read;
mod write;

use std::sync::Arc;

use bwp_domain::{
    clock::Timestamp,
    ids::{ClientId, ClientPublicId, GrantId, OauthTokenId},
    oauth::{AppCredential, AuthMethod, Client, ClientMetadata, RedirectUri, Resource, SecretHash},
    scopes::{ScopeId, ScopeSet},
    store::StoreError,
    text::Email,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::{
    accounts::AccountRow,
    rows::Row,
    schema::{oauth_access_tokens, oauth_clients, oauth_grants},
    tenants::TenantRow,
    users::{UserRow, user},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = oauth_clients, check_for_backend(diesel::pg::Pg))]
struct ClientRow {
    id: i64,
    public_id: Uuid,
    name: String,
    redirect_uris: Vec<Option<String>>,
    auth_method: String,
    refreshes: bool,
    scopes: Vec<Option<String>>,
    contact: Option<String>,
    secret_hash: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let place = Row { table: "oauth_clients", id: &row.id };
        let uri = |uri: Option<String>| place.some("redirect_uris", uri.map(RedirectUri::stored));
        Ok(Self {
            id: place.some("id", ClientId::new(row.id))?,
            public_id: ClientPublicId::from_uuid(row.public_id),
            metadata: ClientMetadata {
                name: row.name,
                redirect_uris: row.redirect_uris.into_iter().map(uri).collect::<Result<_, _>>()?,
                auth_method: place.some("auth_method", AuthMethod::parse(&row.auth_method))?,
                refreshes: row.refreshes,
                scopes: scope_set(&place, row.scopes)?,
                contact: place.optional("contact", row.contact, Email::stored)?,
            },
            secret: place.optional("secret_hash", row.secret_hash, secret_hash)?,
            created_at: row.created_at.into(),
        })
    }
}

fn secret_hash(bytes: Vec<u8>) -> Result<SecretHash, ()> {
    bytes.try_into().map(SecretHash::from_bytes).map_err(|_| ())
}

fn scope_set(place: &Row<'_>, texts: Vec<Option<String>>) -> Result<ScopeSet, StoreError> {
    let scope = |text: Option<String>| place.some("scopes", text.and_then(|text| text.parse::<ScopeId>().ok()));
    texts.into_iter().map(scope).collect()
}

fn scope_texts(scopes: ScopeSet) -> Vec<&'static str> {
    scopes.iter().map(ScopeId::as_str).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = oauth_access_tokens, check_for_backend(diesel::pg::Pg))]
struct AccessRow {
    id: i64,
    grant_id: i64,
    given_with: Option<i64>,
    scopes: Vec<Option<String>>,
    expires_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = oauth_grants, check_for_backend(diesel::pg::Pg))]
struct GrantRow {
    id: i64,
    client_id: i64,
    scopes: Vec<Option<String>>,
    resource: String,
    current_refresh: Option<i64>,
    previous_refresh: Option<i64>,
    arrived: bool,
    ended_at: Option<DateTime<Utc>>,
}

/// An access token, its grant, what its app calls itself, its user with their account, and their tenant.
type FoundRow = (AccessRow, GrantRow, String, UserRow, AccountRow, TenantRow);

impl GrantRow {
    /// Whether the use of this access token is news: what was given with the newest refresh token has arrived, and that matters, for
    /// there is one before.
    fn arrives_with(&self, access: &AccessRow) -> bool {
        !self.arrived && self.previous_refresh.is_some() && access.given_with == self.current_refresh
    }
}

fn credential((access, grant, app, of, account, tenant): FoundRow) -> Result<Arc<AppCredential>, StoreError> {
    let place = Row { table: "oauth_access_tokens", id: &access.id };
    let of_grant = Row { table: "oauth_grants", id: &grant.id };
    let given = scope_set(&of_grant, grant.scopes)?;
    Ok(Arc::new(AppCredential {
        token: place.some("id", OauthTokenId::new(access.id))?,
        grant: place.some("grant_id", GrantId::new(access.grant_id))?,
        client: of_grant.some("client_id", ClientId::new(grant.client_id))?,
        app,
        granted: scope_set(&place, access.scopes)?.common(given),
        resource: of_grant.fit("resource", grant.resource.parse::<Resource>())?,
        expires_at: Timestamp::from(access.expires_at),
        user: user(of, account)?,
        tenant: tenant.try_into()?,
    }))
}

/// Access tokens whose grants are not ended, and all that makes credentials of them.
macro_rules! found {
    () => {
        oauth_access_tokens::table
            .inner_join(
                oauth_grants::table.on(oauth_grants::tenant_id
                    .eq(oauth_access_tokens::tenant_id)
                    .and(oauth_grants::id.eq(oauth_access_tokens::grant_id))),
            )
            .inner_join(oauth_clients::table.on(oauth_clients::id.eq(oauth_grants::client_id)))
            .inner_join(
                users::table.on(users::tenant_id.eq(oauth_grants::tenant_id).and(users::id.eq(oauth_grants::user_id))),
            )
            .inner_join(accounts::table.on(users::account_id.eq(accounts::id.nullable())))
            .inner_join(tenants::table.on(tenants::id.eq(oauth_grants::tenant_id)))
            .filter(oauth_grants::ended_at.is_null())
            .filter(oauth_access_tokens::ended.eq(false))
            .select((
                AccessRow::as_select(),
                GrantRow::as_select(),
                oauth_clients::name,
                UserRow::as_select(),
                AccountRow::as_select(),
                TenantRow::as_select(),
            ))
    };
}
use found;
