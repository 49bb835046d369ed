//! What every page may use.

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    accounts::ports::PasswordHasher,
    audit::ports::AuditReader,
    execute::Environment,
    files::ports::FileStore,
    invitations::ports::InvitationReader,
    keys::ports::KeyReader,
    oauth::ports::OauthReader,
    papers::Papers,
    resource::ports::RowReader,
    security::ports::SecurityLogReader,
    sessions::ports::SessionReader,
    signature_requests::SigningLinks,
    store::Store,
    users::ports::TeamReader,
    vault::Vault,
    webhooks::ports::{UrlGuard, WebhookReader},
};
use bwp_web::{metrics::Meter, public_url::PublicUrl, readiness::Readiness};

use crate::{assets::Assets, browser::Cookies, guards::Guards};

/// The ports and settings behind the pages. Cheap to clone: each worker may have its own, with ports of its own.
#[derive(Clone)]
pub struct ConsoleState {
    /// Where changes are made.
    pub store: Arc<dyn Store>,
    /// Where sessions are read.
    pub sessions: Arc<dyn SessionReader>,
    /// Where keys are read.
    pub keys: Arc<dyn KeyReader>,
    /// Where apps are read.
    pub oauth: Arc<dyn OauthReader>,
    /// Where the audit log of the API is read.
    pub audit_log: Arc<dyn AuditReader>,
    /// Where the security log is read.
    pub security_log: Arc<dyn SecurityLogReader>,
    /// Where users are read.
    pub team: Arc<dyn TeamReader>,
    /// Where invitations are read.
    pub invitations: Arc<dyn InvitationReader>,
    /// Where webhook endpoints and their deliveries are read.
    pub webhooks: Arc<dyn WebhookReader>,
    /// What knows whither nothing may be sent.
    pub url_guard: Arc<dyn UrlGuard>,
    /// Where rows of every resource are read.
    pub rows: Arc<dyn RowReader>,
    /// What prints documents.
    pub papers: Papers,
    /// Where files are kept.
    pub files: Arc<dyn FileStore>,
    /// Where requests for a signature are found by their links.
    pub signing_links: Arc<dyn SigningLinks>,
    /// What secrets are kept in, and links are made of.
    pub vault: Arc<Vault>,
    /// What keeps strangers within bounds: the same for all workers.
    pub guards: Arc<Guards>,
    /// Who hashes passwords.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Where requests are counted: the same as the observer's.
    pub meter: Arc<Meter>,
    /// Whether the server is closed for planned work.
    pub readiness: Arc<Readiness>,
    /// Time and randomness.
    pub environment: Environment,
    /// The address under which people reach the server.
    pub public_url: PublicUrl,
    /// The server's version, shown at the foot of each page.
    pub version: &'static str,
    /// How long a form may take to arrive.
    pub form_timeout: Duration,
    /// How long the work on a request may take. `None`: as long as it takes.
    pub request_timeout: Option<Duration>,
    /// The files that the pages load.
    pub assets: Arc<Assets>,
}

impl ConsoleState {
    /// The address of a path, for a link: the public URL's own path stands before it.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.path())
    }

    /// The seconds for `Retry-After` while nothing can be changed.
    pub(crate) fn closed(&self) -> Option<u32> {
        self.readiness.availability().maintenance()
    }

    pub(crate) fn cookies(&self) -> Cookies {
        Cookies { secure: self.public_url.is_https() }
    }
}
