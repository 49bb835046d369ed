//! Users.

mod read;

use async_trait::async_trait;
use bwp_domain::{
    ids::{TenantId, UserId},
    store::StoreError,
    users::{
        User, UserState,
        ports::{UserRecord, UserRepository},
    },
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{accounts::AccountRow, error::DuringExt, rows::Row, schema::users, unit_of_work::PgUnitOfWork};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(crate) struct UserRow {
    tenant_id: i64,
    id: i64,
    role: String,
    created_at: DateTime<Utc>,
    deactivated_at: Option<DateTime<Utc>>,
}

/// A user with their account.
pub(crate) fn user(row: UserRow, account: AccountRow) -> Result<User, StoreError> {
    let place = Row { table: "users", id: &row.id };
    Ok(User {
        id: place.some("id", UserId::new(row.id))?,
        tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
        account: account.try_into()?,
        role: place.fit("role", row.role.parse())?,
        state: row.deactivated_at.map_or(UserState::Active, |at| UserState::Deactivated { at: at.into() }),
        created_at: row.created_at.into(),
    })
}

#[async_trait]
impl UserRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, record: UserRecord) -> Result<Option<User>, StoreError> {
        let id: Option<i64> = diesel::insert_into(users::table)
            .values((
                users::tenant_id.eq(tenant.get()),
                users::account_id.eq(record.account.id.get()),
                users::role.eq(record.role.as_str()),
                users::created_at.eq(DateTime::<Utc>::from(record.created_at)),
            ))
            .on_conflict((users::tenant_id, users::account_id))
            .do_nothing()
            .returning(users::id)
            .get_result(self.connection()?)
            .await
            .optional()
            .during("storing a user")?;
        let Some(id) = id else { return Ok(None) };
        let id = Row { table: "users", id: &id }.some("id", UserId::new(id))?;
        let UserRecord { account, role, created_at } = record;
        Ok(Some(User { id, tenant, account, role, state: UserState::Active, created_at }))
    }
}
