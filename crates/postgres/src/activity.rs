//! Activity.

use async_trait::async_trait;
use bwp_domain::{
    activity::{Activity, ActivityLog},
    ids::{AccountId, KeyId, TenantId},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::AstPass,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    error::DuringExt,
    expecting::{Change, Sql},
    schema::activity,
    sql::WrittenJson,
    unit_of_work::PgUnitOfWork,
};

#[async_trait]
impl ActivityLog for PgUnitOfWork {
    async fn append(&mut self, tenant: TenantId, entry: Activity) -> Result<(), StoreError> {
        let entry = Entry {
            tenant: tenant.get(),
            at: entry.at.into(),
            account: entry.account.map(AccountId::get),
            key: entry.key.map(KeyId::get),
            resource: entry.resource,
            row: entry.row,
            action: entry.action.as_str(),
            previous: entry.previous.as_ref().map(WrittenJson::of),
        };
        self.note(entry)
    }
}

/// How many entries are stored by one statement.
const TOGETHER: usize = 1_000;

/// Stores entries, at the end of their transaction.
pub(crate) async fn store(entries: Vec<Entry>, connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let rows: Vec<_> = entries
            .by_ref()
            .take(TOGETHER)
            .map(|entry| {
                (
                    activity::tenant_id.eq(entry.tenant),
                    activity::created_at.eq(entry.at),
                    activity::account_id.eq(entry.account),
                    activity::key_id.eq(entry.key),
                    activity::resource.eq(entry.resource),
                    activity::row_id.eq(entry.row),
                    activity::action.eq(entry.action),
                    activity::previous.eq(entry.previous),
                )
            })
            .collect();
        diesel::insert_into(activity::table)
            .values(rows)
            .execute(connection)
            .await
            .during("appending to the activity")?;
    }
    Ok(())
}

/// An entry as it is stored.
pub(crate) struct Entry {
    tenant: i64,
    at: DateTime<Utc>,
    account: Option<i64>,
    key: Option<i64>,
    resource: &'static str,
    row: i64,
    action: &'static str,
    previous: Option<WrittenJson>,
}

/// As a part of an expected change.
impl Change for Entry {
    fn sql(&self) -> Sql {
        Sql {
            change: "INSERT INTO activity \
                     (tenant_id, created_at, account_id, key_id, resource, row_id, action, previous) \
                     SELECT tenant_id, created_at, account_id, key_id, resource, row_id, action, previous",
            columns: "tenant_id, created_at, account_id, key_id, resource, row_id, action, previous",
            condition: "",
            end: Sql::RETURNING,
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.account)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.resource)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.row)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.action)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Jsonb>, _>(&self.previous)
    }
}
