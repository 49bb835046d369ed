//! A tenant's users, for the page of the team.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::{TenantId, UserId},
    paging::Limit,
    store::StoreError,
    users::{
        User,
        ports::{TeamMember, TeamPage, TeamReader},
    },
};
use chrono::{DateTime, Utc};
use diesel::{dsl::max, pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;

use crate::{
    accounts::{AccountRow, lower},
    error::DuringExt,
    schema::{accounts, sessions, users},
    sql::WithLimit,
    store::PgStore,
    users::{UserRow, user},
};

#[async_trait]
impl TeamReader for PgStore {
    async fn team(&self, tenant: TenantId, after: Option<UserId>, limit: Limit) -> Result<TeamPage, StoreError> {
        let mut connection = self.connection().await?;
        let after: Option<String> = match after {
            None => None,
            Some(after) => users::table
                .inner_join(accounts::table)
                .filter(users::tenant_id.eq(tenant.get()))
                .filter(users::id.eq(after.get()))
                .select(lower(accounts::email))
                .get_result(&mut connection)
                .await
                .optional()
                .during("finding where a page of a team starts")?,
        };
        let seen_at = sessions::table
            .filter(sessions::tenant_id.eq(users::tenant_id.nullable()))
            .filter(sessions::user_id.eq(users::id.nullable()))
            .select(max(sessions::seen_at))
            .single_value();
        // No two accounts have one address, and none has two users here.
        let mut query = users::table
            .inner_join(accounts::table)
            .filter(users::tenant_id.eq(tenant.get()))
            .order(lower(accounts::email))
            .select((UserRow::as_select(), AccountRow::as_select(), seen_at))
            .into_boxed::<Pg>();
        if let Some(after) = after {
            query = query.filter(lower(accounts::email).gt(after));
        }
        let mut rows: Vec<(UserRow, AccountRow, Option<DateTime<Utc>>)> =
            WithLimit::at_least(limit.get() + 1, query).load(&mut connection).await.during("listing a team")?;
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let member = |(row, account, seen_at): (_, _, Option<DateTime<Utc>>)| {
            Ok(TeamMember { user: user(row, account)?, seen_at: seen_at.map(Timestamp::from) })
        };
        let members: Vec<TeamMember> = rows.into_iter().map(member).collect::<Result<_, StoreError>>()?;
        let next = members.last().filter(|_| more).map(|last| last.user.id);
        Ok(TeamPage { members, next })
    }

    async fn members(&self, tenant: TenantId, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        let rows: Vec<(UserRow, AccountRow)> = users::table
            .inner_join(accounts::table)
            .filter(users::tenant_id.eq(tenant.get()))
            .filter(users::id.eq_any(ids))
            .select((UserRow::as_select(), AccountRow::as_select()))
            .load(&mut self.connection().await?)
            .await
            .during("reading users")?;
        rows.into_iter().map(|(row, account)| user(row, account)).collect()
    }
}
