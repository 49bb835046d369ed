//! Users, outside any unit of work.

use async_trait::async_trait;
use bwp_domain::{
    ids::{AccountId, TenantId},
    paging::{Page, PageRequest},
    store::StoreError,
    users::{User, ports::UserReader},
};
use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;

use super::{UserRow, user};
use crate::{
    accounts::AccountRow,
    error::DuringExt,
    schema::{accounts, users},
    sql::{RowBefore, WithLimit},
    store::PgStore,
};

/// Users with their accounts. Those without one are of the time before there were accounts: nobody is behind them.
macro_rules! with_accounts {
    () => {
        users::table
            .inner_join(accounts::table.on(users::account_id.eq(accounts::id.nullable())))
            .select((UserRow::as_select(), AccountRow::as_select()))
    };
}

#[async_trait]
impl UserReader for PgStore {
    async fn page(&self, tenant: TenantId, page: PageRequest) -> Result<Page<User>, StoreError> {
        let mut query = with_accounts!()
            .filter(users::tenant_id.eq(tenant.get()))
            .order((users::created_at.desc(), users::id.desc()))
            .into_boxed::<Pg>();
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (users::created_at, users::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let mut reading = self.reading(tenant).await?;
        let mut rows: Vec<(UserRow, AccountRow)> = WithLimit::at_least(page.limit.get() + 1, query)
            .load(reading.connection()?)
            .await
            .during("listing users")?;
        reading.end().await?;
        rows.truncate(page.limit.get() + 1);
        let found = rows.into_iter().map(|(row, account)| user(row, account)).collect::<Result<_, _>>()?;
        Ok(Page::of(found, page.limit, User::position))
    }

    async fn get_many(&self, tenant: TenantId, accounts: &[AccountId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<i64> = accounts.iter().map(|account| account.get()).collect();
        let rows: Vec<(UserRow, AccountRow)> = with_accounts!()
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(users::account_id.eq_any(ids))
            .load(&mut self.connection().await?)
            .await
            .during("reading users")?;
        rows.into_iter().map(|(row, account)| user(row, account)).collect()
    }

    async fn get(&self, tenant: TenantId, account: AccountId) -> Result<Option<User>, StoreError> {
        let row: Option<(UserRow, AccountRow)> = with_accounts!()
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(users::account_id.eq(account.get()))
            .get_result(&mut self.connection().await?)
            .await
            .optional()
            .during("reading a user")?;
        row.map(|(row, account)| user(row, account)).transpose()
    }
}
