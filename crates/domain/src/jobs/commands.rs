//! Starting jobs and calling them off, and places to upload to.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{
    Job, JobKind, JobStatus, Starter,
    ports::{Ending, Lease, NewJob, Upload},
};
use crate::{
    execute::{Applied, Command, Context, Failure},
    fields::{Fault, FieldErrors},
    files::FileName,
    ids::{JobPublicId, UploadId},
    papers::PaperKind,
    resource::ResourceError,
    scopes::{ScopeId, ScopeSet},
    store::UnitOfWork,
};

/// Starts a job.
pub struct Start {
    /// What it does.
    pub kind: JobKind,
    /// The family of the rows, by the name of its table.
    pub resource: &'static str,
    /// The scopes that it needs of the family.
    pub needs: &'static [ScopeId],
    /// What is asked for.
    pub params: Json,
    /// How many rows there are, if that is known.
    pub total: i64,
    /// The upload that it reads.
    pub source: Option<SourcePath>,
    /// From where it is started: a worker acts from there.
    pub address: Option<IpAddr>,
}

/// What a request calls an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath(pub String);

/// Starts a job that prints a document, which must be there.
pub struct StartPrint {
    /// What is printed.
    pub kind: PaperKind,
    /// Which row.
    pub id: i64,
    /// From where it is started: a worker acts from there.
    pub address: Option<IpAddr>,
}

/// Under which name a job's `params` say which row is printed.
pub const PRINTED: &str = "id";

type Result<T> = std::result::Result<Applied<T>, Failure<ResourceError>>;

fn no_job() -> ResourceError {
    ResourceError::NotFound("job")
}

#[async_trait]
impl Command<dyn UnitOfWork> for Start {
    type Output = Job;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.needs).with(ScopeSet::of(&[ScopeId::JobsWrite]))
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Job> {
        let starter = Starter::of(context.principal)
            .ok_or_else(|| ResourceError::Conflict("Jobs are started with a key.".to_owned()))?;
        let source = match &self.source {
            None => None,
            Some(SourcePath(path)) => {
                let file = match path.parse::<UploadId>() {
                    Ok(id) => uow.jobs().uploaded(context.tenant, id, context.now).await?,
                    Err(_) => None,
                };
                let absent = || {
                    let fix = "There is no upload with this path, or its time is over. Upload the file, then send the \
                               `sourcePath` that POST /jobs/uploads gave.";
                    FieldErrors::one("sourcePath", Fault::new("not_found", fix))
                };
                Some(file.ok_or_else(absent)?)
            }
        };
        let job = NewJob {
            public_id: JobPublicId::generate(context.now, context.entropy),
            kind: self.kind,
            resource: self.resource,
            params: self.params.clone(),
            starter,
            address: self.address,
            source,
            total: self.total,
            created_at: context.now,
        };
        Ok(Applied::silently(uow.jobs().insert(context.tenant, job).await?))
    }
}

#[async_trait]
impl Command<dyn UnitOfWork> for StartPrint {
    type Output = Job;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(self.kind.shape().scopes.read).with(ScopeSet::of(&[ScopeId::JobsWrite]))
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Job> {
        let shape = self.kind.shape();
        if !uow.rows().pin(context.tenant, self.kind.reference(), self.id).await? {
            return Err(ResourceError::NotFound(shape.one).into());
        }
        let start = Start {
            kind: JobKind::Pdf,
            resource: shape.table,
            needs: shape.scopes.read,
            params: json!({ PRINTED: self.id }),
            total: 0,
            source: None,
            address: self.address,
        };
        start.apply(context, uow).await
    }
}

/// What every change of a job needs. Whether it is in the sight of the caller is looked up before.
const WRITE: &[ScopeId] = &[ScopeId::JobsWrite];

/// Calls a job off. What it has committed stays.
pub struct Cancel {
    /// Which job.
    pub id: JobPublicId,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Cancel {
    type Output = Job;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(WRITE)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Job> {
        let job = uow.jobs().lock(context.tenant, self.id).await?.ok_or_else(no_job)?;
        if job.status.is_final() {
            let why = format!("The job is {} already.", job.status);
            return Err(ResourceError::Conflict(why).into());
        }
        cancel(&job, context, uow).await?;
        let job = uow.jobs().lock(context.tenant, self.id).await?.ok_or_else(no_job)?;
        Ok(Applied::silently(job))
    }
}

async fn cancel(
    job: &Job,
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
) -> std::result::Result<(), Failure<ResourceError>> {
    let result = job.so_far();
    let ending = Ending { status: JobStatus::Cancelled, result, error: None, artifact: None, errors_artifact: None };
    Ok(uow.jobs().end(context.tenant, job.id, &ending, context.now).await?)
}

/// Deletes a job, and calls it off before that.
pub struct Remove {
    /// Which job.
    pub id: JobPublicId,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Remove {
    type Output = ();
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(WRITE)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<()> {
        let job = uow.jobs().lock(context.tenant, self.id).await?.ok_or_else(no_job)?;
        if !job.status.is_final() {
            cancel(&job, context, uow).await?;
        }
        uow.jobs().delete(context.tenant, job.id, context.now).await?;
        Ok(Applied::silently(()))
    }
}

/// Makes a place to upload a file to.
pub struct PrepareUpload;

impl PrepareUpload {
    /// For how long a file may be uploaded to it.
    pub const OPEN: Duration = Duration::from_mins(15);
    /// For how long a job may begin with what was uploaded.
    pub const KEPT: Duration = Duration::from_hours(24);
}

#[async_trait]
impl Command<dyn UnitOfWork> for PrepareUpload {
    type Output = Upload;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(WRITE)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Upload> {
        let upload = Upload {
            id: UploadId::generate(context.now, context.entropy),
            created_at: context.now,
            expires_at: context.now.plus(Self::KEPT),
        };
        uow.jobs().prepare(context.tenant, &upload).await?;
        Ok(Applied::silently(upload))
    }
}

/// Notes that a file was uploaded.
pub struct ReceiveUpload {
    /// To which place.
    pub id: UploadId,
    /// The file.
    pub file: FileName,
}

#[async_trait]
impl Command<dyn UnitOfWork> for ReceiveUpload {
    type Output = ();
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        ScopeSet::of(WRITE)
    }

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<()> {
        if !uow.jobs().receive(context.tenant, self.id, self.file.clone(), context.now).await? {
            return Err(ResourceError::NotFound("upload").into());
        }
        Ok(Applied::silently(()))
    }
}

/// Ends a job, if who started it may still do all of it.
pub struct Finish<'a> {
    /// The hold on the job.
    pub lease: &'a Lease,
    /// The scopes that it needs.
    pub needs: ScopeSet,
    /// How it ends.
    pub ending: Ending,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Finish<'_> {
    /// Whether the job was still held.
    type Output = bool;
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        self.needs
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<bool> {
        Ok(Applied::silently(uow.jobs().finish(self.lease, &self.ending, context.now).await?))
    }
}

/// Asks whether who started a job may still do it, and changes nothing.
pub struct Allowed {
    /// The scopes that it needs.
    pub needs: ScopeSet,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Allowed {
    type Output = ();
    type Error = ResourceError;

    fn needs(&self) -> ScopeSet {
        self.needs
    }

    async fn apply(&self, _: &Context<'_>, _: &mut (dyn UnitOfWork + 'static)) -> Result<()> {
        Ok(Applied::silently(()))
    }
}
