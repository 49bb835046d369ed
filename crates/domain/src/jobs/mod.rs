//! Jobs: what takes longer than a request may. Exports, imports and bulk changes of every family, and what others add.
//!
//! A job is a row. A worker claims it with a lease, does it in batches, and commits with each batch how far it is: one that dies
//! is replaced within seconds, and the job goes on behind the last batch. A job has the rights of who started it, asked
//! again for each batch ([`RunningJob`](crate::principal::RunningJob)).

mod bulk;
mod commands;
mod export;
mod filters;
mod import;
pub mod ports;
mod transfers;
mod undo;

use std::net::IpAddr;

use serde_json::{Value as Json, json};

pub use bulk::{Bulk, BulkOperation, BulkRequest};
pub use commands::{
    Allowed, Cancel, Finish, PRINTED, PrepareUpload, ReceiveUpload, Remove, SourcePath, Start, StartPrint,
};
pub use export::{ExportPlan, ExportRequest};
pub use import::{BatchEnd, Batched, ImportBatch, ImportPlan, ImportRequest, RowError, errors_header, errors_row};
pub use transfers::{Column, Imported, InCsv, Key, Reading, Remembered, Source, Transfers, transfers};
pub use undo::{Changes, SetBack, Undo, UndoBatch, Undone, needs as undo_needs};

use crate::{
    clock::Timestamp,
    files::FileName,
    ids::{JobId, JobPublicId, KeyId, TenantId},
    paging::Position,
    principal::Principal,
    words,
};

words! {
    /// What a job does.
    pub enum JobKind {
        /// Writes rows to a CSV file.
        CsvExport = "csv_export",
        /// Makes and changes rows by a CSV file.
        CsvImport = "csv_import",
        /// Deletes or restores rows.
        Bulk = "bulk",
        /// Makes a PDF of a document.
        Pdf = "pdf",
    }
}

words! {
    /// How far a job is. The last four are final.
    pub enum JobStatus {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker does it.
        Running = "running",
        /// It is done. Of an import, either all rows are good or none is.
        Succeeded = "succeeded",
        /// An import of which some rows are good and some are not.
        Partial = "partial",
        /// It could not be done.
        Failed = "failed",
        /// Somebody called it off.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// Whether it stays so.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How much of a job is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many rows were looked at.
    pub processed: i64,
    /// Of how many. 0 as long as that is unknown.
    pub total: i64,
    /// How many of them are wrong.
    pub errors: i64,
    /// How many rows were made.
    pub created: i64,
    /// How many rows were there, and are now as the file says.
    pub updated: i64,
}

/// Who started a job, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// An API key.
    Key(KeyId),
    /// Who runs the server.
    Operator,
}

impl Starter {
    /// The one who asks. `None` of a person and of their apps: what they start ends with no session of theirs, and jobs are held by
    /// keys so far.
    pub fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Key(credential) => Some(Self::Key(credential.key.id)),
            Principal::Operator(_) => Some(Self::Operator),
            Principal::Job(job) => Self::of(&job.starter),
            Principal::User(_) | Principal::App(_) => None,
        }
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Where it stands in lists.
    pub id: JobId,
    /// What it is called by.
    pub public_id: JobPublicId,
    /// Whose rows it is about.
    pub tenant: TenantId,
    /// What it does.
    pub kind: JobKind,
    /// The family of the rows, by the name of its table.
    pub resource: String,
    /// How far it is.
    pub status: JobStatus,
    /// How much of it is done.
    pub progress: Progress,
    /// What was asked for.
    pub params: Json,
    /// What came of it.
    pub result: Option<Json>,
    /// Why it failed.
    pub error: Option<String>,
    /// Who started it.
    pub starter: Starter,
    /// From where.
    pub address: Option<IpAddr>,
    /// The file that it reads.
    pub source: Option<FileName>,
    /// How many bytes of that are done.
    pub position: u64,
    /// The file that it made.
    pub artifact: Option<FileName>,
    /// The file that says which rows are wrong.
    pub errors_artifact: Option<FileName>,
    /// How often it was claimed since it last came further.
    pub attempts: i32,
    /// When it was started.
    pub created_at: Timestamp,
    /// When a worker began.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub completed_at: Option<Timestamp>,
    /// Until when it and its files are kept.
    pub expires_at: Timestamp,
}

impl Job {
    /// Where it stands in lists.
    pub const fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.get() }
    }

    /// What has come of it so far, of a job that commits batch by batch.
    pub fn so_far(&self) -> Option<Json> {
        let Progress { total, created, updated, errors, .. } = self.progress;
        if self.kind == JobKind::CsvImport {
            return Some(json!({ "created": created, "updated": updated, "errors": errors }));
        }
        self.undoes().map(|_| json!({ "requested": total, "succeeded": updated, "skipped": errors }))
    }
}
