//! A store whose units of work are scripted: mocks of each repository, and a record of how each ended.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::MemoryRows;
use crate::{
    accounts::ports::{AccountRepository, HasAccounts, MockAccountRepository},
    activity::{Activity, ActivityLog},
    events::{MockOutbox, Outbox},
    files::ports::{FileLedger, HasFiles, MockFileLedger},
    idempotency::{IdempotencyKey, MockReceiptRepository, ReceiptRepository},
    ids::TenantId,
    invitations::ports::{HasInvitations, InvitationRepository, MockInvitationRepository},
    jobs::ports::{HasJobs, JobRepository, MockJobRepository},
    keys::ports::{CredentialRepository, HasKeys, KeyRepository, MockCredentialRepository, MockKeyRepository},
    notifications::ports::{HasNotifications, MockNotifications, Notifications},
    numbers::{HasNumbers, MockNumbers, Numbers},
    oauth::ports::{HasOauth, MockOauthRepository, OauthRepository},
    principal::KeyCredential,
    resource::ports::{HasRows, MockRows, Rows},
    security::ports::{MockSecurityLog, SecurityLog},
    sessions::ports::{HasSessions, MockSessionRepository, SessionRepository},
    sign_in::ports::{HasSignIns, MockSignInRepository, SignInRepository},
    store::{JoinGuard, Store, StoreError, UnitOfWork},
    tenants::ports::{HasTenants, MockTenantRepository, TenantRepository},
    users::ports::{HasUsers, MockUserRepository, UserRepository},
    webhooks::ports::{HasWebhooks, MockWebhookRepository, WebhookRepository},
};

/// How a unit of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By commit.
    Committed,
    /// By roll-back.
    RolledBack,
    /// It was dropped.
    Dropped,
}

/// A unit of work made of mocks. A call that no expectation was set for fails the test.
#[derive(Default)]
pub struct ScriptedUnitOfWork {
    /// The callers' credentials.
    pub credentials: MockCredentialRepository,
    /// The receipts.
    pub receipts: MockReceiptRepository,
    /// The outbox.
    pub outbox: MockOutbox,
    /// What was done to each row: it takes all, to be looked at.
    pub activity: Vec<Activity>,
    /// The security log.
    pub security_log: MockSecurityLog,
    /// The accounts.
    pub accounts: MockAccountRepository,
    /// Which bytes tenants keep.
    pub files: MockFileLedger,
    /// The invitations.
    pub invitations: MockInvitationRepository,
    /// The jobs.
    pub jobs: MockJobRepository,
    /// The keys.
    pub keys: MockKeyRepository,
    /// Who is notified of what.
    pub notifications: MockNotifications,
    /// Numbers of documents.
    pub numbers: MockNumbers,
    /// Apps, and what they were given.
    pub oauth: MockOauthRepository,
    /// The rows of every resource, if they are scripted.
    pub rows: MockRows,
    /// The rows of every resource, if they are those of a store in memory.
    pub memory: Option<MemoryRows>,
    /// The sessions.
    pub sessions: MockSessionRepository,
    /// Failed attempts to sign in, and known browsers.
    pub sign_ins: MockSignInRepository,
    /// The tenants.
    pub tenants: MockTenantRepository,
    /// The users.
    pub users: MockUserRepository,
    /// The webhooks.
    pub webhooks: MockWebhookRepository,
    /// What `commit` answers. `None`: it works.
    pub commit_error: Option<StoreError>,
    /// What `rollback` answers. `None`: it works.
    pub rollback_error: Option<StoreError>,
    ending: Recorder,
}

type Endings = Arc<Mutex<Vec<Ending>>>;

/// Notes [`Ending::Dropped`] unless another ending was noted first.
#[derive(Default)]
struct Recorder(Option<Endings>);

impl Recorder {
    fn note(&mut self, ending: Ending) {
        if let Some(endings) = self.0.take() {
            endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.note(Ending::Dropped);
    }
}

/// Gives the scripted units of work one after another.
#[derive(Default)]
pub struct ScriptedStore {
    script: Mutex<VecDeque<ScriptedUnitOfWork>>,
    endings: Endings,
    expecting: Mutex<Vec<bool>>,
    busy: bool,
}

impl ScriptedStore {
    /// A store that gives these units of work, in this order.
    pub fn new(script: impl IntoIterator<Item = ScriptedUnitOfWork>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    /// A store in which another execution of any idempotency key never ends.
    pub fn busy() -> Self {
        Self { busy: true, ..Self::default() }
    }

    /// Of each unit of work so far, whether it was begun with an expectation.
    pub fn expecting(&self) -> Vec<bool> {
        self.expecting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the units of work ended so far.
    pub fn endings(&self) -> Vec<Ending> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The guard of an execution whose idempotency key nobody else has.
struct Alone;

impl JoinGuard for Alone {
    fn is_answered(&self) -> bool {
        false
    }

    fn answer(&self) {}
}

#[async_trait]
impl Store for ScriptedStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.next(false)
    }

    fn begin_expecting(&self, _credential: &Arc<KeyCredential>) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.next(true)
    }

    async fn join(&self, _tenant: TenantId, _key: &IdempotencyKey) -> Option<Box<dyn JoinGuard>> {
        (!self.busy).then(|| Box::new(Alone) as _)
    }
}

impl ScriptedStore {
    fn next(&self, expecting: bool) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.expecting.lock().unwrap_or_else(PoisonError::into_inner).push(expecting);
        let next = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let mut uow = next.ok_or_else(|| StoreError::Internal("the script has no more units of work".to_owned()))?;
        uow.ending = Recorder(Some(Arc::clone(&self.endings)));
        Ok(Box::new(uow))
    }
}

impl ScriptedUnitOfWork {
    /// One that failed to end counts as dropped.
    fn end(&mut self, ending: Ending, failed: Option<StoreError>) -> Result<(), StoreError> {
        failed.map_or_else(
            || {
                self.ending.note(ending);
                Ok(())
            },
            Err,
        )
    }
}

#[async_trait]
impl UnitOfWork for ScriptedUnitOfWork {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        &mut self.credentials
    }

    fn receipts(&mut self) -> &mut dyn ReceiptRepository {
        &mut self.receipts
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }

    fn activity(&mut self) -> &mut dyn ActivityLog {
        &mut self.activity
    }

    fn security_log(&mut self) -> &mut dyn SecurityLog {
        &mut self.security_log
    }

    async fn savepoint(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn undo_to_savepoint(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let failed = self.commit_error.take();
        self.end(Ending::Committed, failed)
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        let failed = self.rollback_error.take();
        self.end(Ending::RolledBack, failed)
    }
}

impl HasRows for ScriptedUnitOfWork {
    fn rows(&mut self) -> &mut dyn Rows {
        match &mut self.memory {
            Some(memory) => memory,
            None => &mut self.rows,
        }
    }
}

macro_rules! lends {
    ($($has:ident, $lend:ident: $repository:ident;)*) => {$(
        impl $has for ScriptedUnitOfWork {
            fn $lend(&mut self) -> &mut dyn $repository {
                &mut self.$lend
            }
        }
    )*};
}

lends! {
    HasAccounts, accounts: AccountRepository;
    HasFiles, files: FileLedger;
    HasInvitations, invitations: InvitationRepository;
    HasJobs, jobs: JobRepository;
    HasKeys, keys: KeyRepository;
    HasNotifications, notifications: Notifications;
    HasNumbers, numbers: Numbers;
    HasOauth, oauth: OauthRepository;
    HasSessions, sessions: SessionRepository;
    HasSignIns, sign_ins: SignInRepository;
    HasTenants, tenants: TenantRepository;
    HasUsers, users: UserRepository;
    HasWebhooks, webhooks: WebhookRepository;
}
