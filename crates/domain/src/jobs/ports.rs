//! What jobs need from a store.

use std::{collections::HashMap, net::IpAddr};

use async_trait::async_trait;
use serde_json::Value as Json;

use super::{Changes, Job, JobKind, JobStatus, Progress, RowError, Starter};
use crate::{
    clock::Timestamp,
    files::FileName,
    ids::{JobId, JobPublicId, TenantId, UploadId},
    paging::{Page, PageRequest},
    resource::{Filter, Record, Reference, Shape},
    store::StoreError,
};

/// A job that is about to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What it is called by.
    pub public_id: JobPublicId,
    /// What it does.
    pub kind: JobKind,
    /// The family of the rows.
    pub resource: &'static str,
    /// What is asked for.
    pub params: Json,
    /// Who starts it.
    pub starter: Starter,
    /// From where.
    pub address: Option<IpAddr>,
    /// The file that it reads.
    pub source: Option<FileName>,
    /// How many rows there are, if that is known.
    pub total: i64,
    /// When.
    pub created_at: Timestamp,
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// Final.
    pub status: JobStatus,
    /// What came of it.
    pub result: Option<Json>,
    /// Why it failed.
    pub error: Option<String>,
    /// The file that it made.
    pub artifact: Option<FileName>,
    /// The file that says which rows are wrong.
    pub errors_artifact: Option<FileName>,
}

/// A worker's hold on a job. Another worker that claims the job has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose job.
    pub tenant: TenantId,
    /// Which job.
    pub job: JobId,
    /// Which hold on it.
    pub token: u128,
}

/// A job that a worker has claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// The hold on it.
    pub lease: Lease,
}

/// How far a batch brought a job: what it adds, and where the next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// What it adds. A total of 0 leaves the job's.
    pub progress: Progress,
    /// How many bytes of the source are done.
    pub position: u64,
}

/// A place to upload a file to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What it is called by.
    pub id: UploadId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when a job may begin with what was uploaded.
    pub expires_at: Timestamp,
}

/// Which jobs a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// In this state.
    pub status: Option<JobStatus>,
    /// Of this family.
    pub resource: Option<String>,
}

/// What a caller may see of a tenant's jobs: those that it started, and those of families that it may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Who asks. `None`: one who starts none.
    pub starter: Option<Starter>,
    /// The families, by the names of their tables.
    pub resources: Vec<String>,
}

/// Jobs, outside any unit of work. Deleted ones are absent, and those whose time is over.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait JobReader: Send + Sync {
    /// A page of those in sight that fit, newest first by (createdAt, id).
    async fn page(
        &self,
        tenant: TenantId,
        sight: &Sight,
        filter: &JobFilter,
        page: PageRequest,
    ) -> Result<Page<Job>, StoreError>;

    /// The job of this id, if it is in sight.
    async fn get(&self, tenant: TenantId, sight: &Sight, id: JobPublicId) -> Result<Option<Job>, StoreError>;
}

/// Jobs, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait JobRepository: Send {
    /// Stores a job that waits for a worker. It is kept as long as the tenant keeps exports.
    async fn insert(&mut self, tenant: TenantId, job: NewJob) -> Result<Job, StoreError>;

    /// The job, locked: no worker goes on with it until the unit of work ends. Deleted ones are absent.
    async fn lock(&mut self, tenant: TenantId, id: JobPublicId) -> Result<Option<Job>, StoreError>;

    /// Ends a job that this unit of work has locked.
    async fn end(&mut self, tenant: TenantId, id: JobId, ending: &Ending, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes a job that this unit of work has locked.
    async fn delete(&mut self, tenant: TenantId, id: JobId, now: Timestamp) -> Result<(), StoreError>;

    /// Notes with the changes of a batch how far the job is. MUST give `false`, and note nothing, unless the job is running and
    /// held by this lease.
    async fn advance(&mut self, lease: &Lease, advance: &Advance) -> Result<bool, StoreError>;

    /// Ends the job that is held by this lease. MUST give `false`, and change nothing, unless it is running and held by it.
    async fn finish(&mut self, lease: &Lease, ending: &Ending, now: Timestamp) -> Result<bool, StoreError>;

    /// Notes which rows of a job's file are wrong.
    async fn note(&mut self, tenant: TenantId, id: JobId, errors: &[RowError]) -> Result<(), StoreError>;

    /// Remembers what a batch of an import changed, as long as the import is kept.
    async fn remember(&mut self, tenant: TenantId, id: JobId, changes: &Changes) -> Result<(), StoreError>;

    /// What the last batch of an import before this position changed; without one, the last of all. `None`: none is left.
    async fn changes(
        &mut self,
        tenant: TenantId,
        id: JobId,
        before: Option<u64>,
    ) -> Result<Option<Changes>, StoreError>;

    /// Makes a place to upload to.
    async fn prepare(&mut self, tenant: TenantId, upload: &Upload) -> Result<(), StoreError>;

    /// Notes that a file was uploaded. The one before stays as long as its time. MUST give `false` if there is no such place, or
    /// its time is over.
    async fn receive(
        &mut self,
        tenant: TenantId,
        id: UploadId,
        file: FileName,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// What was uploaded last to this place, unless its time is over.
    async fn uploaded(
        &mut self,
        tenant: TenantId,
        id: UploadId,
        now: Timestamp,
    ) -> Result<Option<FileName>, StoreError>;

    /// The live rows whose field at this place holds one of these texts, in any case: the text in small letters, and the ids, the
    /// oldest first. Takes no lock.
    async fn find(
        &mut self,
        tenant: TenantId,
        shape: &'static Shape,
        field: usize,
        texts: &[String],
    ) -> Result<HashMap<String, Vec<i64>>, StoreError>;
}

/// A unit of work that lends the jobs.
pub trait HasJobs: Send {
    /// The jobs.
    fn jobs(&mut self) -> &mut dyn JobRepository;
}

/// What a worker finds when it renews its hold on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Go on.
    Still,
    /// Stop: it was cancelled, or another worker has it.
    NoMore,
}

/// What a renewal shows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How many rows were looked at, of a job whose batches do not note it.
    pub processed: Option<i64>,
    /// How many rows there are.
    pub total: i64,
}

/// Work that waits, for workers.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Claims the job that is to be done next, if there is one: of the tenant of whom the fewest are done now, the oldest. Jobs
    /// whose worker has gone are claimed again. MUST give a job to one worker alone as long as it renews its lease, and MUST NOT
    /// give more than `most_of_tenant` of one tenant at a time.
    async fn claim(&self, token: u128, most_of_tenant: i64, now: Timestamp) -> Result<Option<Claimed>, StoreError>;

    /// Renews the hold on a job, and shows how far it is.
    async fn renew(&self, lease: &Lease, shown: Option<Shown>) -> Result<Held, StoreError>;

    /// Gives a job back that was not done: another worker may have it at once.
    async fn give_back(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Claims a job that is final and has errors that no file tells of yet.
    async fn claim_errors(&self, token: u128) -> Result<Option<Claimed>, StoreError>;

    /// Up to `most` errors of a job, in the order of the rows, behind this one.
    async fn errors(&self, lease: &Lease, behind: i64, most: i64) -> Result<Vec<RowError>, StoreError>;

    /// Notes the file that tells of a job's errors.
    async fn tell_errors(&self, lease: &Lease, file: &FileName) -> Result<(), StoreError>;

    /// Forgets the errors of a job of which a file tells.
    async fn forget_errors(&self, tenant: TenantId, job: JobId) -> Result<(), StoreError>;

    /// Notes that a file is about to be written, and until when it is kept if nothing comes of that.
    async fn keep(&self, tenant: TenantId, file: &FileName, until: Timestamp) -> Result<(), StoreError>;

    /// Throws away jobs and uploads whose time is over at `now`, and gives files whose time is over: a batch of each.
    async fn expired(&self, now: Timestamp) -> Result<Vec<(TenantId, FileName)>, StoreError>;

    /// Forgets a file that was thrown away.
    async fn forget(&self, tenant: TenantId, file: &FileName) -> Result<(), StoreError>;
}

/// Rows of one moment, for exports.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Begins to read the rows that fit, newest first by (createdAt, id).
    async fn snapshot(
        &self,
        tenant: TenantId,
        shape: &'static Shape,
        filter: &Filter,
    ) -> Result<Box<dyn Snapshot>, StoreError>;
}

/// A reading of rows of one moment.
#[async_trait]
pub trait Snapshot: Send {
    /// How many rows there are.
    async fn count(&mut self) -> Result<i64, StoreError>;

    /// The next rows, at most so many. None: all were read.
    async fn next(&mut self, most: usize) -> Result<Vec<Record>, StoreError>;

    /// What other rows are called, deleted ones too, by their ids: of each of the `columns`, alternatives of columns that are
    /// joined by a space, the first that is not empty.
    async fn names(
        &mut self,
        reference: &'static Reference,
        columns: &'static [&'static [&'static str]],
        ids: &[i64],
    ) -> Result<HashMap<i64, String>, StoreError>;
}
