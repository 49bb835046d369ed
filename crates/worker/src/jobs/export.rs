//! Exports.

use std::time::Duration;

use bwp_domain::{
    fields::FieldErrors,
    jobs::{
        ExportPlan, ExportRequest, JobStatus, Transfers,
        ports::{Ending, Shown},
    },
    scopes::ScopeSet,
};
use serde_json::json;
use tokio::time::Instant;

use super::{JobError, Running, artifact::Pieces};

/// How many rows are read at once.
const ROWS: usize = 1_000;
/// How often it is asked whether who started it may still read.
const ASK: Duration = Duration::from_millis(250);

impl Running<'_> {
    pub(super) async fn export(&self, transfers: &'static dyn Transfers) -> Result<(), JobError> {
        let request = ExportRequest::read(transfers, &self.params(), FieldErrors::default())
            .map_err(|errors| JobError::Broken(errors.to_string()))?;
        let needs = ScopeSet::of(transfers.shape().scopes.read);
        self.allowed(needs).await?;
        let mut asked = Instant::now();
        let plan = ExportPlan::new(transfers, request.columns);
        let filter = transfers.family().shown_of(&self.caller.principal, request.filter);
        let mut snapshot = self.ports.snapshots.snapshot(self.job.tenant, transfers.shape(), &filter).await?;
        let (mut rows, total) = (0, snapshot.count().await?);
        let name = self.new_file().await?;
        let mut file = Pieces::create(self.ports, &name).await?;
        plan.header(&mut file.buffer);
        loop {
            self.show(Shown { processed: Some(rows), total });
            let records = snapshot.next(ROWS).await?;
            if records.is_empty() {
                break;
            }
            plan.rows(&records, &mut *snapshot, &mut file.buffer).await?;
            file.flush().await?;
            rows += i64::try_from(records.len()).unwrap_or(i64::MAX);
            if asked.elapsed() > ASK {
                self.allowed(needs).await?;
                asked = Instant::now();
            }
        }
        drop(snapshot);
        let bytes = file.complete().await?;
        self.ports.queue.renew(self.lease, Some(Shown { processed: Some(rows), total: rows })).await?;
        let ending = Ending {
            status: JobStatus::Succeeded,
            result: Some(json!({ "rows": rows, "bytes": bytes })),
            error: None,
            artifact: Some(name),
            errors_artifact: None,
        };
        self.finish(needs, ending).await
    }
}
