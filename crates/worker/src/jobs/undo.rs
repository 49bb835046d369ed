//! Undoing imports.

use bwp_domain::{
    ids::JobPublicId,
    jobs::{Changes, JobStatus, SetBack, Transfers, UndoBatch, ports::Ending, undo_needs},
    resource::ResourceError,
};
use serde_json::json;

use super::{JobError, Running, artifact};

impl Running<'_> {
    /// Undoes what an import changed, its last batch first: each as one transaction.
    pub(super) async fn undo(&self, import: JobPublicId, transfers: &'static dyn Transfers) -> Result<(), JobError> {
        let mut done = self.job.progress;
        // Where a worker that died was: batches are undone from the end of the file to its beginning.
        let mut before = Some(self.job.position).filter(|position| *position > 0);
        let mut set_back = SetBack::new();
        if before.is_some() {
            let mut behind = None;
            while let Some(own) = self.changes(self.job.public_id, behind).await? {
                behind = Some(own.position);
                set_back.extend(own.set_back());
            }
        }
        while let Some(changes) = self.changes(import, before).await? {
            before = Some(changes.position);
            let processed = done.processed;
            let batch = UndoBatch { lease: self.lease, transfers, changes: &changes, processed, set_back: &set_back };
            let undone = match self.execute(&batch).await? {
                Ok(undone) => undone,
                Err(ResourceError::Conflict(_)) => return Err(JobError::Gone),
                Err(error) => return Err(JobError::Broken(error.to_string())),
            };
            done.processed += undone.progress.processed;
            done.updated += undone.progress.updated;
            done.errors += undone.progress.errors;
            set_back.extend(undone.set_back);
        }
        let errors_artifact =
            if done.errors > 0 { Some(artifact::errors(self.ports, self.lease).await?) } else { None };
        let result = json!({ "requested": done.processed, "succeeded": done.updated, "skipped": done.errors });
        let status = JobStatus::Succeeded;
        let ending = Ending { status, result: Some(result), error: None, artifact: None, errors_artifact };
        self.finish(undo_needs(transfers), ending).await?;
        if done.errors > 0 {
            self.ports.queue.forget_errors(self.job.tenant, self.job.id).await?;
        }
        Ok(())
    }

    /// What the last batch of a job before a position changed.
    async fn changes(&self, job: JobPublicId, before: Option<u64>) -> Result<Option<Changes>, JobError> {
        let tenant = self.job.tenant;
        let mut uow = self.ports.store.begin().await?;
        let changes = match uow.jobs().lock(tenant, job).await {
            Ok(Some(job)) => uow.jobs().changes(tenant, job.id, before).await,
            // It was deleted, and what it changed is known no more.
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        uow.rollback().await?;
        Ok(changes?)
    }
}
