//! Doing jobs: claiming them, renewing the hold on each, and ending them.

mod artifact;
mod export;
mod import;
mod print;
mod source;
mod undo;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    execute::{Command, Environment, ExecuteError, Executed, execute},
    families,
    fields::FieldErrors,
    files::{
        FileName,
        ports::{FileError, FileStore},
    },
    idempotency::RenderedResponse,
    jobs::{
        Bulk, BulkRequest, Finish, Job, JobKind, JobStatus, Starter, Transfers,
        ports::{Claimed, Ending, Held, JobQueue, Lease, Shown, Snapshots},
    },
    keys::KeyRefusal,
    papers::{PaperError, Papers},
    principal::{Caller, Principal, Refusal, RunningJob},
    resource::ResourceError,
    scopes::{ScopeId, ScopeSet},
    store::{Store, StoreError, UnitOfWork},
    tenants::TenantRefusal,
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, sleep};

use crate::{Hint, Pulse, Task};

/// What jobs are done with.
#[derive(Clone)]
pub struct JobPorts {
    /// Where rows are changed.
    pub store: Arc<dyn Store>,
    /// Where jobs are claimed.
    pub queue: Arc<dyn JobQueue>,
    /// Where rows are read for exports.
    pub snapshots: Arc<dyn Snapshots>,
    /// Where files are kept.
    pub files: Arc<dyn FileStore>,
    /// What composes and prints documents.
    pub papers: Papers,
    /// Time and randomness.
    pub environment: Environment,
}

/// Does the jobs of every tenant: several at once, and of each tenant fewer.
#[derive(Clone)]
pub struct Jobs {
    ports: JobPorts,
    at_once: usize,
    hint: Hint,
}

/// How many jobs of one tenant are done at once, by all processes.
const OF_TENANT: i64 = 2;
/// How long work waits of which nobody gave a hint.
const POLL: Duration = Duration::from_millis(500);
/// How often the hold on a job is renewed, and its progress shown.
const RENEW: Duration = Duration::from_millis(500);
/// How long after the failure of the store a job is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often what is over is thrown away.
const TIDY: Duration = Duration::from_mins(1);
/// How often a job is begun without coming further before it is given up.
const MOST_ATTEMPTS: i32 = 25;
/// For how long a file is kept of which nothing came.
const UNFINISHED: Duration = Duration::from_hours(48);

impl Jobs {
    /// Jobs over these ports, so many at once: each may hold a connection. `hint` tells that one was started.
    pub const fn new(ports: JobPorts, at_once: usize, hint: Hint) -> Self {
        Self { ports, at_once, hint }
    }

    /// Claims what there is to do: a job, or the errors of one that has ended.
    async fn claim(&self) -> Result<Option<Work>, StoreError> {
        let mut token = [0; 16];
        self.ports.environment.entropy.fill(&mut token);
        let token = u128::from_be_bytes(token);
        if let Some(claimed) = self.ports.queue.claim(token, OF_TENANT, self.now()).await? {
            return Ok(Some(Work::Job(claimed)));
        }
        Ok(self.ports.queue.claim_errors(token).await?.map(Work::Errors))
    }

    fn now(&self) -> Timestamp {
        self.ports.environment.clock.now()
    }

    /// Throws away what is over.
    async fn tidy(&self) -> Result<(), JobError> {
        for (tenant, file) in self.ports.queue.expired(self.now()).await? {
            self.ports.files.delete(&file).await?;
            self.ports.queue.forget(tenant, &file).await?;
        }
        Ok(())
    }
}

enum Work {
    Job(Claimed),
    Errors(Claimed),
}

#[async_trait]
impl Task for Jobs {
    fn name(&self) -> &'static str {
        "jobs"
    }

    fn hint(&self) -> Hint {
        self.hint.clone()
    }

    async fn run(&self, pulse: &Pulse) {
        let mut running: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut tidied: Option<Instant> = None;
        loop {
            while running.len() < self.at_once && !pulse.is_stopping() {
                match self.claim().await {
                    Ok(Some(Work::Job(claimed))) => running.push(Box::pin(self.drive(claimed, pulse))),
                    Ok(Some(Work::Errors(claimed))) => running.push(Box::pin(self.drive_errors(claimed))),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "jobs are claimed again later");
                        break;
                    }
                }
            }
            if running.is_empty() && tidied.is_none_or(|at| at.elapsed() > TIDY) {
                tidied = Some(Instant::now());
                if let Err(error) = self.tidy().await {
                    tracing::warn!(?error, "files of jobs are thrown away later");
                }
            }
            let go_on = tokio::select! {
                go_on = pulse.next(POLL) => go_on,
                Some(()) = running.next() => !pulse.is_stopping(),
            };
            if !go_on {
                // Each notices by itself, and gives its job back.
                while running.next().await.is_some() {}
                return;
            }
        }
    }
}

/// Why a job was not done.
#[derive(Debug)]
enum JobError {
    /// Whoever started it may not (any more).
    Refused(Refusal),
    /// It cannot be done: this is what people are told.
    Broken(String),
    /// Another worker has it, or it was cancelled.
    Gone,
    /// Something that it needs does not work.
    Store(StoreError),
    Files(FileError),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {}", why(refusal)),
            Self::Broken(why) => f.write_str(why),
            Self::Gone => f.write_str("another worker has it, or it was cancelled"),
            Self::Store(error) => error.fmt(f),
            Self::Files(error) => error.fmt(f),
        }
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FileError> for JobError {
    fn from(error: FileError) -> Self {
        Self::Files(error)
    }
}

impl From<PaperError> for JobError {
    fn from(error: PaperError) -> Self {
        match error {
            PaperError::Store(error) => Self::Store(error),
            // The same paper would fail again.
            PaperError::Printer(_) => {
                tracing::error!(%error, "a document cannot be printed");
                Self::Broken("The document cannot be printed. Report the job's id to the server's operator.".to_owned())
            }
        }
    }
}

/// A job that is being done.
struct Running<'a> {
    ports: &'a JobPorts,
    job: &'a Job,
    lease: &'a Lease,
    caller: Caller,
    /// What the next renewal shows.
    shown: &'a Mutex<Option<Shown>>,
}

impl Jobs {
    /// Does a job, unless it is called off meanwhile or the process stops.
    async fn drive(&self, claimed: Claimed, pulse: &Pulse) {
        let (job, lease) = (&claimed.job, &claimed.lease);
        let shown = Mutex::new(None);
        let done = tokio::select! {
            done = self.work(job, lease, &shown) => done,
            () = self.renew(lease, &shown) => Err(JobError::Gone),
            () = pulse.stopped() => {
                if let Err(error) = self.ports.queue.give_back(lease).await {
                    tracing::debug!(%error, "a job waits for the end of its lease");
                }
                return;
            }
        };
        let id = job.public_id;
        match done {
            Ok(()) | Err(JobError::Gone) => tracing::debug!(job = %id, "a job was left"),
            Err(JobError::Refused(refusal)) => self.fail(job, lease, why(&refusal)).await,
            Err(JobError::Broken(why)) => self.fail(job, lease, why).await,
            Err(error @ (JobError::Store(_) | JobError::Files(_))) => {
                tracing::warn!(job = %id, %error, attempts = job.attempts, "a job is tried again");
                if job.attempts >= MOST_ATTEMPTS {
                    let why = "The server failed again and again. Report the job's id to its operator.";
                    return self.fail(job, lease, why.to_owned()).await;
                }
                sleep(PAUSE).await;
                let _ = self.ports.queue.give_back(lease).await;
            }
        }
    }

    /// Writes the file that tells of the errors of a job that was ended from outside.
    async fn drive_errors(&self, Claimed { job, lease }: Claimed) {
        let shown = Mutex::new(None);
        let told = tokio::select! {
            told = self.tell_errors(&job, &lease) => told,
            () = self.renew(&lease, &shown) => Ok(()),
        };
        if let Err(error) = told {
            tracing::warn!(job = %job.public_id, %error, "a job's errors are told later");
        }
    }

    async fn tell_errors(&self, job: &Job, lease: &Lease) -> Result<(), JobError> {
        let file = artifact::errors(&self.ports, lease).await?;
        self.ports.queue.tell_errors(lease, &file).await?;
        Ok(self.ports.queue.forget_errors(job.tenant, job.id).await?)
    }

    /// Renews the hold until it is lost.
    async fn renew(&self, lease: &Lease, shown: &Mutex<Option<Shown>>) {
        loop {
            sleep(RENEW).await;
            let now = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
            match self.ports.queue.renew(lease, now).await {
                Ok(Held::Still) => {}
                Ok(Held::NoMore) => return,
                // The lease outlives some of these.
                Err(error) => tracing::warn!(%error, "the hold on a job is renewed later"),
            }
        }
    }

    async fn work(&self, job: &Job, lease: &Lease, shown: &Mutex<Option<Shown>>) -> Result<(), JobError> {
        let starter = self.starter(job).await?;
        let principal = Principal::Job(Arc::new(RunningJob { id: job.public_id, starter }));
        let needs = ScopeSet::of(&[ScopeId::JobsWrite]);
        let caller = Caller { principal, address: job.address, needs };
        let running = Running { ports: &self.ports, job, lease, caller, shown };
        let transfers = families::of_table(&job.resource);
        match (job.kind, transfers) {
            (JobKind::CsvExport, Some(transfers)) => running.export(transfers).await,
            (JobKind::CsvImport, Some(transfers)) => running.import(transfers).await,
            (JobKind::Bulk, Some(transfers)) => match job.undoes() {
                Some(import) => running.undo(import, transfers).await,
                None => running.bulk(transfers).await,
            },
            (JobKind::Pdf, _) => running.print().await,
            (_, None) => Err(JobError::Broken("This server cannot do such a job.".to_owned())),
        }
    }

    /// Who started the job, as far as is known.
    async fn starter(&self, job: &Job) -> Result<Principal, JobError> {
        match job.starter {
            Starter::Operator => Ok(Principal::Operator(job.tenant)),
            Starter::Key(key) => {
                let mut uow = self.ports.store.begin().await?;
                let held = uow.credentials().hold(job.tenant, key).await;
                uow.rollback().await?;
                Ok(Principal::Key(held?.ok_or(JobError::Refused(Refusal::Unknown))?))
            }
        }
    }

    /// Ends a job that cannot be done, without the rights of anybody.
    async fn fail(&self, job: &Job, lease: &Lease, why: String) {
        if let Err(error) = self.try_fail(job, lease, why).await {
            tracing::warn!(job = %job.public_id, %error, "a job fails later");
        }
    }

    async fn try_fail(&self, job: &Job, lease: &Lease, why: String) -> Result<(), JobError> {
        let now = self.now();
        let mut uow = self.ports.store.begin().await?;
        let Some(job) = uow.jobs().lock(job.tenant, job.public_id).await? else { return Ok(()) };
        let result = job.so_far();
        let ending =
            Ending { status: JobStatus::Failed, result, error: Some(why), artifact: None, errors_artifact: None };
        uow.jobs().finish(lease, &ending, now).await?;
        Ok(uow.commit().await?)
    }
}

impl Running<'_> {
    /// Runs a command with the rights of who started the job.
    async fn execute<C, O, E>(&self, command: &C) -> Result<Result<O, E>, JobError>
    where
        C: Command<dyn UnitOfWork, Output = O, Error = E>,
        O: Send,
        E: Send,
    {
        let nothing = |_: &O| RenderedResponse::default();
        let JobPorts { store, environment, .. } = self.ports;
        match execute(&**store, environment, &self.caller, None, command, nothing).await {
            Ok(Executed::Applied { output, .. }) => Ok(Ok(output)),
            Err(ExecuteError::Rejected(error)) => Ok(Err(error)),
            Err(ExecuteError::Refused(refusal)) => Err(JobError::Refused(refusal)),
            Err(ExecuteError::Store(error)) => Err(error.into()),
            // Without a key, neither happens.
            Ok(Executed::Replayed(_)) | Err(ExecuteError::KeyReused | ExecuteError::KeyBusy) => {
                Err(StoreError::Internal("a job has no idempotency key".to_owned()).into())
            }
        }
    }

    /// Ends the job, if its rights still allow all of it.
    async fn finish(&self, needs: ScopeSet, ending: Ending) -> Result<(), JobError> {
        match self.execute(&Finish { lease: self.lease, needs, ending }).await? {
            Ok(true) => Ok(()),
            Ok(false) => Err(JobError::Gone),
            Err(error) => Err(JobError::Broken(error.to_string())),
        }
    }

    /// What the request said.
    fn params(&self) -> Map<String, Json> {
        self.job.params.as_object().cloned().unwrap_or_default()
    }

    async fn bulk(&self, transfers: &'static dyn Transfers) -> Result<(), JobError> {
        let request = BulkRequest::read(&self.params(), FieldErrors::default())
            .map_err(|errors| JobError::Broken(errors.to_string()))?;
        match self.execute(&Bulk { lease: self.lease, transfers, request: &request }).await? {
            Ok(_) => Ok(()),
            Err(ResourceError::Conflict(_)) => Err(JobError::Gone),
            Err(error) => Err(JobError::Broken(error.to_string())),
        }
    }

    /// Shows how much is done, with the next renewal.
    fn show(&self, shown: Shown) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }

    /// A new name for a file that the job makes.
    async fn new_file(&self) -> Result<FileName, JobError> {
        artifact::new_file(self.ports, self.lease).await
    }
}

/// What people are told whose credential does not let the job go on.
fn why(refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::Unknown | Refusal::SignedOut | Refusal::Elsewhere | Refusal::Key(KeyRefusal::Revoked) => {
            "credential revoked"
        }
        Refusal::TokenExpired | Refusal::Key(KeyRefusal::Expired) => "credential expired",
        Refusal::Key(KeyRefusal::AddressNotAllowed) => {
            "credential not allowed any more from the address from which the job was started"
        }
        Refusal::Tenant(TenantRefusal::Suspended) => "tenant suspended",
        Refusal::Tenant(TenantRefusal::SubscriptionInactive) => "tenant without an active subscription",
        Refusal::Scopes { missing } => return format!("credential lacks these scopes now: {missing}"),
    };
    text.to_owned()
}
