//! What every handler may use.

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    audit::ports::{AuditReader, AuditSink},
    calendar::CalendarReader,
    events::EventFeed,
    execute::Environment,
    files::ports::{FileStore, FileUsage},
    jobs::ports::{JobQueue, JobReader},
    keys::ports::KeyReader,
    notifications::ports::NotificationReader,
    oauth::ports::OauthReader,
    papers::Papers,
    rate_limits::ports::RateLimiter,
    resource::ports::RowReader,
    store::Store,
    users::ports::UserReader,
    vault::Vault,
    webhooks::ports::{UrlGuard, WebhookReader},
};
use bwp_web::{body::BodyLimits, metrics::Meter, readiness::Readiness};

use crate::{cursors::Cursors, oauth::Registrations, refusals::Refusals};

/// The ports and settings behind the API. Cheap to clone: each worker may have its own, with ports of its own.
#[derive(Clone)]
pub struct ApiState {
    /// Where changes are made.
    pub store: Arc<dyn Store>,
    /// Where credentials and keys are read.
    pub keys: Arc<dyn KeyReader>,
    /// Where tokens of apps are read.
    pub oauth: Arc<dyn OauthReader>,
    /// How often apps registered of late. One for the process.
    pub registrations: Arc<Registrations>,
    /// Where users are read.
    pub users: Arc<dyn UserReader>,
    /// Where rows of every resource are read.
    pub rows: Arc<dyn RowReader>,
    /// Where the calendar is read.
    pub calendar: Arc<dyn CalendarReader>,
    /// Where files are kept.
    pub files: Arc<dyn FileStore>,
    /// Where it is read how much of them each tenant keeps.
    pub file_usage: Arc<dyn FileUsage>,
    /// How large files may be.
    pub file_limits: FileLimits,
    /// Where notifications are read.
    pub notifications: Arc<dyn NotificationReader>,
    /// Where jobs are read.
    pub jobs: Arc<dyn JobReader>,
    /// What composes and prints documents.
    pub papers: Papers,
    /// Where files of jobs are noted.
    pub job_queue: Arc<dyn JobQueue>,
    /// Tells workers that a job was started.
    pub job_started: Arc<dyn Fn() + Send + Sync>,
    /// The most bytes of an upload.
    pub most_upload: u64,
    /// Where the audit log is read.
    pub audit_log: Arc<dyn AuditReader>,
    /// Where requests are recorded for the audit log.
    pub audit: Arc<dyn AuditSink>,
    /// What is remembered of refused requests. One for the process.
    pub refusals: Arc<Refusals>,
    /// Who counts what callers spend.
    pub rate_limits: Arc<dyn RateLimiter>,
    /// What webhooks need.
    pub webhooks: WebhookPorts,
    /// What must be there for the API to work.
    pub readiness: Arc<Readiness>,
    /// Where requests are counted: the same as the observer's.
    pub meter: Arc<Meter>,
    /// Time and randomness.
    pub environment: Environment,
    /// What signs and reads cursors.
    pub cursors: Arc<Cursors>,
    /// The address under which clients reach the server, without a slash at the end.
    pub public_url: Arc<str>,
    /// How much of a body is read, and for how long.
    pub body_limits: BodyLimits,
    /// How long the work on a request may take, without the time in which its body arrives; 503 after that. `None`: as long
    /// as it takes.
    pub request_timeout: Option<Duration>,
}

/// How large files may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// One of them.
    pub max_bytes: usize,
    /// All of a tenant's together. `None`: as large as the store is.
    pub quota: Option<u64>,
}

impl Default for FileLimits {
    /// 500 MiB each, and any number.
    fn default() -> Self {
        Self { max_bytes: 500 * 1024 * 1024, quota: None }
    }
}

/// What webhooks and the feed of events need.
#[derive(Clone)]
pub struct WebhookPorts {
    /// Where endpoints and deliveries are read.
    pub reader: Arc<dyn WebhookReader>,
    /// Where events are read.
    pub feed: Arc<dyn EventFeed>,
    /// What knows whither nothing may be sent.
    pub guard: Arc<dyn UrlGuard>,
    /// What secrets are kept in.
    pub vault: Arc<Vault>,
}

impl ApiState {
    /// The address of the page that explains the error codes.
    pub(crate) fn errors_url(&self) -> String {
        format!("{}/docs/errors", self.public_url)
    }
}
