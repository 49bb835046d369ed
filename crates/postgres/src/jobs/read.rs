//! Jobs as callers see them.

use std::fmt::Write;

use async_trait::async_trait;
use bwp_domain::{
    ids::{JobPublicId, TenantId},
    jobs::{
        Job, JobKind, JobStatus,
        ports::{JobFilter, JobReader, Sight},
    },
    paging::{Page, PageRequest},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;

use super::{COLUMNS, JobRow, job, key_of};
use crate::{error::DuringExt, store::PgStore};

/// Those of the tenant $1 that a caller with the key $2 sees who may read the families $3.
const IN_SIGHT: &str = "tenant_id = $1 AND deleted_at IS NULL AND expires_at > now() \
                        AND (key_id IS NOT DISTINCT FROM $2 OR resource = ANY ($3))";

/// Whose jobs are seen anyway. Those who start none have no key, and no key is 0.
fn starter_of(sight: &Sight) -> Option<i64> {
    sight.starter.map_or(Some(0), key_of)
}

#[async_trait]
impl JobReader for PgStore {
    async fn page(
        &self,
        tenant: TenantId,
        sight: &Sight,
        filter: &JobFilter,
        page: PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let mut text = format!(
            "SELECT {COLUMNS} FROM jobs WHERE {IN_SIGHT} AND ($4 IS NULL OR kind = $4) AND ($5 IS NULL OR status = $5) \
             AND ($6 IS NULL OR resource = $6)"
        );
        if page.after.is_some() {
            text.push_str(" AND (created_at, id) < ($7, $8)");
        }
        let _ = write!(text, " ORDER BY created_at DESC, id DESC LIMIT {}", page.limit.get() + 1);
        let mut query = diesel::sql_query(text)
            .into_boxed::<diesel::pg::Pg>()
            .bind::<BigInt, _>(tenant.get())
            .bind::<Nullable<BigInt>, _>(starter_of(sight))
            .bind::<Array<Text>, _>(sight.resources.clone())
            .bind::<Nullable<Text>, _>(filter.kind.map(JobKind::as_str))
            .bind::<Nullable<Text>, _>(filter.status.map(JobStatus::as_str))
            .bind::<Nullable<Text>, _>(filter.resource.clone());
        if let Some(after) = page.after {
            query = query.bind::<Timestamptz, _>(DateTime::<Utc>::from(after.created_at)).bind::<BigInt, _>(after.id);
        }
        let mut reading = self.reading(tenant).await?;
        let rows: Vec<JobRow> = query.load(reading.connection()?).await.during("listing jobs")?;
        reading.end().await?;
        let jobs = rows.into_iter().map(Job::try_from).collect::<Result<_, _>>()?;
        Ok(Page::of(jobs, page.limit, Job::position))
    }

    async fn get(&self, tenant: TenantId, sight: &Sight, id: JobPublicId) -> Result<Option<Job>, StoreError> {
        let rows: Vec<JobRow> =
            diesel::sql_query(format!("SELECT {COLUMNS} FROM jobs WHERE {IN_SIGHT} AND public_id = $4"))
                .bind::<BigInt, _>(tenant.get())
                .bind::<Nullable<BigInt>, _>(starter_of(sight))
                .bind::<Array<Text>, _>(&sight.resources)
                .bind::<Uuid, _>(id.as_uuid())
                .load(&mut self.connection().await?)
                .await
                .during("reading a job")?;
        job(rows)
    }
}
