//! Who polls for what is new, and how long after its time a row may be committed.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    contacts::Contact,
    execute::{Command, Context, Environment, Executed, execute},
    idempotency::RenderedResponse,
    ids::TenantId,
    keys::ports::KeyReader,
    paging::{Limit, PageRequest},
    principal::{Caller, Principal},
    resource::{Condition, Filter},
    scopes::ScopeSet,
    store::{Store, StoreError, UnitOfWork},
    testing::{TypedReader, create, details},
};
use bwp_postgres::{
    DatabaseClock, PgStore, PoolSettings,
    testing::{Fixture, within},
};
use tokio::{sync::watch, task::JoinSet};

/// What docs/guides/pagination.md says.
const STEP_BACK: Duration = Duration::from_secs(30);

/// A client that asks again and again for what is new.
struct Poller {
    step_back: Duration,
    /// The time of the newest row that it has seen.
    newest: Option<Timestamp>,
    seen: BTreeSet<i64>,
}

impl Poller {
    const fn new(step_back: Duration) -> Self {
        Self { step_back, newest: None, seen: BTreeSet::new() }
    }

    async fn poll(&mut self, store: &PgStore, tenant: TenantId) {
        let mut filter = Filter::all();
        if let Some(newest) = self.newest {
            filter.add(Condition::CreatedFrom(newest.minus(self.step_back)));
        }
        let limit = Limit::new(100).expect("a limit");
        let (mut after, mut first) = (None, true);
        while after.is_some() || first {
            let page = store.read_page::<Contact>(tenant, &filter, PageRequest { limit, after }).await.expect("a page");
            if first {
                self.newest = page.items.first().map(|newest| newest.created_at).or(self.newest);
                first = false;
            }
            self.seen.extend(page.items.iter().map(|contact| contact.id));
            after = page.next;
        }
    }
}

/// A clock that is wrong, in milliseconds.
struct Wrong {
    right: Arc<DatabaseClock>,
    ahead: AtomicI64,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.right.now().unix_millis() + self.ahead.load(Ordering::Relaxed))
    }
}

struct Scene {
    fixture: Fixture,
    tenant: TenantId,
    caller: Caller,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let tenant = fixture.tenant().await.id;
        let key = fixture.key(tenant).await;
        let credential = fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
        let caller = Caller { principal: Principal::Key(credential), address: None, needs: ScopeSet::EMPTY };
        Self { fixture, tenant, caller }
    }

    /// A store on a machine whose clock is so far ahead of this one's.
    fn ahead(&self, millis: i64) -> (PgStore, Arc<Wrong>) {
        let clock = Arc::new(Wrong { right: self.fixture.store.clock(), ahead: AtomicI64::new(millis) });
        let settings = PoolSettings { max_size: 2, ..PoolSettings::default() };
        let store = PgStore::on_machine(&self.fixture.database.url(), settings, Arc::clone(&clock) as _);
        (store.expect("a store"), clock)
    }

    /// The database's time, in milliseconds.
    async fn time(&self) -> i64 {
        self.fixture.number("extract(epoch FROM clock_timestamp()) * 1000").await
    }

    fn environment(&self, store: &PgStore) -> Environment {
        Environment { clock: store.clock(), ..self.fixture.environment.clone() }
    }

    /// Units of work of both kinds in which a contact was made.
    async fn creating(&self, store: &PgStore) -> [Box<dyn UnitOfWork>; 2] {
        let Principal::Key(credential) = &self.caller.principal else { panic!("a key") };
        let mut units = [store.begin_expecting(credential).expect("begun"), store.begin().await.expect("begun")];
        let environment = self.environment(store);
        for uow in &mut units {
            let context = Context::new(&self.caller.principal, &environment);
            create(&details("Acme")).apply(&context, &mut **uow).await.expect("made");
        }
        units
    }
}

/// How many of the writers are slow, and how often each of them writes.
const SLOW: usize = 8;
const ROUNDS: usize = 8;

/// A writer among others, who are shown what the client has seen.
struct Writer {
    scene: Arc<Scene>,
    /// The time of the newest contact that the client has seen.
    newest: watch::Receiver<Option<Timestamp>>,
    /// How many slow writers are done.
    done: Arc<AtomicUsize>,
}

impl Writer {
    /// Writes once for each time that the client polls, until the slow writers are done.
    async fn write(mut self) {
        let store = &self.scene.fixture.store;
        let (environment, command) = (self.scene.environment(store), create(&details("Acme")));
        while self.done.load(Ordering::Relaxed) < SLOW && self.newest.changed().await.is_ok() {
            let done =
                execute(store, &environment, &self.scene.caller, None, &command, |_| RenderedResponse::default()).await;
            assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
        }
    }

    /// Takes each contact's time, and commits it when the client has seen a newer one.
    async fn write_slowly(mut self) {
        let store = &self.scene.fixture.store;
        let (environment, command) = (self.scene.environment(store), create(&details("Acme")));
        let mut written = 0;
        while written < ROUNDS {
            let mut uow = store.begin().await.expect("a unit of work");
            let context = Context::new(&self.scene.caller.principal, &environment);
            command.apply(&context, &mut *uow).await.expect("made");
            let overtaken = self.newest.wait_for(|newest| newest.is_some_and(|newest| newest > context.now));
            overtaken.await.expect("the client polls");
            match uow.commit().await {
                Ok(()) => written += 1,
                // The machine is so slow that this came too late. It is tried again, as `execute` does.
                Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
            }
        }
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client that does not step back misses what was committed after a newer contact was seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_steps_back_as_the_guide_says_misses_nothing_of_32_writers() {
    let scene = Arc::new(Scene::new().await);
    let (store, done) = (scene.fixture.store.clone(), Arc::<AtomicUsize>::default());
    let (shown, newest) = watch::channel(None);
    let mut writers = JoinSet::new();
    for number in 0..32 {
        let writer = Writer { scene: Arc::clone(&scene), newest: newest.clone(), done: Arc::clone(&done) };
        if number < SLOW {
            writers.spawn(writer.write_slowly());
        } else {
            writers.spawn(writer.write());
        }
    }
    let (mut guided, mut naive) = (Poller::new(STEP_BACK), Poller::new(Duration::ZERO));
    within("the writers", async {
        while !writers.is_empty() {
            naive.poll(&store, scene.tenant).await;
            guided.poll(&store, scene.tenant).await;
            shown.send_replace(naive.newest);
            while let Some(written) = writers.try_join_next() {
                written.expect("no panic");
            }
        }
    })
    .await;
    naive.poll(&store, scene.tenant).await;
    guided.poll(&store, scene.tenant).await;
    let all = scene.fixture.number("SELECT count(*) FROM contacts").await;
    let missed = |poller: &Poller| all - i64::try_from(poller.seen.len()).expect("few");
    println!("{} of {all} are missed without the step back", missed(&naive));
    assert_eq!(missed(&guided), 0);
    assert!(missed(&naive) > 0, "the test shows nothing");
}

#[tokio::test]
async fn what_is_committed_long_after_its_time_is_refused_and_leaves_nothing_behind() {
    let scene = Scene::new().await;
    let (store, clock) = scene.ahead(-15_001);
    let units = scene.creating(&store).await;
    // As if the clock had been right all along, and the work had taken so long.
    clock.ahead.store(0, Ordering::Relaxed);
    for uow in units {
        let committed = within("the commit", uow.commit()).await;
        assert!(matches!(committed, Err(StoreError::Conflict(_))), "{committed:?}");
    }
    assert_eq!(store.clock().ahead(), 0);
    assert_eq!(scene.fixture.number("SELECT count(*) FROM contacts").await, 0);
    assert_eq!(scene.fixture.number("SELECT count(*) FROM outbox").await, 0);
    for uow in scene.creating(&store).await {
        uow.commit().await.expect("a commit");
    }
}

#[tokio::test]
async fn rows_get_the_databases_time_on_a_machine_whose_clock_is_wrong() {
    let scene = Scene::new().await;
    for wrong in [3_600_000, -3_600_000] {
        let (store, _) = scene.ahead(wrong);
        let environment = scene.environment(&store);
        let (before, command) = (scene.time().await, create(&details("Acme")));
        let done = execute(&store, &environment, &scene.caller, None, &command, |_| RenderedResponse::default()).await;
        let Ok(Executed::Applied { output, .. }) = done else { panic!("{wrong}: {done:?}") };
        let (at, after) = (output.created_at.unix_millis(), scene.time().await);
        assert!(before - 1_000 <= at && at <= after + 1_000, "{wrong}: {before} <= {at} <= {after}");
        assert_eq!(store.clock().ahead() > 0, wrong > 0);
    }
}

#[tokio::test]
async fn a_clock_that_is_a_little_wrong_is_left_alone() {
    let scene = Scene::new().await;
    let (store, _) = scene.ahead(900);
    store.put_clock_right().await.expect("compared");
    assert_eq!(store.clock().ahead(), 0);
}
