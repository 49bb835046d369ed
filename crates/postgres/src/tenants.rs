//! Tenants.

use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::{
    ids::{TenantId, TenantPublicId},
    rate_limits::RateLimit,
    store::StoreError,
    tenants::{
        NewTenant, Tenant, TenantName, TenantStatus, TimeZone,
        ports::{TenantDirectory, TenantRepository},
    },
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    error::DuringExt,
    locks::{Lock, pg_advisory_xact_lock},
    rows::{Row, rate_limit},
    schema::tenants,
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenants, check_for_backend(diesel::pg::Pg))]
pub(crate) struct TenantRow {
    id: i64,
    public_id: Uuid,
    name: String,
    status: String,
    created_at: DateTime<Utc>,
    rate_limit: i32,
    pub(crate) revision: Uuid,
    time_zone: String,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, StoreError> {
        let place = Row { table: "tenants", id: &row.id };
        Ok(Self {
            id: place.some("id", TenantId::new(row.id))?,
            public_id: TenantPublicId::from_uuid(row.public_id),
            name: place.fit("name", TenantName::stored(row.name))?,
            status: place.fit("status", row.status.parse())?,
            rate_limit: place.some("rate_limit", rate_limit(row.rate_limit))?,
            time_zone: place.fit("time_zone", row.time_zone.parse())?,
            created_at: row.created_at.into(),
        })
    }
}

impl PgStore {
    /// Whether there is no tenant at all. Holds nobody back: another may be made at once.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let mut connection = self.connection().await?;
        let some: bool = diesel::select(diesel::dsl::exists(tenants::table.select(tenants::id)))
            .get_result(&mut connection)
            .await
            .during("looking for tenants")?;
        Ok(!some)
    }
}

const SETTLING: &str = "the status is set; waiting for changes in flight";

/// How long changes in flight are waited for, all together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Those of the locks of a tenant's keys and accounts that somebody holds. Asked of the list of all locks, which anybody may read,
/// and not by trying them: a lock is a place in a table that all sessions share, and a tenant may have more keys than that
/// has places. Exclusive or, because other programs may hold numbers that have no place beside ours.
const HELD: &str = "SELECT number FROM (
        SELECT DISTINCT classid::bigint << 32 | objid::bigint AS number FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS held
    WHERE EXISTS (SELECT FROM api_keys WHERE tenant_id = $1 AND id = (number # $2))
        OR EXISTS (SELECT FROM users WHERE tenant_id = $1 AND account_id = (number # $3))";

#[derive(QueryableByName)]
struct HeldLock {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Waits until everybody is done who makes a change by a credential that was read before now: they hold its lock until then.
/// Who takes a lock only after it was looked at reads the credential after that, and so with the status that was committed before.
async fn settle(connection: &mut AsyncPgConnection, tenant: TenantId) -> Result<(), StoreError> {
    let held: Vec<HeldLock> = diesel::sql_query(HELD)
        .bind::<BigInt, _>(tenant.get())
        .bind::<BigInt, _>(Lock::ApiKey(0).number())
        .bind::<BigInt, _>(Lock::Account(0).number())
        .load(connection)
        .await
        .during(SETTLING)?;
    for HeldLock { number } in held {
        // One at a time, each in a transaction of its own: who held one while they waited for another would have those wait
        // in a circle who hold the other and wait for the first.
        diesel::select(pg_advisory_xact_lock(number)).execute(connection).await.during(SETTLING)?;
    }
    Ok(())
}

#[async_trait]
impl TenantDirectory for PgStore {
    async fn list(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut connection = self.connection().await?;
        let rows = tenants::table
            .order(tenants::id)
            .select(TenantRow::as_select())
            .load(&mut connection)
            .await
            .during("listing tenants")?;
        rows.into_iter().map(Tenant::try_from).collect()
    }

    async fn find(&self, public_id: TenantPublicId) -> Result<Option<Tenant>, StoreError> {
        let mut connection = self.connection().await?;
        let row = tenants::table
            .filter(tenants::public_id.eq(public_id.as_uuid()))
            .select(TenantRow::as_select())
            .first(&mut connection)
            .await
            .optional()
            .during("finding a tenant")?;
        row.map(Tenant::try_from).transpose()
    }

    async fn set_status(&self, tenant: TenantId, status: TenantStatus) -> Result<Option<Tenant>, StoreError> {
        let mut connection = self.connection().await?;
        // Loaded to the end: the commit comes after the row, and may fail.
        let rows = diesel::update(tenants::table.find(tenant.get()))
            .set(tenants::status.eq(status.as_str()))
            .returning(TenantRow::as_returning())
            .load(&mut connection)
            .await
            .during("setting a tenant's status")?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let settled = timeout(PATIENCE, settle(&mut connection, tenant)).await;
        settled.map_err(|_| StoreError::Unavailable(format!("{SETTLING}: they take too long")))??;
        row.try_into().map(Some)
    }

    async fn set_rate_limit(&self, tenant: TenantId, limit: RateLimit) -> Result<Option<Tenant>, StoreError> {
        let mut connection = self.connection().await?;
        // To the end here, too.
        let rows = diesel::update(tenants::table.find(tenant.get()))
            .set(tenants::rate_limit.eq(limit.get().cast_signed()))
            .returning(TenantRow::as_returning())
            .load(&mut connection)
            .await
            .during("setting a tenant's rate limit")?;
        rows.into_iter().next().map(Tenant::try_from).transpose()
    }

    async fn set_time_zone(&self, tenant: TenantId, zone: TimeZone) -> Result<Option<Tenant>, StoreError> {
        let mut connection = self.connection().await?;
        // And here.
        let rows = diesel::update(tenants::table.find(tenant.get()))
            .set(tenants::time_zone.eq(zone.as_str()))
            .returning(TenantRow::as_returning())
            .load(&mut connection)
            .await
            .during("setting a tenant's time zone")?;
        rows.into_iter().next().map(Tenant::try_from).transpose()
    }
}

#[async_trait]
impl TenantRepository for PgUnitOfWork {
    async fn insert(&mut self, new: NewTenant) -> Result<Tenant, StoreError> {
        diesel::insert_into(tenants::table)
            .values((
                tenants::public_id.eq(new.public_id.as_uuid()),
                tenants::name.eq(new.name.as_str()),
                tenants::status.eq(TenantStatus::Active.as_str()),
                tenants::rate_limit.eq(new.rate_limit.get().cast_signed()),
                tenants::created_at.eq(DateTime::<Utc>::from(new.created_at)),
            ))
            .returning(TenantRow::as_returning())
            .get_result(self.connection()?)
            .await
            .during("storing a tenant")?
            .try_into()
    }

    async fn is_first(&mut self) -> Result<bool, StoreError> {
        let connection = self.connection()?;
        Lock::FirstStart.take(connection).await.during("waiting for another first start")?;
        let some: bool = diesel::select(diesel::dsl::exists(tenants::table.select(tenants::id)))
            .get_result(connection)
            .await
            .during("looking for tenants")?;
        Ok(!some)
    }
}
