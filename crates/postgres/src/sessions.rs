//! Sessions, and who is signed in by them.

use std::sync::Arc;

use bwp_domain::{
    ids::{AccountId, SessionId, TenantId, UserId},
    sessions::{Session, SignedIn},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    accounts::AccountRow,
    error::DuringExt,
    locks::Lock,
    rows::Row,
    schema::{accounts, sessions, tenants, users},
    tenants::TenantRow,
    unit_of_work::PgUnitOfWork,
    users::{UserRow, user},
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
