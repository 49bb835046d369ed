//! Jobs as callers and workers change them, inside of a unit of work.

use std::collections::HashMap;

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    files::FileName,
    ids::{JobId, JobPublicId, TenantId, UploadId},
    jobs::{
        Changes, Job, RowError,
        ports::{Advance, Ending, HasJobs, JobRepository, Lease, NewJob, Upload},
    },
    resource::Shape,
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Inet, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use ipnetwork::IpNetwork;
use uuid::Uuid;

use super::{COLUMNS, JobRow, job, key_of};
use crate::{
    error::DuringExt,
    schema::{job_changes, job_errors, job_files, job_uploads},
    unit_of_work::PgUnitOfWork,
};

impl HasJobs for PgUnitOfWork {
    fn jobs(&mut self) -> &mut dyn JobRepository {
        self
    }
}

/// What ends a job. Its errors may be told by a worker at once.
const END: &str = "UPDATE jobs SET status = $1, result = $2, error = $3, artifact = $4, \
                   errors_artifact = coalesce($5, errors_artifact), completed_at = $6, \
                   lease_token = NULL, lease_until = NULL, \
                   total = CASE WHEN total = 0 THEN processed ELSE total END, \
                   expires_at = $6 + make_interval(days => coalesce((SELECT export_retention_days::integer \
                       FROM data_retention_settings WHERE data_retention_settings.tenant_id = jobs.tenant_id), 30)) \
                   WHERE tenant_id = $7 AND id = $8 AND status IN ('queued', 'running')";

impl PgUnitOfWork {
    async fn end_job(
        &mut self,
        tenant: TenantId,
        id: JobId,
        held: Option<u128>,
        ending: &Ending,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let file = |name: &Option<FileName>| name.as_ref().map(|name| name.as_str().to_owned());
        let held_by = if held.is_some() { " AND lease_token = $9" } else { "" };
        let mut query = diesel::sql_query(format!("{END}{held_by}"))
            .into_boxed::<diesel::pg::Pg>()
            .bind::<Text, _>(ending.status.as_str())
            .bind::<Nullable<Jsonb>, _>(ending.result.clone())
            .bind::<Nullable<Text>, _>(ending.error.clone())
            .bind::<Nullable<Text>, _>(file(&ending.artifact))
            .bind::<Nullable<Text>, _>(file(&ending.errors_artifact))
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
            .bind::<BigInt, _>(tenant.get())
            .bind::<BigInt, _>(id.get());
        if let Some(token) = held {
            query = query.bind::<SqlUuid, _>(Uuid::from_u128(token));
        }
        let connection = self.connection()?;
        let ended = query.execute(connection).await.during("ending a job")? == 1;
        if ended {
            // The files that it made are kept as long as it is.
            diesel::sql_query(
                "UPDATE job_files SET expires_at = jobs.expires_at FROM jobs WHERE jobs.tenant_id = $1 AND jobs.id = $2 \
                 AND job_files.tenant_id = $1 AND job_files.name IN (jobs.artifact, jobs.errors_artifact)",
            )
            .bind::<BigInt, _>(tenant.get())
            .bind::<BigInt, _>(id.get())
            .execute(connection)
            .await
            .during("keeping a job's files")?;
        }
        Ok(ended)
    }
}

#[async_trait]
impl JobRepository for PgUnitOfWork {
    async fn insert(&mut self, tenant: TenantId, new: NewJob) -> Result<Job, StoreError> {
        let created_at = DateTime::<Utc>::from(new.created_at);
        let rows: Vec<JobRow> = diesel::sql_query(format!(
            "INSERT INTO jobs (tenant_id, public_id, kind, resource, status, params, key_id, address, source, total, created_at, \
             expires_at) VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $10 + make_interval(days => coalesce((\
                 SELECT export_retention_days::integer FROM data_retention_settings WHERE tenant_id = $1), 30))) \
             RETURNING {COLUMNS}"
        ))
        .bind::<BigInt, _>(tenant.get())
        .bind::<SqlUuid, _>(new.public_id.as_uuid())
        .bind::<Text, _>(new.kind.as_str())
        .bind::<Text, _>(new.resource)
        .bind::<Jsonb, _>(&new.params)
        .bind::<Nullable<BigInt>, _>(key_of(new.starter))
        .bind::<Nullable<Inet>, _>(new.address.map(IpNetwork::from))
        .bind::<Nullable<Text>, _>(new.source.as_ref().map(FileName::as_str))
        .bind::<BigInt, _>(new.total)
        .bind::<Timestamptz, _>(created_at)
        .load(self.connection()?)
        .await
        .during("storing a job")?;
        job(rows)?.ok_or_else(|| StoreError::Internal("a stored job is missing in an answer".to_owned()))
    }

    async fn lock(&mut self, tenant: TenantId, id: JobPublicId) -> Result<Option<Job>, StoreError> {
        let rows: Vec<JobRow> = diesel::sql_query(format!(
            "SELECT {COLUMNS} FROM jobs WHERE tenant_id = $1 AND public_id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE"
        ))
        .bind::<BigInt, _>(tenant.get())
        .bind::<SqlUuid, _>(id.as_uuid())
        .load(self.connection()?)
        .await
        .during("locking a job")?;
        job(rows)
    }

    async fn end(&mut self, tenant: TenantId, id: JobId, ending: &Ending, now: Timestamp) -> Result<(), StoreError> {
        self.end_job(tenant, id, None, ending, now).await.map(|_| ())
    }

    async fn delete(&mut self, tenant: TenantId, id: JobId, now: Timestamp) -> Result<(), StoreError> {
        diesel::sql_query("UPDATE jobs SET deleted_at = $3 WHERE tenant_id = $1 AND id = $2")
            .bind::<BigInt, _>(tenant.get())
            .bind::<BigInt, _>(id.get())
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
            .execute(self.connection()?)
            .await
            .during("deleting a job")
            .map(|_| ())
    }

    async fn advance(&mut self, lease: &Lease, advance: &Advance) -> Result<bool, StoreError> {
        let position = bytes(advance.position)?;
        let progress = &advance.progress;
        diesel::sql_query(
            "UPDATE jobs SET processed = processed + $4, errors = errors + $5, created = created + $6, \
             updated = updated + $7, position = $8, attempts = 0, total = CASE WHEN $9 = 0 THEN total ELSE $9 END \
             WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running'",
        )
        .bind::<BigInt, _>(lease.tenant.get())
        .bind::<BigInt, _>(lease.job.get())
        .bind::<SqlUuid, _>(Uuid::from_u128(lease.token))
        .bind::<BigInt, _>(progress.processed)
        .bind::<BigInt, _>(progress.errors)
        .bind::<BigInt, _>(progress.created)
        .bind::<BigInt, _>(progress.updated)
        .bind::<BigInt, _>(position)
        .bind::<BigInt, _>(progress.total)
        .execute(self.connection()?)
        .await
        .during("noting how far a job is")
        .map(|changed| changed == 1)
    }

    async fn finish(&mut self, lease: &Lease, ending: &Ending, now: Timestamp) -> Result<bool, StoreError> {
        self.end_job(lease.tenant, lease.job, Some(lease.token), ending, now).await
    }

    async fn note(&mut self, tenant: TenantId, id: JobId, errors: &[RowError]) -> Result<(), StoreError> {
        let rows: Vec<_> = errors
            .iter()
            .map(|error| {
                (
                    job_errors::tenant_id.eq(tenant.get()),
                    job_errors::job_id.eq(id.get()),
                    job_errors::row_number.eq(error.row),
                    job_errors::code.eq(&error.code),
                    job_errors::message.eq(error.message.replace('\0', "\u{fffd}")),
                    job_errors::source.eq(&error.source),
                )
            })
            .collect();
        diesel::insert_into(job_errors::table)
            .values(rows)
            .execute(self.connection()?)
            .await
            .during("noting which rows are wrong")
            .map(|_| ())
    }

    async fn remember(&mut self, tenant: TenantId, id: JobId, changes: &Changes) -> Result<(), StoreError> {
        let updated = serde_json::to_value(&changes.updated)
            .map_err(|error| StoreError::Internal(format!("writing what an import changed: {error}")))?;
        let created: Vec<_> = changes.created.iter().copied().map(Some).collect();
        diesel::insert_into(job_changes::table)
            .values((
                job_changes::tenant_id.eq(tenant.get()),
                job_changes::job_id.eq(id.get()),
                job_changes::position.eq(bytes(changes.position)?),
                job_changes::changed_at.eq(DateTime::<Utc>::from(changes.at)),
                job_changes::created.eq(created),
                job_changes::updated.eq(updated),
            ))
            .execute(self.connection()?)
            .await
            .during("remembering what an import changed")
            .map(|_| ())
    }

    async fn changes(
        &mut self,
        tenant: TenantId,
        id: JobId,
        before: Option<u64>,
    ) -> Result<Option<Changes>, StoreError> {
        type Row = (i64, DateTime<Utc>, Vec<Option<i64>>, serde_json::Value);
        let before = before.map_or(Ok(i64::MAX), bytes)?;
        let row: Option<Row> = job_changes::table
            .filter(job_changes::tenant_id.eq(tenant.get()))
            .filter(job_changes::job_id.eq(id.get()))
            .filter(job_changes::position.lt(before))
            .order(job_changes::position.desc())
            .select((job_changes::position, job_changes::changed_at, job_changes::created, job_changes::updated))
            .first(self.connection()?)
            .await
            .optional()
            .during("finding what an import changed")?;
        let Some((position, at, created, updated)) = row else { return Ok(None) };
        let place = crate::rows::Row { table: "job_changes", id: &position };
        Ok(Some(Changes {
            position: place.fit("position", u64::try_from(position))?,
            at: at.into(),
            created: created.into_iter().flatten().collect(),
            updated: place.fit("updated", serde_json::from_value(updated))?,
        }))
    }

    async fn prepare(&mut self, tenant: TenantId, upload: &Upload) -> Result<(), StoreError> {
        diesel::insert_into(job_uploads::table)
            .values((
                job_uploads::tenant_id.eq(tenant.get()),
                job_uploads::id.eq(upload.id.as_uuid()),
                job_uploads::created_at.eq(DateTime::<Utc>::from(upload.created_at)),
                job_uploads::expires_at.eq(DateTime::<Utc>::from(upload.expires_at)),
            ))
            .execute(self.connection()?)
            .await
            .during("making a place to upload to")
            .map(|_| ())
    }

    async fn receive(
        &mut self,
        tenant: TenantId,
        id: UploadId,
        file: FileName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let place = job_uploads::table
            .filter(job_uploads::tenant_id.eq(tenant.get()))
            .filter(job_uploads::id.eq(id.as_uuid()))
            .filter(job_uploads::expires_at.gt(DateTime::<Utc>::from(now)));
        diesel::update(place)
            .set(job_uploads::file.eq(file.as_str()))
            .execute(self.connection()?)
            .await
            .during("noting an upload")
            .map(|changed| changed == 1)
    }

    async fn uploaded(
        &mut self,
        tenant: TenantId,
        id: UploadId,
        now: Timestamp,
    ) -> Result<Option<FileName>, StoreError> {
        // Held, so that the file is not thrown away before the job is seen that reads it.
        let file: Option<Option<String>> = job_uploads::table
            .filter(job_uploads::tenant_id.eq(tenant.get()))
            .filter(job_uploads::id.eq(id.as_uuid()))
            .filter(job_uploads::expires_at.gt(DateTime::<Utc>::from(now)))
            .select(job_uploads::file)
            .for_share()
            .get_result(self.connection()?)
            .await
            .optional()
            .during("finding an upload")?;
        let Some(name) = file.flatten() else { return Ok(None) };
        // The job's file stays for as long as the job may take.
        diesel::update(
            job_files::table.filter(job_files::tenant_id.eq(tenant.get())).filter(job_files::name.eq(&name)),
        )
        .set(job_files::expires_at.eq(DateTime::<Utc>::from(now.plus(SOURCE_KEPT))))
        .execute(self.connection()?)
        .await
        .during("keeping an upload")?;
        let place = crate::rows::Row { table: "job_uploads", id: &id };
        place.fit("file", name.parse()).map(Some)
    }

    async fn find(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        field: usize,
        texts: &[String],
    ) -> Result<HashMap<String, Vec<i64>>, StoreError> {
        self.find_by_text(tenant, shape, field, texts).await
    }
}

/// A number of bytes, as it is stored.
fn bytes(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::Internal("a file is longer than can be".to_owned()))
}

/// For how long the file of an import is kept: longer than the import may wait and take.
const SOURCE_KEPT: std::time::Duration = std::time::Duration::from_hours(14 * 24);
