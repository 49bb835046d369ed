//! Apps, outside any unit of work; and their tokens, held while they change something.

use std::sync::Arc;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{AccountId, ClientPublicId, GrantId, OauthTokenId, TenantId, UserId},
    oauth::{
        ACCESS_LIFETIME, AppCredential, Client, Connection, REFRESH_LIFETIME, Resource, SecretHash, ports::OauthReader,
    },
    paging::{Page, PageRequest, Position},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;

use super::{AccessRow, ClientRow, FoundRow, GrantRow, credential, found, scope_set};
use crate::{
    accounts::AccountRow,
    error::DuringExt,
    locks::Lock,
    rows::Row,
    schema::{accounts, oauth_access_tokens, oauth_clients, oauth_grants, oauth_refresh_tokens, tenants, users},
    sql::{RowBefore, WithLimit},
    store::PgStore,
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
    users::{UserRow, user},
};

/// Which connected apps are read.
enum Which {
    One(GrantId),
    Of { user: Option<UserId>, after: Option<Position> },
}

/// A grant, since when, its app, its user with their account, and until when its newest refresh token is good.
type ConnectedRow = (GrantRow, (DateTime<Utc>, bool), ClientRow, UserRow, AccountRow, Option<DateTime<Utc>>);

fn connected((row, (since, is_stolen), app, of, account, good_until): ConnectedRow) -> Result<Connection, StoreError> {
    let place = Row { table: "oauth_grants", id: &row.id };
    let created_at = Timestamp::from(since);
    Ok(Connection {
        id: place.some("id", GrantId::new(row.id))?,
        client: app.try_into()?,
        user: user(of, account)?,
        scopes: scope_set(&place, row.scopes)?,
        resource: place.fit("resource", row.resource.parse::<Resource>())?,
        created_at,
        renewed_at: good_until.map_or(created_at, |until| Timestamp::from(until).minus(REFRESH_LIFETIME)),
        stolen_at: row.ended_at.filter(|_| is_stolen).map(Timestamp::from),
    })
}

impl PgStore {
    async fn connected(
        &self,
        tenant: TenantId,
        which: Which,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Connection>, StoreError> {
        let moment = |at: Timestamp| DateTime::<Utc>::from(at);
        let newest = oauth_refresh_tokens::tenant_id
            .eq(oauth_grants::tenant_id)
            .and(oauth_refresh_tokens::id.nullable().eq(oauth_grants::current_refresh));
        // Without a refresh token, it is over with its only access token.
        let usable = oauth_refresh_tokens::expires_at.nullable().gt(moment(now)).or(oauth_grants::current_refresh
            .is_null()
            .and(oauth_grants::created_at.gt(moment(now.minus(ACCESS_LIFETIME)))));
        let stolen = oauth_grants::stolen.and(oauth_grants::ended_at.gt(moment(now.minus(Connection::THEFT_SHOWN))));
        let mut query = oauth_grants::table
            .inner_join(oauth_clients::table)
            .inner_join(
                users::table.on(users::tenant_id.eq(oauth_grants::tenant_id).and(users::id.eq(oauth_grants::user_id))),
            )
            .inner_join(accounts::table.on(users::account_id.eq(accounts::id.nullable())))
            .left_join(oauth_refresh_tokens::table.on(newest))
            .filter(oauth_grants::tenant_id.eq(tenant.get()))
            .filter(stolen.or(oauth_grants::ended_at.is_null().and(usable)))
            .order((oauth_grants::created_at.desc(), oauth_grants::id.desc()))
            .select((
                GrantRow::as_select(),
                (oauth_grants::created_at, oauth_grants::stolen),
                ClientRow::as_select(),
                UserRow::as_select(),
                AccountRow::as_select(),
                oauth_refresh_tokens::expires_at.nullable(),
            ))
            .into_boxed::<Pg>();
        match which {
            Which::One(id) => query = query.filter(oauth_grants::id.eq(id.get())),
            Which::Of { user, after } => {
                if let Some(user) = user {
                    query = query.filter(oauth_grants::user_id.eq(user.get()));
                }
                if let Some(after) = after {
                    query = query.filter(RowBefore {
                        columns: (oauth_grants::created_at, oauth_grants::id),
                        position: (after.created_at.into(), after.id),
                    });
                }
            }
        }
        let rows: Vec<ConnectedRow> = WithLimit::at_least(most, query)
            .load(&mut self.connection().await?)
            .await
            .during("listing connected apps")?;
        rows.into_iter().take(most).map(connected).collect()
    }

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

    async fn list_connections(
        &self,
        tenant: TenantId,
        user: Option<UserId>,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Connection>, StoreError> {
        let found = self.connected(tenant, Which::Of { user, after: page.after }, now, page.limit.get() + 1).await?;
        Ok(Page::of(found, page.limit, Connection::position))
    }

    async fn find_connection(
        &self,
        tenant: TenantId,
        id: GrantId,
        now: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        Ok(self.connected(tenant, Which::One(id), now, 1).await?.pop())
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
