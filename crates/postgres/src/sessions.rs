//! Sessions, and who is signed in by them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bwp_domain::{
    accounts::Account,
    clock::Timestamp,
    ids::{AccountId, SessionId, TenantId, UserId},
    paging::{Page, PageRequest},
    sessions::{
        MOST_SESSIONS, Membership, OpenSession, Session, SessionHash, SignedIn,
        ports::{SessionListing, SessionReader, SessionRecord, SessionRepository},
    },
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bytea, Interval, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ipnetwork::IpNetwork;

use crate::{
    accounts::{AccountRow, lower},
    error::DuringExt,
    locks::Lock,
    rows::Row,
    schema::{accounts, sessions, tenants, users},
    sql::{RowBefore, WithLimit, interval},
    store::PgStore,
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
    users::{UserRow, of_account, user},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct SessionRow {
    id: i64,
    tenant_id: Option<i64>,
    user_id: Option<i64>,
    created_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let place = Row { table: "sessions", id: &row.id };
        let acts_as = match (row.tenant_id, row.user_id) {
            (Some(tenant), Some(user)) => {
                Some((place.some("tenant_id", TenantId::new(tenant))?, place.some("user_id", UserId::new(user))?))
            }
            _ => None,
        };
        Ok(Self {
            id: place.some("id", SessionId::new(row.id))?,
            acts_as,
            created_at: row.created_at.into(),
            seen_at: row.seen_at.into(),
        })
    }
}

/// A session with whom it acts as, if that user is active.
type FoundRow = (SessionRow, AccountRow, Option<UserRow>, Option<TenantRow>);

fn open((session, account, user, tenant): FoundRow) -> Result<OpenSession, StoreError> {
    let session: Session = session.try_into()?;
    let account: Account = account.try_into()?;
    let signed_in = match (user, tenant) {
        (Some(row), Some(tenant)) => {
            let user = of_account(row, account.clone())?;
            Some(Arc::new(SignedIn { session: session.clone(), user, tenant: tenant.try_into()? }))
        }
        _ => None,
    };
    Ok(OpenSession { session, account, signed_in })
}

async fn memberships(connection: &mut AsyncPgConnection, account: AccountId) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(TenantRow, UserRow, AccountRow)> = users::table
        .inner_join(tenants::table)
        .inner_join(accounts::table)
        .filter(users::account_id.eq(account.get()))
        .filter(users::deactivated_at.is_null())
        .order((lower(tenants::name), tenants::id))
        .select((TenantRow::as_select(), UserRow::as_select(), AccountRow::as_select()))
        .load(connection)
        .await
        .during("listing where an account is a user")?;
    rows.into_iter()
        .map(|(tenant, row, account)| Ok(Membership { tenant: tenant.try_into()?, user: user(row, account)? }))
        .collect()
}

/// All of an account but this one and so many others: those that are over first, then those that were begun first.
const END_OLDEST: &str = "DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE account_id = $1 AND id <> $2
        ORDER BY (seen_at > $4 - $5 AND created_at > $4 - $6) DESC, created_at DESC, id DESC OFFSET $3
    )";

const NOTE: &str = "UPDATE sessions SET noted = noted || jsonb_build_object($2, $3)
    WHERE id = $1 AND coalesce((noted->>$2)::bigint <= $4, true)";

/// How long after one request another one is not noted.
const SEEN_ANEW_AFTER: Duration = Duration::from_mins(1);

#[async_trait]
impl SessionReader for PgStore {
    async fn find(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<OpenSession>, StoreError> {
        let mut connection = self.connection().await?;
        let acts_as_active = users::tenant_id
            .nullable()
            .eq(sessions::tenant_id)
            .and(users::id.nullable().eq(sessions::user_id))
            .and(users::account_id.eq(sessions::account_id.nullable()))
            .and(users::deactivated_at.is_null());
        let row: Option<FoundRow> = sessions::table
            .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
            .left_join(users::table.on(acts_as_active))
            .left_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(sessions::token_hash.eq(hash.as_bytes().as_slice()))
            .select((
                SessionRow::as_select(),
                AccountRow::as_select(),
                Option::<UserRow>::as_select(),
                Option::<TenantRow>::as_select(),
            ))
            .get_result(&mut connection)
            .await
            .optional()
            .during("finding a session")?;
        let Some(row) = row else { return Ok(None) };
        let open = open(row)?;
        if open.session.is_over(now) {
            return Ok(None);
        }
        let unnoted = now.minus(SEEN_ANEW_AFTER);
        if open.session.seen_at <= unnoted {
            // Another request may note it first, or the session end: either is as good.
            diesel::update(sessions::table.find(open.session.id.get()))
                .filter(sessions::seen_at.le(DateTime::<Utc>::from(unnoted)))
                .set(sessions::seen_at.eq(DateTime::<Utc>::from(now)))
                .execute(&mut connection)
                .await
                .during("noting that a session was seen")?;
        }
        Ok(Some(open))
    }

    async fn list(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<SessionListing>, StoreError> {
        let mut query = sessions::table
            .filter(sessions::account_id.eq(account.get()))
            .filter(sessions::seen_at.gt(DateTime::<Utc>::from(now.minus(Session::IDLE))))
            .filter(sessions::created_at.gt(DateTime::<Utc>::from(now.minus(Session::LIFETIME))))
            .order((sessions::created_at.desc(), sessions::id.desc()))
            .select((SessionRow::as_select(), sessions::address, sessions::user_agent))
            .into_boxed::<Pg>();
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (sessions::created_at, sessions::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let rows: Vec<(SessionRow, Option<IpNetwork>, Option<String>)> =
            WithLimit::at_least(page.limit.get() + 1, query)
                .load(&mut self.connection().await?)
                .await
                .during("listing sessions")?;
        let listing = |(row, address, user_agent): (SessionRow, Option<IpNetwork>, Option<String>)| {
            let address = address.map(|network| network.ip());
            Ok(SessionListing { session: row.try_into()?, address, user_agent })
        };
        let sessions = rows.into_iter().take(page.limit.get() + 1).map(listing).collect::<Result<_, StoreError>>()?;
        Ok(Page::of(sessions, page.limit, |one: &SessionListing| one.session.position()))
    }

    async fn memberships(&self, account: AccountId) -> Result<Vec<Membership>, StoreError> {
        memberships(&mut *self.connection().await?, account).await
    }
}

#[async_trait]
impl SessionRepository for PgUnitOfWork {
    async fn insert(&mut self, record: SessionRecord) -> Result<Session, StoreError> {
        let (tenant, user) = record.acts_as.unzip();
        let created_at = DateTime::<Utc>::from(record.created_at);
        let begun: Session = diesel::insert_into(sessions::table)
            .values((
                sessions::token_hash.eq(record.hash.as_bytes().as_slice()),
                sessions::account_id.eq(record.account.get()),
                sessions::tenant_id.eq(tenant.map(TenantId::get)),
                sessions::user_id.eq(user.map(UserId::get)),
                sessions::created_at.eq(created_at),
                sessions::seen_at.eq(created_at),
                sessions::address.eq(record.address.map(IpNetwork::from)),
                sessions::user_agent.eq(record.user_agent.as_deref()),
            ))
            .returning(SessionRow::as_returning())
            .get_result(self.connection()?)
            .await
            .during("storing a session")?
            .try_into()?;
        diesel::sql_query(END_OLDEST)
            .bind::<BigInt, _>(record.account.get())
            .bind::<BigInt, _>(begun.id.get())
            .bind::<BigInt, _>(i64::try_from(MOST_SESSIONS - 1).unwrap_or(i64::MAX))
            .bind::<Timestamptz, _>(created_at)
            .bind::<Interval, _>(interval(Session::IDLE))
            .bind::<Interval, _>(interval(Session::LIFETIME))
            .execute(self.connection()?)
            .await
            .during("ending the oldest sessions")?;
        Ok(begun)
    }

    async fn lock(&mut self, account: AccountId, session: SessionId) -> Result<Option<Session>, StoreError> {
        let connection = self.connection()?;
        Lock::Account(account.get()).take(connection).await.during("locking a session")?;
        let row = sessions::table
            .find(session.get())
            .filter(sessions::account_id.eq(account.get()))
            .select(SessionRow::as_select())
            .get_result(connection)
            .await
            .optional()
            .during("reading a locked session")?;
        row.map(Session::try_from).transpose()
    }

    async fn renew(
        &mut self,
        session: SessionId,
        hash: SessionHash,
        acts_as: Option<(TenantId, UserId)>,
    ) -> Result<(), StoreError> {
        let (tenant, user) = acts_as.unzip();
        diesel::sql_query(
            "UPDATE sessions SET id = DEFAULT, token_hash = $2, tenant_id = $3, user_id = $4 WHERE id = $1",
        )
        .bind::<BigInt, _>(session.get())
        .bind::<Bytea, _>(hash.as_bytes().as_slice())
        .bind::<Nullable<BigInt>, _>(tenant.map(TenantId::get))
        .bind::<Nullable<BigInt>, _>(user.map(UserId::get))
        .execute(self.connection()?)
        .await
        .during("renewing a session")
        .map(|_| ())
    }

    async fn note(&mut self, session: SessionId, tenant: TenantId, now: Timestamp) -> Result<bool, StoreError> {
        let noted = diesel::sql_query(NOTE)
            .bind::<BigInt, _>(session.get())
            .bind::<Text, _>(tenant.to_string())
            .bind::<BigInt, _>(now.unix_millis())
            .bind::<BigInt, _>(now.minus(Session::NOTED_AGAIN_AFTER).unix_millis())
            .execute(self.connection()?)
            .await
            .during("noting that a session acts")?;
        Ok(noted > 0)
    }

    async fn end(&mut self, account: AccountId, session: SessionId) -> Result<bool, StoreError> {
        let this = sessions::table.find(session.get()).filter(sessions::account_id.eq(account.get()));
        let ended = diesel::delete(this).execute(self.connection()?).await.during("ending a session")?;
        Ok(ended > 0)
    }

    async fn end_all(&mut self, account: AccountId, except: Option<SessionId>) -> Result<(), StoreError> {
        // No session has the id 0.
        let except = except.map_or(0, SessionId::get);
        diesel::delete(sessions::table.filter(sessions::account_id.eq(account.get())).filter(sessions::id.ne(except)))
            .execute(self.connection()?)
            .await
            .during("ending sessions")
            .map(|_| ())
    }

    async fn stop_acting(&mut self, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
        let acting = sessions::tenant_id.eq(tenant.get()).and(sessions::user_id.eq(user.get()));
        diesel::update(sessions::table.filter(acting))
            .set((sessions::tenant_id.eq(None::<i64>), sessions::user_id.eq(None::<i64>)))
            .execute(self.connection()?)
            .await
            .during("having no session act as a user")
            .map(|_| ())
    }

    async fn memberships(&mut self, account: AccountId) -> Result<Vec<Membership>, StoreError> {
        memberships(self.connection()?, account).await
    }
}

impl PgUnitOfWork {
    pub(crate) async fn hold_signed_in(
        &mut self,
        account: AccountId,
        session: SessionId,
    ) -> Result<Option<Arc<SignedIn>>, StoreError> {
        let connection = self.connection()?;
        Lock::Account(account.get()).share(connection).await.during("holding a session")?;
        let row: Option<(SessionRow, UserRow, AccountRow, TenantRow)> = sessions::table
            .inner_join(users::table.on(
                users::tenant_id.nullable().eq(sessions::tenant_id).and(users::id.nullable().eq(sessions::user_id)),
            ))
            .inner_join(accounts::table.on(users::account_id.eq(accounts::id.nullable())))
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(sessions::id.eq(session.get()))
            .filter(sessions::account_id.eq(account.get()))
            .filter(accounts::id.eq(account.get()))
            .select((SessionRow::as_select(), UserRow::as_select(), AccountRow::as_select(), TenantRow::as_select()))
            .get_result(connection)
            .await
            .optional()
            .during("reading a held session")?;
        let Some((session, of, account, tenant)) = row else { return Ok(None) };
        let signed_in = SignedIn { session: session.try_into()?, user: user(of, account)?, tenant: tenant.try_into()? };
        Ok(Some(Arc::new(signed_in)))
    }
}
