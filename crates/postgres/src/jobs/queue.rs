//! Jobs as workers claim them.

use std::time::Duration;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    files::FileName,
    ids::{JobId, TenantId},
    jobs::{
        Job, RowError,
        ports::{Claimed, Held, JobQueue, Lease, Shown},
    },
    store::{StoreError, UnitOfWork},
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{self, BigInt, Interval, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{COLUMNS, JobRow, job};
use crate::{
    error::DuringExt,
    locks::Lock,
    schema::{job_errors, job_files},
    sql::interval,
    store::PgStore,
    unit_of_work::PgUnitOfWork,
};

/// How long a hold on a job lasts that is not renewed: so long does a job wait whose worker died.
const LEASE: Duration = Duration::from_secs(10);

/// How many rows are thrown away at once.
const BATCH: i64 = 500;

#[derive(QueryableByName)]
struct ErrorRow {
    #[diesel(sql_type = sql_types::BigInt)]
    row_number: i64,
    #[diesel(sql_type = sql_types::Text)]
    code: String,
    #[diesel(sql_type = sql_types::Text)]
    message: String,
    #[diesel(sql_type = sql_types::Text)]
    source: String,
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = sql_types::BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

fn claimed(job: Job, token: u128) -> Claimed {
    Claimed { lease: Lease { tenant: job.tenant, job: job.id, token }, job }
}

#[async_trait]
impl JobQueue for PgStore {
    async fn claim(&self, token: u128, most_of_tenant: i64, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let mut uow = PgUnitOfWork::begin(self.connection().await?, self.patience(), self.clock()).await?;
        let connection = uow.connection()?;
        // One at a time: two would each count without the other, and give a tenant more than its share.
        Lock::Jobs.wait(connection).await.during("waiting to claim a job")?;
        let rows: Vec<JobRow> = diesel::sql_query(format!(
            "WITH busy AS (
                 SELECT tenant_id, count(*) AS jobs FROM jobs WHERE status = 'running' AND lease_until > now()
                 GROUP BY tenant_id
             ), next AS (
                 SELECT waiting.tenant_id, waiting.id FROM jobs AS waiting LEFT JOIN busy USING (tenant_id)
                 WHERE (waiting.status = 'queued' OR waiting.status = 'running' AND waiting.lease_until <= now())
                 AND coalesce(busy.jobs, 0) < $3
                 ORDER BY coalesce(busy.jobs, 0), waiting.created_at, waiting.id
                 LIMIT 1 FOR NO KEY UPDATE OF waiting SKIP LOCKED
             )
             UPDATE jobs SET status = 'running', lease_token = $1, lease_until = now() + $2, \
             attempts = attempts + 1, started_at = coalesce(started_at, $4) \
             WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM next) RETURNING {COLUMNS}"
        ))
        .bind::<SqlUuid, _>(Uuid::from_u128(token))
        .bind::<Interval, _>(interval(LEASE))
        .bind::<BigInt, _>(most_of_tenant)
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
        .load(connection)
        .await
        .during("claiming a job")?;
        let job = job(rows)?;
        Box::new(uow).commit().await?;
        Ok(job.map(|job| claimed(job, token)))
    }

    async fn renew(&self, lease: &Lease, shown: Option<Shown>) -> Result<Held, StoreError> {
        let renewed = diesel::sql_query(
            "UPDATE jobs SET lease_until = now() + $4, processed = coalesce($5, processed), total = coalesce($6, total) \
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND (status = 'running' OR completed_at IS NOT NULL)",
        )
        .bind::<BigInt, _>(lease.tenant.get())
        .bind::<BigInt, _>(lease.job.get())
        .bind::<SqlUuid, _>(Uuid::from_u128(lease.token))
        .bind::<Interval, _>(interval(LEASE))
        .bind::<Nullable<BigInt>, _>(shown.and_then(|shown| shown.processed))
        .bind::<Nullable<BigInt>, _>(shown.map(|shown| shown.total))
        .execute(&mut self.connection().await?)
        .await
        .during("renewing a lease")?;
        Ok(if renewed == 1 { Held::Still } else { Held::NoMore })
    }

    async fn give_back(&self, lease: &Lease) -> Result<(), StoreError> {
        diesel::sql_query("UPDATE jobs SET lease_until = now() WHERE tenant_id = $1 AND id = $2 AND lease_token = $3")
            .bind::<BigInt, _>(lease.tenant.get())
            .bind::<BigInt, _>(lease.job.get())
            .bind::<SqlUuid, _>(Uuid::from_u128(lease.token))
            .execute(&mut self.connection().await?)
            .await
            .during("giving a job back")
            .map(|_| ())
    }

    async fn claim_errors(&self, token: u128) -> Result<Option<Claimed>, StoreError> {
        let rows: Vec<JobRow> = diesel::sql_query(format!(
            "UPDATE jobs SET lease_token = $1, lease_until = now() + $2 WHERE (tenant_id, id) IN (
                 SELECT tenant_id, id FROM jobs
                 WHERE errors > 0 AND errors_artifact IS NULL AND status IN ('succeeded', 'partial', 'failed', 'cancelled')
                 AND (lease_until IS NULL OR lease_until <= now()) AND deleted_at IS NULL
                 ORDER BY completed_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
             ) RETURNING {COLUMNS}"
        ))
        .bind::<SqlUuid, _>(Uuid::from_u128(token))
        .bind::<Interval, _>(interval(LEASE))
        .load(&mut self.connection().await?)
        .await
        .during("claiming a job's errors")?;
        Ok(job(rows)?.map(|job| claimed(job, token)))
    }

    async fn errors(&self, lease: &Lease, behind: i64, most: i64) -> Result<Vec<RowError>, StoreError> {
        let rows: Vec<ErrorRow> = diesel::sql_query(
            "SELECT row_number, code, message, source FROM job_errors \
             WHERE tenant_id = $1 AND job_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4",
        )
        .bind::<BigInt, _>(lease.tenant.get())
        .bind::<BigInt, _>(lease.job.get())
        .bind::<BigInt, _>(behind)
        .bind::<BigInt, _>(most)
        .load(&mut self.connection().await?)
        .await
        .during("reading a job's errors")?;
        let error =
            |row: ErrorRow| RowError { row: row.row_number, code: row.code, message: row.message, source: row.source };
        Ok(rows.into_iter().map(error).collect())
    }

    async fn tell_errors(&self, lease: &Lease, file: &FileName) -> Result<(), StoreError> {
        diesel::sql_query(
            "WITH told AS (
                 UPDATE jobs SET errors_artifact = $4, lease_until = NULL
                 WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 RETURNING expires_at
             )
             UPDATE job_files SET expires_at = told.expires_at FROM told WHERE tenant_id = $1 AND name = $4",
        )
        .bind::<BigInt, _>(lease.tenant.get())
        .bind::<BigInt, _>(lease.job.get())
        .bind::<SqlUuid, _>(Uuid::from_u128(lease.token))
        .bind::<Text, _>(file.as_str())
        .execute(&mut self.connection().await?)
        .await
        .during("telling of a job's errors")
        .map(|_| ())
    }

    async fn forget_errors(&self, tenant: TenantId, job: JobId) -> Result<(), StoreError> {
        diesel::delete(
            job_errors::table.filter(job_errors::tenant_id.eq(tenant.get())).filter(job_errors::job_id.eq(job.get())),
        )
        .execute(&mut self.connection().await?)
        .await
        .during("forgetting a job's errors")
        .map(|_| ())
    }

    async fn keep(&self, tenant: TenantId, file: &FileName, until: Timestamp) -> Result<(), StoreError> {
        diesel::insert_into(job_files::table)
            .values((
                job_files::tenant_id.eq(tenant.get()),
                job_files::name.eq(file.as_str()),
                job_files::expires_at.eq(DateTime::<Utc>::from(until)),
            ))
            .execute(&mut self.connection().await?)
            .await
            .during("noting a file")
            .map(|_| ())
    }

    async fn expired(&self, now: Timestamp) -> Result<Vec<(TenantId, FileName)>, StoreError> {
        let now = DateTime::<Utc>::from(now);
        let mut connection = self.connection().await?;
        for statement in [
            "DELETE FROM jobs WHERE (tenant_id, id) IN (
                 SELECT tenant_id, id FROM jobs WHERE expires_at <= least($1, now())
                 AND status IN ('succeeded', 'partial', 'failed', 'cancelled')
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
             )",
            "DELETE FROM job_uploads WHERE (tenant_id, id) IN (
                 SELECT tenant_id, id FROM job_uploads WHERE expires_at <= least($1, now())
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
             )",
        ] {
            diesel::sql_query(statement)
                .bind::<Timestamptz, _>(now)
                .bind::<BigInt, _>(BATCH)
                .execute(&mut connection)
                .await
                .during("purging jobs")?;
        }
        let rows: Vec<NameRow> = diesel::sql_query(
            "SELECT tenant_id, name FROM job_files WHERE expires_at <= least($1, now()) ORDER BY expires_at LIMIT $2",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(BATCH)
        .load(&mut connection)
        .await
        .during("looking for files whose time is over")?;
        let place = |row: NameRow| {
            let at = crate::rows::Row { table: "job_files", id: &"one whose time is over" };
            Ok((at.some("tenant_id", TenantId::new(row.tenant_id))?, at.fit("name", row.name.parse())?))
        };
        rows.into_iter().map(place).collect()
    }

    async fn forget(&self, tenant: TenantId, file: &FileName) -> Result<(), StoreError> {
        diesel::delete(
            job_files::table.filter(job_files::tenant_id.eq(tenant.get())).filter(job_files::name.eq(file.as_str())),
        )
        .execute(&mut self.connection().await?)
        .await
        .during("forgetting a file")
        .map(|_| ())
    }
}
