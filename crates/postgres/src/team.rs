//! A tenant's users, for the page of the team.

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    store::StoreError,
    users::ports::{TeamMember, TeamReader},
};
use chrono::{DateTime, Utc};
use diesel::{dsl::max, prelude::*};
use diesel_async::RunQueryDsl;

use crate::{
    accounts::{AccountRow, lower},
    error::DuringExt,
    schema::{accounts, sessions, users},
    store::PgStore,
    users::{UserRow, user},
};

#[async_trait]
impl TeamReader for PgStore {
    async fn team(&self, tenant: TenantId) -> Result<Vec<TeamMember>, StoreError> {
        let seen_at = sessions::table
            .filter(sessions::tenant_id.eq(users::tenant_id.nullable()))
            .filter(sessions::user_id.eq(users::id.nullable()))
            .select(max(sessions::seen_at))
            .single_value();
        let rows: Vec<(UserRow, AccountRow, Option<DateTime<Utc>>)> = users::table
            .inner_join(accounts::table)
            .filter(users::tenant_id.eq(tenant.get()))
            .order((lower(accounts::email), users::id))
            .select((UserRow::as_select(), AccountRow::as_select(), seen_at))
            .load(&mut self.connection().await?)
            .await
            .during("listing a team")?;
        rows.into_iter()
            .map(|(row, account, seen_at)| {
                Ok(TeamMember { user: user(row, account)?, seen_at: seen_at.map(Timestamp::from) })
            })
            .collect()
    }
}
