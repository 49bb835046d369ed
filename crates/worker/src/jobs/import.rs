//! Imports.

use std::time::Duration;

use bwp_domain::{
    csv::Cells,
    fields::FieldErrors,
    files::FileName,
    jobs::{
        BatchEnd, ImportBatch, ImportPlan, ImportRequest, JobStatus, Progress, Transfers,
        ports::{Advance, Ending, Shown},
    },
    scopes::ScopeSet,
};
use serde_json::json;
use tokio::time::Instant;

use super::{JobError, Running, artifact, source::Source};

/// How many rows a batch has, at least and at most: as many as are done in some tenths of a second.
const ROWS: std::ops::RangeInclusive<usize> = 20..=1_000;
/// How many bytes of rows a batch has, about.
const BYTES: usize = 1024 * 1024;
const QUICK: Duration = Duration::from_millis(150);
const SLOW: Duration = Duration::from_millis(400);

impl Running<'_> {
    pub(super) async fn import(&self, transfers: &'static dyn Transfers) -> Result<(), JobError> {
        let request = ImportRequest::read(transfers, &self.params(), FieldErrors::default())
            .map_err(|errors| JobError::Broken(errors.to_string()))?;
        let no_source = || JobError::Broken("The job has no file to read.".to_owned());
        let name = self.job.source.as_ref().ok_or_else(no_source)?;
        let (header, rows) = self.look_through(name).await?;
        let plan = ImportPlan::new(transfers, &request, header.cells).map_err(JobError::Broken)?;
        let mut done = self.job.progress;
        let mut source = if self.job.position == 0 {
            Source::behind(self.ports, name, header.end, 1).await?
        } else {
            // The header is a row of the file, and none of the job.
            let before = 1 + u64::try_from(done.processed).unwrap_or_default();
            Source::behind(self.ports, name, self.job.position, before).await?
        };
        let mut pending: Vec<Cells> = Vec::new();
        let mut size = *ROWS.start();
        let mut more = true;
        while more || !pending.is_empty() {
            let enough =
                |pending: &[Cells]| pending.len() >= size || pending.iter().map(Cells::bytes).sum::<usize>() >= BYTES;
            while more && !enough(&pending) {
                more = source.next(&mut pending).await?;
            }
            let batch: Vec<Cells> = pending.drain(..first(&pending, size)).collect();
            let Some(last) = batch.last() else { break };
            let began = Instant::now();
            let advance = self.batch(&plan, &batch, last.end).await?;
            add(&mut done, &advance.progress);
            if began.elapsed() < QUICK {
                size = (size * 2).min(*ROWS.end());
            } else if began.elapsed() > SLOW {
                size = (size / 2).max(*ROWS.start());
            }
        }
        self.end_import(transfers, &plan, done, rows).await
    }

    /// Reads the whole file before anything is written: what is broken is told, and how many rows there are.
    async fn look_through(&self, name: &FileName) -> Result<(Cells, i64), JobError> {
        let mut source = Source::open(self.ports, name).await?;
        let (mut header, mut rows, mut count) = (None, Vec::new(), 0);
        while source.next(&mut rows).await? {
            for row in rows.drain(..) {
                count += i64::from(header.is_some());
                header.get_or_insert(row);
            }
            self.show(Shown { processed: None, total: count });
            // Others are to have their turn: a piece may be read without waiting.
            tokio::task::yield_now().await;
        }
        let header = header.filter(|header| header.cells.iter().any(|cell| !cell.trim().is_empty()));
        let none = || JobError::Broken("Line 1, column 1: the file has no header row.".to_owned());
        Ok((header.ok_or_else(none)?, count))
    }

    /// Makes a batch: boldly first, and with care if a row fails.
    async fn batch(&self, plan: &ImportPlan, rows: &[Cells], position: u64) -> Result<Advance, JobError> {
        let mut batch = ImportBatch { lease: self.lease, plan, rows, position, carefully: false };
        loop {
            match self.execute(&batch).await? {
                Ok(advance) => return Ok(advance),
                Err(BatchEnd::NoMore) => return Err(JobError::Gone),
                Err(BatchEnd::Careless) => batch.carefully = true,
            }
        }
    }

    async fn end_import(
        &self,
        transfers: &'static dyn Transfers,
        plan: &ImportPlan,
        done: Progress,
        rows: i64,
    ) -> Result<(), JobError> {
        let errors_artifact =
            if done.errors > 0 { Some(artifact::errors(self.ports, self.lease).await?) } else { None };
        let good = done.created + done.updated;
        let status = if done.errors > 0 && good > 0 { JobStatus::Partial } else { JobStatus::Succeeded };
        let mut result = json!({ "created": done.created, "updated": done.updated, "errors": done.errors });
        if !plan.missing.is_empty() {
            result["missingColumns"] = json!(plan.missing);
        }
        tracing::debug!(rows, "an import is done");
        let needs = ScopeSet::of(transfers.shape().scopes.write);
        self.finish(needs, Ending { status, result: Some(result), error: None, artifact: None, errors_artifact })
            .await?;
        if done.errors > 0 {
            self.ports.queue.forget_errors(self.job.tenant, self.job.id).await?;
        }
        Ok(())
    }
}

/// How many of the rows make a batch.
fn first(rows: &[Cells], most: usize) -> usize {
    let mut bytes = 0;
    let whole = rows.iter().take(most).position(|row| {
        bytes += row.bytes();
        bytes >= BYTES
    });
    whole.map_or(rows.len().min(most), |at| at + 1)
}

fn add(done: &mut Progress, more: &Progress) {
    done.processed += more.processed;
    done.errors += more.errors;
    done.created += more.created;
    done.updated += more.updated;
}
