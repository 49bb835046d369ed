//! An API over mocks: a port that a test says nothing of must not be called.

use std::sync::Arc;

use actix_web::{
    App,
    body::to_bytes,
    http::header::HeaderMap,
    test::{self, TestRequest},
    web::Data,
};
use bwp_domain::{
    audit::{AuditEntry, ports::MockAuditReader},
    calendar::MockCalendarReader,
    events::MockEventFeed,
    files::ports::{MockFileStore, MockFileUsage},
    jobs::ports::{MockJobQueue, MockJobReader},
    keys::{KeyMode, KeySecret, ports::MockKeyReader},
    notifications::ports::MockNotificationReader,
    oauth::ports::MockOauthReader,
    paging::{CursorKeys, CursorSecret},
    papers::{Papers, ports::MockPrinter},
    principal::KeyCredential,
    rate_limits::{Admission, Standing, ports::MockRateLimiter},
    resource::ports::MockRowReader,
    scopes::ScopeId,
    store::{Health, MockHealth},
    testing::{RememberingSink, ScriptedStore, ScriptedUnitOfWork, SequentialEntropy, credential, environment},
    users::ports::MockUserReader,
    vault::{Vault, VaultKey},
    webhooks::ports::{MockUrlGuard, MockWebhookReader},
};
use bwp_http::{ApiState, Cursors, FileLimits, WebhookPorts};
use bwp_web::{availability::Availability, body::BodyLimits, readiness::Readiness};
use serde_json::Value;

/// The ports behind an API.
#[derive(Default)]
pub(crate) struct Ports {
    pub(crate) keys: MockKeyReader,
    pub(crate) oauth: MockOauthReader,
    pub(crate) users: MockUserReader,
    pub(crate) rows: MockRowReader,
    pub(crate) calendar: MockCalendarReader,
    pub(crate) files: MockFileStore,
    pub(crate) file_usage: MockFileUsage,
    pub(crate) notifications: MockNotificationReader,
    pub(crate) jobs: MockJobReader,
    pub(crate) job_queue: MockJobQueue,
    pub(crate) audit_log: MockAuditReader,
    pub(crate) rate_limits: MockRateLimiter,
    pub(crate) health: MockHealth,
    pub(crate) store: ScriptedStore,
    pub(crate) availability: Arc<Availability>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    /// What was recorded for the audit log.
    pub(crate) recorded: Vec<AuditEntry>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("visible text")).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }
}

impl Ports {
    /// Ports that know one key, with these scopes, and let it in.
    pub(crate) fn with_key(scopes: &[ScopeId]) -> Self {
        Self::with_key_to_be_charged(scopes).and_room()
    }

    /// The same, with room for one request.
    pub(crate) fn and_room(mut self) -> Self {
        let admit = |_, budgets: &_, _| Ok(Admission::Admitted(Standing::untouched(budgets)));
        self.rate_limits.expect_charge().times(1).returning(admit);
        self
    }

    /// Ports that know one key, with these scopes. What a limiter says is left to the test.
    pub(crate) fn with_key_to_be_charged(scopes: &[ScopeId]) -> Self {
        let mut ports = Self::default();
        let known = credential(scopes);
        let known = Arc::new(known);
        ports.keys.expect_find_by_hash().returning(move |_| Ok(Some(Arc::clone(&known))));
        ports.keys.expect_recall().returning(|_| None);
        ports
    }

    /// The same, with this unit of work for a change.
    pub(crate) fn and_change(self, uow: ScriptedUnitOfWork) -> Self {
        Self { store: ScriptedStore::new([uow]), ..self }
    }

    /// Sends one request.
    pub(crate) async fn answer(self, request: TestRequest) -> Answer {
        let secret = CursorSecret::new(vec![1; 32]).expect("long enough");
        let audit = Arc::new(RememberingSink::default());
        let state = Data::new(ApiState {
            store: Arc::new(self.store),
            keys: Arc::new(self.keys),
            oauth: Arc::new(self.oauth),
            registrations: Arc::default(),
            users: Arc::new(self.users),
            rows: Arc::new(self.rows),
            calendar: Arc::new(self.calendar),
            files: Arc::new(self.files),
            file_usage: Arc::new(self.file_usage),
            file_limits: FileLimits::default(),
            notifications: Arc::new(self.notifications),
            jobs: Arc::new(self.jobs),
            job_queue: Arc::new(self.job_queue),
            papers: Papers {
                rows: Arc::new(MockRowReader::new()),
                users: Arc::new(MockUserReader::new()),
                printer: Arc::new(MockPrinter::new()),
            },
            job_started: Arc::new(|| {}),
            most_upload: 1024,
            audit_log: Arc::new(self.audit_log),
            webhooks: WebhookPorts {
                reader: Arc::new(MockWebhookReader::new()),
                feed: Arc::new(MockEventFeed::new()),
                guard: Arc::new(MockUrlGuard::new()),
                vault: Arc::new(Vault::new(vec![VaultKey::generate(&SequentialEntropy::default())])),
            },
            audit: Arc::clone(&audit) as _,
            refusals: Arc::default(),
            rate_limits: Arc::new(self.rate_limits),
            readiness: Arc::new(readiness(self.health, self.availability)),
            meter: Arc::default(),
            environment: environment(),
            cursors: Arc::new(Cursors::fixed(CursorKeys::new(secret, vec![]))),
            public_url: "https://bwp.example".into(),
            body_limits: BodyLimits::default(),
            request_timeout: None,
        });
        let document = Data::new(bwp_http::document("https://bwp.example", "0"));
        let app = test::init_service(App::new().configure(bwp_http::configure(state, document))).await;
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.expect("a body");
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status, headers, json, recorded: audit.entries(), text }
    }
}

fn readiness(health: MockHealth, availability: Arc<Availability>) -> Readiness {
    let health = Arc::new(health);
    Readiness::new(availability).require("database", move || {
        let health = Arc::clone(&health);
        async move { health.check().await.map_err(|error| error.to_string()) }
    })
}

/// A unit of work in which the caller's credential holds.
pub(crate) fn held(held: KeyCredential) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    let held = Arc::new(held);
    uow.credentials.expect_hold().returning(move |_, _| Ok(Some(Arc::clone(&held))));
    uow
}

/// A key that looks like one.
pub(crate) fn key() -> String {
    KeySecret::generate(KeyMode::Live, &SequentialEntropy::default()).expose().to_owned()
}

/// A request with the key.
pub(crate) fn signed(request: TestRequest) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {}", key())))
}
