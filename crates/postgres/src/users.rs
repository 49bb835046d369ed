//! Users.

mod read;

use async_trait::async_trait;
use bwp_domain::{
    accounts::Account,
    ids::{TenantId, UserId},
    store::StoreError,
    text::Email,
    users::{
        Role, User, UserState,
        ports::{UserRecord, UserRepository},
    },
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    accounts::{AccountRow, lower},
    error::DuringExt,
    locks::Lock,
    rows::Row,
    schema::{accounts, users},
    unit_of_work::PgUnitOfWork,
};

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
    of_account(row, account.try_into()?)
}

/// A user of this account.
pub(crate) fn of_account(row: UserRow, account: Account) -> Result<User, StoreError> {
    let UserRow { tenant_id, id, role, created_at, deactivated_at } = row;
    let place = Row { table: "users", id: &id };
    Ok(User {
        id: place.some("id", UserId::new(id))?,
        tenant: place.some("tenant_id", TenantId::new(tenant_id))?,
        account,
        role: place.fit("role", role.parse())?,
        state: deactivated_at.map_or(UserState::Active, |at| UserState::Deactivated { at: at.into() }),
        created_at: created_at.into(),
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

    async fn lock_team(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        Lock::Team(tenant.get()).take(self.connection()?).await.during("locking a team")
    }

    async fn lock(&mut self, tenant: TenantId, id: UserId) -> Result<Option<User>, StoreError> {
        let connection = self.connection()?;
        let account: Option<Option<i64>> = users::table
            .find((tenant.get(), id.get()))
            .select(users::account_id)
            .get_result(connection)
            .await
            .optional()
            .during("finding a user to lock")?;
        // Who has no account cannot sign in: nobody can be kept waiting for them.
        let Some(account) = account.flatten() else { return Ok(None) };
        Lock::Account(account).take(connection).await.during("locking a user")?;
        let row = users::table
            .inner_join(accounts::table)
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(users::id.eq(id.get()))
            .select((UserRow::as_select(), AccountRow::as_select()))
            .get_result(connection)
            .await
            .optional()
            .during("reading a locked user")?;
        row.map(|(row, account)| user(row, account)).transpose()
    }

    async fn update(&mut self, tenant: TenantId, user: &User) -> Result<(), StoreError> {
        let deactivated_at = match user.state {
            UserState::Active => None,
            UserState::Deactivated { at } => Some(DateTime::<Utc>::from(at)),
        };
        diesel::update(users::table.find((tenant.get(), user.id.get())))
            .set((users::role.eq(user.role.as_str()), users::deactivated_at.eq(deactivated_at)))
            .execute(self.connection()?)
            .await
            .during("storing a user's role and state")
            .map(|_| ())
    }

    async fn active_admins(&mut self, tenant: TenantId) -> Result<i64, StoreError> {
        users::table
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(users::role.eq(Role::CompanyAdmin.as_str()))
            .filter(users::deactivated_at.is_null())
            // Who has no account cannot sign in.
            .filter(users::account_id.is_not_null())
            .count()
            .get_result(self.connection()?)
            .await
            .during("counting admins")
    }

    async fn find_by_email(&mut self, tenant: TenantId, email: &Email) -> Result<Option<User>, StoreError> {
        let row = users::table
            .inner_join(accounts::table)
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(lower(accounts::email).eq(lower(&**email)))
            .select((UserRow::as_select(), AccountRow::as_select()))
            .get_result(self.connection()?)
            .await
            .optional()
            .during("finding a user by their address")?;
        row.map(|(row, account)| user(row, account)).transpose()
    }
}
