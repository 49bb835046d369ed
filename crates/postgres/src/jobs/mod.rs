//! Jobs: their rows, as callers see and change them, and as workers claim them.

mod queue;
mod read;
mod write;

use bwp_domain::{
    clock::Timestamp,
    files::FileName,
    ids::{JobId, JobPublicId, KeyId, TenantId},
    jobs::{Job, Progress, Starter},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types};
use ipnetwork::IpNetwork;
use serde_json::Value as Json;
use uuid::Uuid;

use crate::rows::Row;

/// The columns of [`JobRow`], in statements that name no other table's.
const COLUMNS: &str = "tenant_id, id, public_id, kind, resource, status, params, result, error, key_id, address, source, position, \
                       artifact, errors_artifact, processed, total, errors, created, updated, attempts, created_at, started_at, completed_at, \
                       expires_at";

#[derive(QueryableByName)]
struct JobRow {
    #[diesel(sql_type = sql_types::BigInt)]
    tenant_id: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    id: i64,
    #[diesel(sql_type = sql_types::Uuid)]
    public_id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Text)]
    resource: String,
    #[diesel(sql_type = sql_types::Text)]
    status: String,
    #[diesel(sql_type = sql_types::Jsonb)]
    params: Json,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    result: Option<Json>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    error: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    key_id: Option<i64>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Inet>)]
    address: Option<IpNetwork>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    source: Option<String>,
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    artifact: Option<String>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    errors_artifact: Option<String>,
    #[diesel(sql_type = sql_types::BigInt)]
    processed: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    total: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    errors: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    created: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    updated: i64,
    #[diesel(sql_type = sql_types::Integer)]
    attempts: i32,
    #[diesel(sql_type = sql_types::Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    completed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Timestamptz)]
    expires_at: DateTime<Utc>,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        let place = Row { table: "jobs", id: &row.id };
        let file = |column, name: Option<String>| place.optional(column, name, |name| name.parse::<FileName>());
        let starter = match row.key_id {
            None => Starter::Operator,
            Some(key) => Starter::Key(place.some("key_id", KeyId::new(key))?),
        };
        Ok(Self {
            id: place.some("id", JobId::new(row.id))?,
            public_id: JobPublicId::from_uuid(row.public_id),
            tenant: place.some("tenant_id", TenantId::new(row.tenant_id))?,
            kind: place.fit("kind", row.kind.parse())?,
            status: place.fit("status", row.status.parse())?,
            progress: Progress {
                processed: row.processed,
                total: row.total,
                errors: row.errors,
                created: row.created,
                updated: row.updated,
            },
            params: row.params,
            result: row.result,
            error: row.error,
            starter,
            address: row.address.map(|address| address.ip()),
            source: file("source", row.source)?,
            position: place.fit("position", u64::try_from(row.position))?,
            artifact: file("artifact", row.artifact)?,
            attempts: row.attempts,
            errors_artifact: file("errors_artifact", row.errors_artifact)?,
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Timestamp::from),
            completed_at: row.completed_at.map(Timestamp::from),
            expires_at: row.expires_at.into(),
            resource: row.resource,
        })
    }
}

fn job(rows: Vec<JobRow>) -> Result<Option<Job>, StoreError> {
    rows.into_iter().next().map(Job::try_from).transpose()
}

const fn key_of(starter: Starter) -> Option<i64> {
    match starter {
        Starter::Key(key) => Some(key.get()),
        Starter::Operator => None,
    }
}
