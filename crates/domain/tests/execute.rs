//! `execute`: the order of its steps, and every way out of it.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bwp_domain::{
    clock::Timestamp,
    execute::{Applied, Command, Context, ExecuteError, Executed, Failure, execute},
    idempotency::{Claim, Fingerprint, IdempotencyKey, KeyedRequest, RenderedResponse},
    ids::{KeyId, TenantId},
    keys::{Allowlist, KeyRefusal, KeyState},
    principal::{Caller, KeyCredential, Principal, Refusal},
    resource::{Create, Record, ResourceError},
    scopes::{ScopeId, ScopeSet},
    store::{JoinGuard, Store, StoreError, UnitOfWork},
    tenants::{TenantRefusal, TenantStatus},
    testing::{Ending, ScriptedStore, ScriptedUnitOfWork, create, credential, details, environment, tenant_id},
};
use futures_executor::block_on;
use proptest::prelude::*;

/// How often a change is tried.
const ATTEMPTS: usize = 4;

const SCOPE: ScopeId = ScopeId::ContactsWrite;

/// Someone who came with a good credential.
fn caller() -> Caller {
    Caller { principal: key(credential(&[SCOPE])), address: None, needs: ScopeSet::of(&[SCOPE]) }
}

fn key(credential: KeyCredential) -> Principal {
    Principal::Key(Arc::new(credential))
}

fn request() -> KeyedRequest {
    KeyedRequest {
        key: IdempotencyKey::parse("import-1").expect("a key"),
        fingerprint: Fingerprint::of("POST", "/api/v1/contacts", b"{}"),
    }
}

fn command() -> Create {
    create(&details("Acme"))
}

fn response() -> RenderedResponse {
    RenderedResponse { status: 201, headers: Vec::new(), body: b"rendered".to_vec() }
}

type Outcome = Result<Executed<Record>, ExecuteError<ResourceError>>;

/// Runs the command with an idempotency key.
fn run(store: &dyn Store) -> Outcome {
    block_on(execute(store, &environment(), &caller(), Some(&request()), &command(), |_| response()))
}

/// Runs the command in these units of work; says what came of it and how each of them ended.
fn run_script(script: impl IntoIterator<Item = ScriptedUnitOfWork>) -> (Outcome, Vec<Ending>) {
    let store = ScriptedStore::new(script);
    (run(&store), store.endings())
}

/// The steps inside the transaction that a store can fail in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Hold,
    Claim,
    Apply,
    Append,
    Record,
    Commit,
}

const STEPS: [Step; 6] = [Step::Hold, Step::Claim, Step::Apply, Step::Append, Step::Record, Step::Commit];

/// A unit of work in which all goes well up to the `last` step, which answers `error` if there is one. What lies behind
/// it must not be called.
fn up_to(last: Step, error: Option<StoreError>) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    let mut error = error;
    let mut answer = |step: Step| if step == last { error.take().map_or(Ok(()), Err) } else { Ok(()) };
    let held = answer(Step::Hold).map(|()| Some(Arc::new(credential(&[SCOPE]))));
    uow.credentials.expect_hold().return_once(|_, _| held);
    if last >= Step::Claim {
        let claimed = answer(Step::Claim).map(|()| Claim::Fresh);
        uow.receipts.expect_claim().return_once(|_, _, _| claimed);
    }
    if last >= Step::Apply {
        let inserted = answer(Step::Apply).map(|()| 1);
        uow.rows.expect_insert().return_once(|_, _, _, _| inserted);
    }
    if last >= Step::Append {
        let appended = answer(Step::Append);
        uow.outbox.expect_append().return_once(|_, _| appended);
    }
    if last >= Step::Record {
        let recorded = answer(Step::Record);
        uow.receipts.expect_record().return_once(|_, _, _| recorded);
    }
    uow.commit_error = answer(Step::Commit).err();
    uow
}

fn good() -> ScriptedUnitOfWork {
    up_to(Step::Commit, None)
}

fn conflict() -> StoreError {
    StoreError::Conflict("somebody else was faster".to_owned())
}

/// How a unit of work ends whose `step` failed: a failed commit leaves nothing to roll back.
fn ending_of_failed(step: Step) -> Ending {
    if step == Step::Commit { Ending::Dropped } else { Ending::RolledBack }
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<&'static str>>>);

impl Journal {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// A mock's answer that is noted when it is given.
    fn noting<T: Send>(&self, what: &'static str, answer: T) -> impl FnOnce() -> T + Send + use<T> {
        let journal = self.clone();
        move || {
            journal.note(what);
            answer
        }
    }

    fn entries(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A store that notes when a key is joined and left, and when a transaction begins and ends.
struct JournallingStore {
    inner: Arc<ScriptedStore>,
    journal: Journal,
    /// Whether another execution answers while the key is waited for.
    answered: bool,
}

impl JournallingStore {
    fn new(script: impl IntoIterator<Item = ScriptedUnitOfWork>) -> Self {
        Self { inner: Arc::new(ScriptedStore::new(script)), journal: Journal::default(), answered: false }
    }
}

struct Turn {
    store: Arc<ScriptedStore>,
    journal: Journal,
    answered: bool,
    ended: AtomicBool,
}

impl Turn {
    fn note_ending(&self) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        match self.store.endings().last() {
            Some(Ending::Committed) => self.journal.note("commit"),
            Some(Ending::RolledBack) => self.journal.note("rollback"),
            Some(Ending::Dropped) | None => {}
        }
    }
}

impl JoinGuard for Turn {
    fn is_answered(&self) -> bool {
        self.answered
    }

    fn answer(&self) {
        self.note_ending();
        self.journal.note("answer");
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.note_ending();
        self.journal.note("leave");
    }
}

#[async_trait]
impl Store for JournallingStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.journal.note("begin");
        self.inner.begin().await
    }

    fn begin_expecting(&self, credential: &Arc<KeyCredential>) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.journal.note("begin");
        self.inner.begin_expecting(credential)
    }

    async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<Box<dyn JoinGuard>> {
        assert_eq!((tenant, key.as_str()), (tenant_id(1), "import-1"));
        self.journal.note("join");
        let (store, journal) = (Arc::clone(&self.inner), self.journal.clone());
        Some(Box::new(Turn { store, journal, answered: self.answered, ended: AtomicBool::new(false) }))
    }
}

#[test]
fn the_steps_have_one_order() {
    let journal = Journal::default();
    let mut uow = ScriptedUnitOfWork::default();
    let hold = journal.noting("hold the credential", Ok(Some(Arc::new(credential(&[SCOPE])))));
    let claim = journal.noting("claim the key", Ok(Claim::Fresh));
    let insert = journal.noting("apply the command", Ok(5));
    let append = journal.noting("append to the outbox", Ok(()));
    let record = journal.noting("record the receipt", Ok(()));
    uow.credentials.expect_hold().withf(|tenant, key| (tenant.get(), key.get()) == (1, 7)).return_once(|_, _| hold());
    uow.receipts
        .expect_claim()
        .withf(|tenant, claimed, _| tenant.get() == 1 && claimed.key == request().key)
        .return_once(|_, _, _| claim());
    uow.rows.expect_insert().withf(|tenant, _, _, _| tenant.get() == 1).return_once(|_, _, _, _| insert());
    uow.outbox
        .expect_append()
        .withf(|tenant, events| tenant.get() == 1 && events.len() == 1)
        .return_once(|_, _| append());
    uow.receipts
        .expect_record()
        .withf(|tenant, key, recorded| tenant.get() == 1 && *key == request().key && *recorded == response())
        .return_once(|_, _, _| record());

    let store = JournallingStore { journal: journal.clone(), ..JournallingStore::new([uow]) };
    let render = |made: &Record| {
        assert_eq!(made.id, 5);
        journal.note("render the answer");
        response()
    };
    let done = block_on(execute(&store, &environment(), &caller(), Some(&request()), &command(), render));

    match done {
        Ok(Executed::Applied { output, response: answered }) => {
            assert_eq!((output.id, answered), (5, response()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        journal.entries(),
        [
            "join",
            "begin",
            "hold the credential",
            "claim the key",
            "apply the command",
            "append to the outbox",
            "render the answer",
            "record the receipt",
            "commit",
            "answer",
            "leave",
        ]
    );
}

#[test]
fn a_key_is_left_only_when_the_transaction_has_ended_however_it_ends() {
    let store = JournallingStore::new([up_to(Step::Claim, Some(StoreError::Internal("broken".to_owned())))]);
    assert!(run(&store).is_err());
    assert_eq!(store.journal.entries(), ["join", "begin", "rollback", "leave"]);
}

#[test]
fn a_key_that_was_answered_meanwhile_is_not_expected_to_be_new() {
    let store = JournallingStore { answered: true, ..JournallingStore::new([claiming(Claim::Replay(response()))]) };
    let done = run(&store);
    assert!(matches!(done, Ok(Executed::Replayed(_))), "{done:?}");
    assert_eq!(store.inner.expecting(), [false]);
    // All others who wait are let in, too.
    assert_eq!(store.journal.entries(), ["join", "begin", "rollback", "answer", "leave"]);
}

#[test]
fn a_request_without_a_key_neither_joins_nor_claims_nor_records() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().times(1).return_once(|_, _| Ok(Some(Arc::new(credential(&[SCOPE])))));
    uow.rows.expect_insert().times(1).return_once(|_, _, _, _| Ok(1));
    uow.outbox.expect_append().times(1).return_once(|_, _| Ok(()));
    let journal = Journal::default();
    let store = JournallingStore { journal: journal.clone(), ..JournallingStore::new([uow]) };
    let done = block_on(execute(&store, &environment(), &caller(), None, &command(), |_| response()));
    assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
    assert_eq!(journal.entries(), ["begin"]);
    assert_eq!(store.inner.endings(), [Ending::Committed]);
}

#[test]
fn whoever_waits_too_long_for_a_key_takes_no_transaction() {
    let store = ScriptedStore::busy();
    let done = run(&store);
    assert!(matches!(done, Err(ExecuteError::KeyBusy)), "{done:?}");
    assert_eq!(store.endings(), []);
}

/// A way for a credential to be bad.
type Spoil = fn(&mut KeyCredential);

/// What makes a credential bad, and what the caller is told. The caller calls from an unknown address.
fn refusals() -> Vec<(Spoil, Refusal)> {
    vec![
        (|c| c.key.state = KeyState::Revoked { at: Timestamp::MIN }, Refusal::Key(KeyRefusal::Revoked)),
        (
            |c| c.key.state = KeyState::Active { expires_at: Some(environment().clock.now()) },
            Refusal::Key(KeyRefusal::Expired),
        ),
        (
            |c| c.key.allowlist = Allowlist::parse(&["192.0.2.1"]).expect("an address"),
            Refusal::Key(KeyRefusal::AddressNotAllowed),
        ),
        (|c| c.tenant.status = TenantStatus::Suspended, Refusal::Tenant(TenantRefusal::Suspended)),
        (
            |c| c.tenant.status = TenantStatus::SubscriptionInactive,
            Refusal::Tenant(TenantRefusal::SubscriptionInactive),
        ),
        (
            |c| c.key.scopes = ScopeSet::of(&[ScopeId::ContactsRead]),
            Refusal::Scopes { missing: ScopeSet::of(&[SCOPE]) },
        ),
    ]
}

/// Runs the command for a caller whose credential is now `held`. Nothing but the credential may be asked for: no claim,
/// and so no replay, and no command.
fn refusal_of(held: Option<KeyCredential>) -> Refusal {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().times(1).return_once(|_, _| Ok(held.map(Arc::new)));
    match run_script([uow]) {
        (Err(ExecuteError::Refused(refusal)), endings) => {
            assert_eq!(endings, [Ending::RolledBack], "{refusal:?}");
            refusal
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_credential_that_went_bad_since_the_caller_came_is_refused_before_any_replay() {
    assert_eq!(refusal_of(None), Refusal::Unknown);
    for (spoil, expected) in refusals() {
        let mut held = credential(&[SCOPE]);
        spoil(&mut held);
        assert_eq!(refusal_of(Some(held)), expected);
    }
}

/// Tells how the command sees the caller.
struct WhoAmI;

#[async_trait]
impl Command<dyn UnitOfWork> for WhoAmI {
    type Output = Principal;
    type Error = ();

    async fn apply(
        &self,
        context: &Context<'_>,
        _: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Principal>, Failure<()>> {
        Ok(Applied::silently(context.principal.clone()))
    }
}

fn who_am_i(uow: ScriptedUnitOfWork, caller: &Caller) -> Principal {
    let store = ScriptedStore::new([uow]);
    let done = block_on(execute(&store, &environment(), caller, None, &WhoAmI, |_| response()));
    assert_eq!(store.endings(), [Ending::Committed]);
    match done {
        Ok(Executed::Applied { output, .. }) => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_sees_the_credential_as_it_is_now() {
    let now = credential(&[SCOPE, ScopeId::ContactsDelete]);
    let mut uow = ScriptedUnitOfWork::default();
    let held = now.clone();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(Arc::new(held))));
    assert_eq!(who_am_i(uow, &caller()), key(now));
}

/// Changes a key.
struct Change(i64);

#[async_trait]
impl Command<dyn UnitOfWork> for Change {
    type Output = ();
    type Error = ();

    fn changes_key(&self) -> Option<KeyId> {
        KeyId::new(self.0)
    }

    async fn apply(&self, _: &Context<'_>, _: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<()>, Failure<()>> {
        Ok(Applied::silently(()))
    }
}

/// The caller is the key 7.
#[test]
fn a_key_that_changes_itself_or_an_older_one_takes_that_before_it_is_held() {
    for (changed, first) in [(6, true), (7, true), (8, false)] {
        let journal = Journal::default();
        let mut uow = ScriptedUnitOfWork::default();
        let (take, hold) =
            (journal.noting("take", Ok(())), journal.noting("hold", Ok(Some(Arc::new(credential(&[SCOPE]))))));
        if first {
            let is_it = move |tenant: &TenantId, key: &KeyId| (tenant.get(), key.get()) == (1, changed);
            uow.credentials.expect_take().withf(is_it).return_once(|_, _| take());
        }
        uow.credentials.expect_hold().return_once(|_, _| hold());
        let store = ScriptedStore::new([uow]);
        let done = block_on(execute(&store, &environment(), &caller(), None, &Change(changed), |()| response()));
        assert!(done.is_ok(), "{done:?}");
        assert_eq!(journal.entries(), if first { &["take", "hold"][..] } else { &["hold"] });
    }
}

#[test]
fn the_operator_has_no_credential_to_hold() {
    let operator = Caller::operator(tenant_id(3));
    assert_eq!(who_am_i(ScriptedUnitOfWork::default(), &operator), Principal::Operator(tenant_id(3)));
}

/// A unit of work whose claim ends in this.
fn claiming(claim: Claim) -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(Arc::new(credential(&[SCOPE])))));
    uow.receipts.expect_claim().return_once(|_, _, _| Ok(claim));
    uow
}

#[test]
fn a_busy_key_and_another_requests_key_are_refused_without_work() {
    let (done, endings) = run_script([claiming(Claim::Busy)]);
    assert!(matches!(done, Err(ExecuteError::KeyBusy)), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
    let (done, endings) = run_script([claiming(Claim::Mismatch)]);
    assert!(matches!(done, Err(ExecuteError::KeyReused)), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
}

#[test]
fn a_replay_runs_no_command_and_tells_nobody() {
    // The mocks of rows, outbox and recording expect no call.
    let (done, endings) = run_script([claiming(Claim::Replay(response()))]);
    assert!(matches!(&done, Ok(Executed::Replayed(replayed)) if *replayed == response()), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
}

#[test]
fn a_failing_rollback_hides_nothing() {
    for claim in [Claim::Replay(response()), Claim::Mismatch] {
        let mut uow = claiming(claim.clone());
        uow.rollback_error = Some(conflict());
        let (done, endings) = run_script([uow]);
        match claim {
            Claim::Replay(_) => assert!(matches!(done, Ok(Executed::Replayed(_))), "{done:?}"),
            _ => assert!(matches!(done, Err(ExecuteError::KeyReused)), "{done:?}"),
        }
        assert_eq!(endings, [Ending::Dropped]);
    }
}

/// A command that finds a reason not to.
struct Refuse;

#[async_trait]
impl Command<dyn UnitOfWork> for Refuse {
    type Output = Record;
    type Error = ResourceError;

    async fn apply(
        &self,
        _: &Context<'_>,
        _: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<Record>, Failure<ResourceError>> {
        Err(Failure::Rejected(ResourceError::NotFound("contact")))
    }
}

#[test]
fn a_refusing_command_leaves_no_receipt() {
    let store = ScriptedStore::new([claiming(Claim::Fresh), claiming(Claim::Fresh)]);
    let rendered = AtomicBool::new(false);
    let render = |_: &Record| {
        rendered.store(true, Ordering::SeqCst);
        response()
    };
    let done = block_on(execute(&store, &environment(), &caller(), Some(&request()), &Refuse, render));
    assert!(matches!(done, Err(ExecuteError::Rejected(ResourceError::NotFound(_)))), "{done:?}");
    assert_eq!(store.endings(), [Ending::RolledBack; 2]);
    assert!(!rendered.load(Ordering::SeqCst), "a refusal is not rendered");
}

#[test]
fn what_is_expected_is_asked_when_it_was_wrong() {
    let store =
        ScriptedStore::new([up_to(Step::Commit, Some(conflict())), up_to(Step::Claim, Some(conflict())), good()]);
    let done = block_on(execute(&store, &environment(), &caller(), Some(&request()), &command(), |_| response()));
    assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
    assert_eq!(store.expecting(), [true, false, false]);
}

#[test]
fn a_refusal_before_the_key_was_asked_about_may_be_a_replay() {
    // A deletion that is sent again: what it deletes is gone, and it was answered before.
    let store = ScriptedStore::new([claiming(Claim::Fresh), claiming(Claim::Replay(response()))]);
    let done = block_on(execute(&store, &environment(), &caller(), Some(&request()), &Refuse, |_| response()));
    assert!(matches!(done, Ok(Executed::Replayed(_))), "{done:?}");
    assert_eq!(store.expecting(), [true, false]);
}

#[test]
fn a_refusal_without_a_key_is_final() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(Arc::new(credential(&[SCOPE])))));
    let store = ScriptedStore::new([uow]);
    let done = block_on(execute(&store, &environment(), &caller(), None, &Refuse, |_| response()));
    assert!(matches!(done, Err(ExecuteError::Rejected(ResourceError::NotFound(_)))), "{done:?}");
    assert_eq!(store.endings(), [Ending::RolledBack]);
}

#[test]
fn a_change_that_tells_nobody_appends_nothing() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().return_once(|_, _| Ok(Some(Arc::new(credential(&[SCOPE])))));
    uow.receipts.expect_claim().return_once(|_, _, _| Ok(Claim::Fresh));
    uow.receipts.expect_record().times(1).return_once(|_, _, _| Ok(()));
    let store = ScriptedStore::new([uow]);
    let done = block_on(execute(&store, &environment(), &caller(), Some(&request()), &WhoAmI, |_| response()));
    assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
    assert_eq!(store.endings(), [Ending::Committed]);
}

/// A way for a store to fail.
type Fail = fn() -> StoreError;

#[test]
fn a_failing_store_leaves_nothing_and_is_not_tried_again() {
    let failures: [Fail; 2] =
        [|| StoreError::Internal("a defect".to_owned()), || StoreError::Unavailable("gone".to_owned())];
    for (step, failure) in STEPS.into_iter().flat_map(|step| failures.map(|failure| (step, failure))) {
        // A second attempt would find this one and succeed.
        let (done, endings) = run_script([up_to(step, Some(failure())), good()]);
        assert!(
            matches!(&done, Err(ExecuteError::Store(error)) if error.to_string() == failure().to_string()),
            "{done:?}"
        );
        assert_eq!(endings, [ending_of_failed(step)], "{step:?}");
    }
}

#[test]
fn a_conflict_restarts_from_the_beginning_wherever_it_happens() {
    for step in STEPS {
        let (done, endings) = run_script([up_to(step, Some(conflict())), good()]);
        assert!(matches!(done, Ok(Executed::Applied { .. })), "{step:?}: {done:?}");
        assert_eq!(endings, [ending_of_failed(step), Ending::Committed], "{step:?}");
    }
}

#[test]
fn a_conflict_that_comes_again_and_again_is_given_up() {
    for step in STEPS {
        let always = std::iter::repeat_with(|| up_to(step, Some(conflict()))).take(ATTEMPTS + 1);
        let (done, endings) = run_script(always);
        assert!(matches!(done, Err(ExecuteError::Store(StoreError::Conflict(_)))), "{step:?}: {done:?}");
        assert_eq!(endings, [ending_of_failed(step); ATTEMPTS], "{step:?}");
    }
}

#[test]
fn what_changed_during_a_conflict_counts_for_the_next_attempt() {
    let mut revoked = credential(&[SCOPE]);
    revoked.key.state = KeyState::Revoked { at: Timestamp::MIN };
    let mut second = ScriptedUnitOfWork::default();
    second.credentials.expect_hold().return_once(|_, _| Ok(Some(Arc::new(revoked))));
    let (done, endings) = run_script([up_to(Step::Commit, Some(conflict())), second]);
    assert!(matches!(done, Err(ExecuteError::Refused(Refusal::Key(KeyRefusal::Revoked)))), "{done:?}");
    assert_eq!(endings, [Ending::Dropped, Ending::RolledBack]);
}

/// What becomes of one attempt.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Conflict(Step),
    Failure(Step),
    Busy,
    Replay,
    Success,
}

impl Attempt {
    fn unit_of_work(self) -> ScriptedUnitOfWork {
        match self {
            Self::Conflict(step) => up_to(step, Some(conflict())),
            Self::Failure(step) => up_to(step, Some(StoreError::Internal("a defect".to_owned()))),
            Self::Busy => claiming(Claim::Busy),
            Self::Replay => claiming(Claim::Replay(response())),
            Self::Success => good(),
        }
    }

    const fn restarts(self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    fn ending(self) -> Ending {
        match self {
            Self::Conflict(step) | Self::Failure(step) => ending_of_failed(step),
            Self::Busy | Self::Replay => Ending::RolledBack,
            Self::Success => Ending::Committed,
        }
    }

    fn is(self, outcome: &Outcome) -> bool {
        match self {
            Self::Conflict(_) => matches!(outcome, Err(ExecuteError::Store(StoreError::Conflict(_)))),
            Self::Failure(_) => matches!(outcome, Err(ExecuteError::Store(StoreError::Internal(_)))),
            Self::Busy => matches!(outcome, Err(ExecuteError::KeyBusy)),
            Self::Replay => matches!(outcome, Ok(Executed::Replayed(_))),
            Self::Success => matches!(outcome, Ok(Executed::Applied { .. })),
        }
    }
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let step = || prop::sample::select(&STEPS[..]);
    let attempt = prop_oneof![
        3 => step().prop_map(Attempt::Conflict),
        1 => step().prop_map(Attempt::Failure),
        1 => Just(Attempt::Busy),
        1 => Just(Attempt::Replay),
        1 => Just(Attempt::Success),
    ];
    prop::collection::vec(attempt, ATTEMPTS)
}

proptest! {
    /// The first attempt that is no conflict decides; none behind it is made, and only a success commits.
    #[test]
    fn attempts_go_on_until_one_is_no_conflict(script in attempts()) {
        let made = script.iter().position(|attempt| !attempt.restarts()).map_or(ATTEMPTS, |last| last + 1);
        let (outcome, endings) = run_script(script.iter().map(|attempt| attempt.unit_of_work()));
        prop_assert!(script[made - 1].is(&outcome), "{outcome:?}");
        prop_assert_eq!(endings, script[..made].iter().map(|attempt| attempt.ending()).collect::<Vec<_>>());
    }
}
