//! How a change runs: one transaction, in one order.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;

use crate::{
    clock::{Clock, Day, Timestamp},
    entropy::Entropy,
    events::Event,
    idempotency::{Claim, KeyedRequest, RenderedResponse},
    ids::{KeyId, TenantId},
    principal::{Caller, Principal, Refusal, RunningJob},
    scopes::ScopeSet,
    security::{Actor, SecurityAction, SecurityEntry},
    store::{Store, StoreError, UnitOfWork},
};

/// Time and randomness, wherever they come from.
#[derive(Clone)]
pub struct Environment {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whether there is a mail server: else mail waits for a person who releases it (MNY-32).
    pub sends_mail: bool,
}

/// What a command knows of the world.
pub struct Context<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// On whose data.
    pub tenant: TenantId,
    /// The time of the change.
    pub now: Timestamp,
    /// For ids and secrets.
    pub entropy: &'a dyn Entropy,
    /// Whether mail is sent.
    pub sends_mail: bool,
}

impl<'a> Context<'a> {
    /// The context of a change that `principal` makes now.
    pub fn new(principal: &'a Principal, environment: &'a Environment) -> Self {
        Self {
            principal,
            tenant: principal.tenant(),
            now: environment.clock.now(),
            entropy: &*environment.entropy,
            sends_mail: environment.sends_mail,
        }
    }

    /// The day that it is for who asks.
    pub fn today(&self) -> Day {
        self.principal.time_zone().day(self.now)
    }
}

/// A change: pure rules over the repositories it names.
///
/// `U` is a unit of work that lends just those, such as
/// `impl<U: HasKeys + ?Sized> Command<U> for RotateKey`, or `dyn UnitOfWork` for commands over resources.
#[async_trait]
pub trait Command<U: ?Sized>: Send + Sync {
    /// What the change results in.
    type Output: Send;
    /// Why it is refused.
    type Error: Send;

    /// Whether this may take away from a tenant someone it cannot do without. Such changes are made one after another:
    /// the [team](crate::users::ports::UserRepository::lock_team) is held before the caller's credential, for two
    /// callers who are about to change each other hold their own.
    fn changes_team(&self) -> bool {
        false
    }

    /// Which key this changes. Whoever changes a key holds it alone, and their own, if they came with one, with others: of the
    /// two the smaller id is held first, so that keys which change each other, or themselves, take turns instead of waiting
    /// for each other.
    fn changes_key(&self) -> Option<KeyId> {
        None
    }

    /// The scopes that a caller needs for it, whichever way they came, beside those that the way itself needs.
    fn needs(&self) -> ScopeSet {
        ScopeSet::EMPTY
    }

    /// Whether it reads what nobody may change until it is done, such as the rows that a sum is over: then it goes by locks, and not by
    /// what is to be [expected](Store::begin_expecting), which would only fail at once.
    fn asks(&self) -> bool {
        false
    }

    /// Makes the change, or refuses it. A refusal undoes whatever was done before it.
    async fn apply(&self, context: &Context<'_>, uow: &mut U) -> Result<Applied<Self::Output>, Failure<Self::Error>>;
}

/// A change that was made.
#[derive(Debug)]
pub struct Applied<T> {
    /// What it resulted in.
    pub output: T,
    /// What others are to be told.
    pub events: Vec<Event>,
    /// What the security log is to say.
    pub noted: Vec<SecurityAction>,
}

impl<T> Applied<T> {
    /// A change that nobody is told of.
    pub const fn silently(output: T) -> Self {
        Self { output, events: Vec::new(), noted: Vec::new() }
    }

    /// A change that others are told of.
    pub const fn telling(output: T, events: Vec<Event>) -> Self {
        Self { output, events, noted: Vec::new() }
    }

    /// A change that the security log tells of.
    pub const fn noting(output: T, noted: Vec<SecurityAction>) -> Self {
        Self { output, events: Vec::new(), noted }
    }
}

/// Why a command made no change.
#[derive(Debug)]
pub enum Failure<E> {
    /// A rule forbids it.
    Rejected(E),
    /// The store failed.
    Store(StoreError),
}

impl<E> From<StoreError> for Failure<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The result of a change.
#[derive(Debug)]
pub enum Executed<T> {
    /// It was made now.
    Applied {
        /// What it resulted in.
        output: T,
        /// How that was rendered.
        response: RenderedResponse,
    },
    /// It was made before; this is what was answered then.
    Replayed(RenderedResponse),
}

/// Why nothing was changed.
#[derive(Debug)]
pub enum ExecuteError<E> {
    /// The caller may not.
    Refused(Refusal),
    /// The idempotency key stands for another request.
    KeyReused,
    /// A request with the same idempotency key is still being worked on.
    KeyBusy,
    /// A rule forbids it.
    Rejected(E),
    /// The store failed.
    Store(StoreError),
}

impl<E> From<StoreError> for ExecuteError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How often a change is tried when other transactions stand in its way. The first attempt of a caller with a credential
/// goes by what is to be expected: that nobody has changed the credential or used the idempotency key, unless the key was
/// answered while it was waited for.
const ATTEMPTS: usize = 4;

/// Runs `command` for `caller`, once for each idempotency key.
///
/// In one transaction: the caller's credential is held and checked again, the idempotency key is claimed, the command
/// applied, its events appended to the outbox and what it noted to the security log, what `render` makes of its output
/// recorded, and all of it committed. What is expected of the first two may be checked together with the changes, at the end: see [`Store::begin_expecting`].
/// Whatever goes wrong, nothing remains, the claim included: a refused request may be sent again under the same key.
/// A transient conflict starts the transaction anew, here and nowhere else.
///
/// Authorisation comes before replay: who lost a scope, the tenant or the address is refused, whatever is recorded.
pub async fn execute<C, O, E>(
    store: &dyn Store,
    environment: &Environment,
    caller: &Caller,
    request: Option<&KeyedRequest>,
    command: &C,
    render: impl Fn(&O) -> RenderedResponse + Send + Sync,
) -> Result<Executed<O>, ExecuteError<E>>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E> + ?Sized,
    O: Send,
    E: Send,
{
    let joined = match request {
        None => None,
        Some(request) => {
            let guard = store.join(caller.principal.tenant(), &request.key).await;
            Some(guard.ok_or(ExecuteError::KeyBusy)?)
        }
    };
    // Then the key is not new.
    let answered = joined.as_ref().is_some_and(|joined| joined.is_answered());
    let mut attempt = 1;
    loop {
        let (mut uow, expecting) = match &caller.principal {
            Principal::Key(credential) if attempt == 1 && !answered && !command.asks() => {
                (store.begin_expecting(credential)?, true)
            }
            _ => (store.begin().await?, false),
        };
        let done = run(&mut *uow, environment, caller, request, command, &render).await;
        let ended = if let Ok(Executed::Applied { .. }) = done {
            uow.commit().await.map_err(ExecuteError::Store).and(done)
        } else {
            // What made it roll back is what the caller needs to know; a failure of that changes nothing, for a
            // connection that cannot roll back is dropped.
            let _ = uow.rollback().await;
            done
        };
        match ended {
            Err(ExecuteError::Store(StoreError::Conflict(_))) if attempt < ATTEMPTS => attempt += 1,
            // Whether the key is new was not asked: what is refused now may have been done before, and be a replay.
            Err(ExecuteError::Rejected(_)) if expecting && request.is_some() => attempt += 1,
            ended => {
                if let (Ok(_), Some(joined)) = (&ended, joined) {
                    joined.answer();
                }
                return ended;
            }
        }
    }
}

async fn run<C, O, E>(
    uow: &mut (dyn UnitOfWork + 'static),
    environment: &Environment,
    caller: &Caller,
    request: Option<&KeyedRequest>,
    command: &C,
    render: &(impl Fn(&O) -> RenderedResponse + Send + Sync),
) -> Result<Executed<O>, ExecuteError<E>>
where
    C: Command<dyn UnitOfWork, Output = O, Error = E> + ?Sized,
    O: Send,
    E: Send,
{
    if command.changes_team() {
        uow.users().lock_team(caller.principal.tenant()).await?;
    }
    if let (Principal::Key(credential), Some(changed)) = (&caller.principal, command.changes_key())
        && changed <= credential.key.id
    {
        uow.credentials().take(credential.tenant.id, changed).await?;
    }
    let principal = hold(uow, environment, caller, caller.needs.with(command.needs())).await?;
    let context = Context::new(&principal, environment);
    if let Some(request) = request {
        match uow.receipts().claim(context.tenant, request, context.now).await? {
            Claim::Fresh => {}
            Claim::Replay(response) => return Ok(Executed::Replayed(response)),
            Claim::Mismatch => return Err(ExecuteError::KeyReused),
            Claim::Busy => return Err(ExecuteError::KeyBusy),
        }
    }
    let applied = command.apply(&context, uow).await.map_err(|failure| match failure {
        Failure::Rejected(error) => ExecuteError::Rejected(error),
        Failure::Store(error) => ExecuteError::Store(error),
    })?;
    if !applied.events.is_empty() {
        uow.outbox().append(context.tenant, &applied.events).await?;
    }
    if !applied.noted.is_empty() {
        let entries = entries(&context, caller.address, applied.noted);
        uow.security_log().append(context.tenant, &entries).await?;
    }
    let response = render(&applied.output);
    if let Some(request) = request {
        uow.receipts().record(context.tenant, &request.key, &response).await?;
    }
    Ok(Executed::Applied { output: applied.output, response })
}

/// What a command noted, with who asked and from where.
pub(crate) fn entries(
    context: &Context<'_>,
    address: Option<IpAddr>,
    noted: Vec<SecurityAction>,
) -> Vec<SecurityEntry> {
    let entry = |action| SecurityEntry { at: context.now, actor: Actor::of(context.principal), address, action };
    noted.into_iter().map(entry).collect()
}

/// Holds the caller's credential and checks it as it is now.
async fn hold<E>(
    uow: &mut (dyn UnitOfWork + 'static),
    environment: &Environment,
    caller: &Caller,
    needs: ScopeSet,
) -> Result<Principal, ExecuteError<E>> {
    let held = held(uow, environment, &caller.principal, caller.address).await?;
    held.authorize(needs).map_err(ExecuteError::Refused)?;
    Ok(held)
}

/// Holds the credential that the principal came with.
async fn held<E>(
    uow: &mut (dyn UnitOfWork + 'static),
    environment: &Environment,
    principal: &Principal,
    address: Option<IpAddr>,
) -> Result<Principal, ExecuteError<E>> {
    let now = || environment.clock.now();
    Ok(match principal {
        Principal::Key(credential) => {
            let held = uow.credentials().hold(credential.tenant.id, credential.key.id).await?;
            let credential = held.ok_or(ExecuteError::Refused(Refusal::Unknown))?;
            credential.admit(now(), address).map_err(ExecuteError::Refused)?;
            Principal::Key(credential)
        }
        Principal::App(app) => {
            let held = uow.credentials().hold_app(app.tenant.id, app.user.account.id, app.grant, app.token).await?;
            let app = held.ok_or(ExecuteError::Refused(Refusal::Unknown))?;
            app.admit(now()).map_err(ExecuteError::Refused)?;
            Principal::App(app)
        }
        Principal::User(signed_in) => {
            let (account, session) = (signed_in.account().id, signed_in.session.id);
            let held = uow.credentials().hold_session(account, session).await?;
            // A session that acts for another tenant now is not the one that asked.
            let held = held.filter(|held| held.session.acts_as == signed_in.session.acts_as);
            let signed_in = held.ok_or(ExecuteError::Refused(Refusal::SignedOut))?;
            signed_in.admit(now()).map_err(ExecuteError::Refused)?;
            Principal::User(signed_in)
        }
        Principal::Operator(tenant) => Principal::Operator(*tenant),
        Principal::Job(job) => {
            let starter = Box::pin(held(uow, environment, &job.starter, address)).await?;
            Principal::Job(Arc::new(RunningJob { id: job.id, starter }))
        }
    })
}
