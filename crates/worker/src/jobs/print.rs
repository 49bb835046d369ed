//! Printing documents.

use bwp_domain::{
    jobs::{Allowed, JobStatus, PRINTED, ports::Ending},
    papers::PaperKind,
    scopes::ScopeSet,
};
use serde_json::{Value as Json, json};

use super::{JobError, Running, artifact::Pieces};

impl Running<'_> {
    /// Prints a document as it is now.
    pub(super) async fn print(&self) -> Result<(), JobError> {
        let broken = || JobError::Broken("This server cannot do such a job.".to_owned());
        let kind = PaperKind::of_table(&self.job.resource).ok_or_else(broken)?;
        let id = self.job.params.get(PRINTED).and_then(Json::as_i64).ok_or_else(broken)?;
        let needs = ScopeSet::of(kind.shape().scopes.read);
        self.allowed(needs).await?;
        let (zone, now) = (self.caller.principal.time_zone(), self.ports.environment.clock.now());
        let printed = self.ports.papers.print(kind, id, self.job.tenant, zone, now).await?;
        let gone = || JobError::Broken(format!("The {} was deleted before it was printed.", kind.shape().one));
        let printed = printed.ok_or_else(gone)?;
        let name = self.new_file().await?;
        let mut file = Pieces::create(self.ports, &name).await?;
        file.buffer = printed.bytes;
        let bytes = file.complete().await?;
        let ending = Ending {
            status: JobStatus::Succeeded,
            result: Some(json!({ "bytes": bytes, "fileName": printed.file_name })),
            error: None,
            artifact: Some(name),
            errors_artifact: None,
        };
        self.finish(needs, ending).await
    }

    /// Asks whether who started the job may still do it.
    pub(super) async fn allowed(&self, needs: ScopeSet) -> Result<(), JobError> {
        self.execute(&Allowed { needs }).await.map(|_| ())
    }
}
