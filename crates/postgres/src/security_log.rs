//! The security log.

use async_trait::async_trait;
use bwp_domain::{
    ids::{KeyId, SecurityRecordId, TenantId, UserId},
    paging::{Page, PageRequest, Position},
    security::{
        Actor, SecurityAction, SecurityEntry, SecurityRecord,
        ports::{SecurityLog, SecurityLogReader},
    },
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;

use crate::{
    error::DuringExt,
    rows::Row,
    schema::security_log,
    sql::{RowBefore, WithLimit},
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = security_log, check_for_backend(Pg))]
struct RecordRow {
    id: i64,
    created_at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<i64>,
    actor_name: Option<String>,
    address: Option<IpNetwork>,
    action: serde_json::Value,
}

impl TryFrom<RecordRow> for SecurityRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self, StoreError> {
        let place = Row { table: "security_log", id: &row.id };
        let name = row.actor_name.unwrap_or_default();
        // Servers of two versions may run side by side: what one of them does not know must not keep the rest from being shown.
        let user = row.actor_id.and_then(UserId::new);
        let key = row.actor_id.and_then(KeyId::new);
        let actor = match (row.actor_kind.as_str(), user, key) {
            ("operator", ..) => Actor::Operator,
            ("server", ..) => Actor::Server,
            ("user", Some(id), _) => Actor::User { id, email: name },
            ("key", _, Some(id)) => Actor::Key { id, name },
            _ => Actor::Unknown { name },
        };
        Ok(Self {
            id: place.some("id", SecurityRecordId::new(row.id))?,
            entry: SecurityEntry {
                at: row.created_at.into(),
                actor,
                address: row.address.map(|network| network.ip()),
                action: serde_json::from_value(row.action).unwrap_or(SecurityAction::Unknown),
            },
        })
    }
}

/// How an actor is stored: kind, id, name.
fn columns(actor: &Actor) -> (&'static str, Option<i64>, Option<&str>) {
    match actor {
        Actor::Operator => ("operator", None, None),
        Actor::Server => ("server", None, None),
        Actor::User { id, email } => ("user", Some(id.get()), Some(email)),
        Actor::Key { id, name } => ("key", Some(id.get()), Some(name)),
        Actor::Unknown { name } => ("unknown", None, Some(name)),
    }
}

#[async_trait]
impl SecurityLog for PgUnitOfWork {
    async fn append(&mut self, tenant: TenantId, entries: &[SecurityEntry]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let (kind, id, name) = columns(&entry.actor);
            let action = serde_json::to_value(&entry.action)
                .map_err(|error| StoreError::Internal(format!("writing an action of the security log: {error}")))?;
            rows.push((
                security_log::tenant_id.eq(tenant.get()),
                security_log::created_at.eq(DateTime::<Utc>::from(entry.at)),
                security_log::actor_kind.eq(kind),
                security_log::actor_id.eq(id),
                security_log::actor_name.eq(name),
                security_log::address.eq(entry.address.map(IpNetwork::from)),
                security_log::key_id.eq(entry.action.key().map(|key| key.id)),
                security_log::action.eq(action),
            ));
        }
        diesel::insert_into(security_log::table)
            .values(rows)
            .execute(self.connection()?)
            .await
            .during("appending to the security log")
            .map(|_| ())
    }
}

#[async_trait]
impl SecurityLogReader for PgStore {
    async fn list(
        &self,
        tenant: TenantId,
        key: Option<KeyId>,
        page: PageRequest,
    ) -> Result<Page<SecurityRecord>, StoreError> {
        let mut reading = self.reading(tenant).await?;
        let mut query = security_log::table
            .select(RecordRow::as_select())
            .filter(security_log::tenant_id.eq(tenant.get()))
            .order((security_log::created_at.desc(), security_log::id.desc()))
            .into_boxed::<Pg>();
        if let Some(key) = key {
            query = query.filter(security_log::key_id.eq(key.get()));
        }
        if let Some(after) = page.after {
            query = query.filter(RowBefore {
                columns: (security_log::created_at, security_log::id),
                position: (after.created_at.into(), after.id),
            });
        }
        let mut rows: Vec<RecordRow> = WithLimit::at_least(page.limit.get() + 1, query)
            .load(reading.connection()?)
            .await
            .during("listing the security log")?;
        reading.end().await?;
        rows.truncate(page.limit.get() + 1);
        let records = rows.into_iter().map(SecurityRecord::try_from).collect::<Result<_, _>>()?;
        Ok(Page::of(records, page.limit, |record: &SecurityRecord| Position {
            created_at: record.entry.at,
            id: record.id.get(),
        }))
    }
}
