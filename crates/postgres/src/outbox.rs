//! The outbox.

use async_trait::async_trait;
use bwp_domain::{
    events::{Event, Outbox},
    ids::{AccountId, KeyId, TenantId},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::AstPass,
    sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    error::DuringExt,
    expecting::{Change, Sql},
    schema::outbox,
    unit_of_work::PgUnitOfWork,
};

#[async_trait]
impl Outbox for PgUnitOfWork {
    async fn append(&mut self, tenant: TenantId, events: &[Event]) -> Result<(), StoreError> {
        if let Some(expected) = self.expecting() {
            for event in events {
                expected.change(Box::new(AppendEvent::new(tenant, event)));
            }
            self.tell();
            return Ok(());
        }
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    outbox::tenant_id.eq(tenant.get()),
                    outbox::event_id.eq(event.id.as_uuid()),
                    outbox::kind.eq(event.kind),
                    outbox::version.eq(event.version),
                    outbox::occurred_at.eq(DateTime::<Utc>::from(event.occurred_at)),
                    outbox::resource.eq(event.resource),
                    outbox::row_id.eq(event.row),
                    outbox::account_id.eq(event.actor.account.map(AccountId::get)),
                    outbox::key_id.eq(event.actor.key.map(KeyId::get)),
                    outbox::body.eq(event.body(tenant)),
                )
            })
            .collect();
        diesel::insert_into(outbox::table)
            .values(rows)
            .execute(self.connection()?)
            .await
            .during("appending to the outbox")?;
        self.tell();
        Ok(())
    }
}

/// Appending one event, as a part of an expected change.
struct AppendEvent {
    tenant: i64,
    id: Uuid,
    kind: &'static str,
    version: i16,
    occurred_at: DateTime<Utc>,
    resource: &'static str,
    row: i64,
    account: Option<i64>,
    key: Option<i64>,
    body: String,
}

impl AppendEvent {
    fn new(tenant: TenantId, event: &Event) -> Self {
        Self {
            tenant: tenant.get(),
            id: event.id.as_uuid(),
            kind: event.kind,
            version: event.version,
            occurred_at: event.occurred_at.into(),
            resource: event.resource,
            row: event.row,
            account: event.actor.account.map(AccountId::get),
            key: event.actor.key.map(KeyId::get),
            body: event.body(tenant),
        }
    }
}

impl Change for AppendEvent {
    fn sql(&self) -> Sql {
        Sql {
            change: "INSERT INTO outbox \
                     (tenant_id, event_id, kind, version, occurred_at, resource, row_id, account_id, key_id, body) \
                     SELECT tenant_id, event_id, kind, version, occurred_at, resource, row_id, account_id, key_id, body",
            columns: "tenant_id, event_id, kind, version, occurred_at, resource, row_id, account_id, key_id, body",
            condition: "",
            end: Sql::RETURNING,
        }
    }

    fn values<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.tenant)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<SmallInt, _>(&self.version)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.occurred_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.resource)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.row)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.account)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.body)
    }
}
