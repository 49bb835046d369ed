//! Behind a pooler in transaction mode nothing is promised less.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::time::Duration;

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    execute::{Executed, execute},
    idempotency::{Fingerprint, IdempotencyKey, KeyedRequest, RenderedResponse},
    ids::TenantId,
    keys::ports::KeyReader,
    paging::{Limit, PageRequest},
    principal::{Caller, Principal},
    resource::{Condition, Filter, Resource, ports::RowReader},
    scopes::ScopeSet,
    store::{Health, Store, StoreError},
    testing::{TypedReader, TypedRows, create, details},
    text::SearchText,
};
use bwp_postgres::{
    PgStore, PoolSettings, migrate,
    testing::{Fixture, Options, TestDatabase, TestPooler, until_ok, within},
};
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// Sessions of a pooler.
const SESSIONS: usize = 3;

fn store(pooler: &TestPooler) -> PgStore {
    PgStore::new(pooler.url(), PoolSettings::default()).expect("a pool")
}

fn pooler(fixture: &Fixture) -> TestPooler {
    TestPooler::start(&fixture.database.url(), SESSIONS, Options::Ignored)
}

#[derive(Debug, PartialEq, Eq, diesel::QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    finding: String,
}

/// What a query finds in each session of the pooler.
async fn in_each_session(pooler: &TestPooler, query: &str) -> Vec<String> {
    let (mut found, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..SESSIONS {
        let mut client = AsyncPgConnection::establish(pooler.url()).await.expect("the pooler answers");
        // It keeps its session, so that the next one gets another.
        client.batch_execute("BEGIN").await.expect("a transaction");
        let in_one: Vec<Finding> = diesel::sql_query(query).load(&mut client).await.expect("a look");
        found.extend(in_one.into_iter().map(|row| row.finding));
        clients.push(client);
    }
    for mut client in clients {
        client.batch_execute("ROLLBACK").await.expect("the session goes back");
    }
    found
}

fn searching(text: &str) -> Filter {
    let mut filter = Filter::all();
    let search = SearchText::parse(text).expect("no NUL");
    if let Some(text) = search {
        filter.add(Condition::Search(text));
    }
    filter
}

/// Some of all that a server does.
async fn work(store: &PgStore, tenant: TenantId) {
    let mut uow = store.begin().await.expect("a unit of work");
    let contact = uow.insert_row(tenant, &details("Acme"), NOW).await.expect("stored");
    uow.commit().await.expect("a commit");
    for _ in 0..2 * SESSIONS {
        assert_eq!(store.read_row::<Contact>(tenant, contact.id).await.expect("a look"), Some(contact.clone()));
        for filter in [Filter::all(), searching("acme")] {
            let page = PageRequest { limit: Limit::DEFAULT, after: None };
            let page = store.read_page::<Contact>(tenant, &filter, page).await.expect("a page");
            assert_eq!(page.items, std::slice::from_ref(&contact));
            assert_eq!(store.count(tenant, Contact::SHAPE, &filter).await.expect("a count"), 1);
        }
        store.begin().await.expect("a unit of work").rollback().await.expect("a roll-back");
    }
}

#[tokio::test]
async fn of_servers_that_start_at_once_one_takes_the_steps_and_no_lock_is_left_behind() {
    let database = TestDatabase::empty().await;
    let pooler = TestPooler::start(&database.url(), SESSIONS, Options::Ignored);
    let mut servers = JoinSet::new();
    for _ in 0..4 {
        let url = pooler.url().to_owned();
        servers.spawn(async move { migrate(&url).await.expect("the migrations run").applied.is_empty() });
    }
    let idle = within("the servers", servers.join_all()).await.into_iter().filter(|nothing| *nothing).count();
    assert_eq!(idle, 3);
    let left: Vec<Finding> = diesel::sql_query(
        "SELECT objid::text AS finding FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .load(&mut database.connection().await)
    .await
    .expect("the catalogue is readable");
    assert_eq!(left, []);
}

#[tokio::test]
async fn nothing_is_set_for_a_session() {
    const SET: &str = "SELECT name AS finding FROM pg_settings
        WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'TimeZone')";
    let fixture = Fixture::new().await;
    let pooler = pooler(&fixture);
    work(&store(&pooler), fixture.tenant().await.id).await;
    assert_eq!(in_each_session(&pooler, SET).await, [""; 0]);
}

#[tokio::test]
async fn a_statement_that_is_planned_anew_is_so_although_the_session_keeps_it() {
    const GENERIC: &str = "SELECT statement AS finding FROM pg_prepared_statements
        WHERE statement ILIKE '%ilike%' AND generic_plans > 0 AND statement NOT ILIKE '%pg_prepared%'";
    let fixture = Fixture::new().await;
    let database = fixture.database.name();
    // As a client may have left it.
    fixture.run(&format!("ALTER DATABASE {database} SET plan_cache_mode = force_generic_plan")).await;
    let pooler = pooler(&fixture);
    work(&store(&pooler), fixture.tenant().await.id).await;
    assert_eq!(in_each_session(&pooler, GENERIC).await, [""; 0]);
    let kept = in_each_session(&pooler, &GENERIC.replace("generic_plans > 0", "custom_plans > 0")).await;
    assert!(!kept.is_empty(), "the sessions keep no search");
}

#[tokio::test]
async fn a_transaction_has_its_bounds() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let contact = fixture.contact(tenant, &details("Acme"), NOW).await;
    let mut blocker = fixture.begin().await;
    blocker.lock_row::<Contact>(tenant, contact.id).await.expect("a lock");
    let settings = PoolSettings { statement_timeout: Duration::from_millis(50), ..PoolSettings::default() };
    let store = PgStore::new(pooler(&fixture).url(), settings).expect("a pool");
    let mut uow = until_ok("a unit of work", async || store.begin().await).await;
    let given_up = within("the wait", uow.lock_row::<Contact>(tenant, contact.id)).await;
    let Err(StoreError::Unavailable(why)) = given_up else { panic!("{given_up:?}") };
    assert!(why.contains("statement timeout"), "not the bound of a wait for a lock: {why}");
}

#[tokio::test]
async fn a_store_says_what_the_sessions_lack() {
    let fixture = Fixture::new().await;
    let database = fixture.database.name();
    fixture.store.check().await.expect("an answer");
    assert_eq!(fixture.store.pooler_lacks(), [""; 0], "there is none");
    assert!(!fixture.store.is_pooled().await.expect("a look"));
    fixture.run(&format!("ALTER DATABASE {database} SET client_connection_check_interval = 0")).await;
    let pooled = store(&pooler(&fixture));
    pooled.check().await.expect("an answer");
    assert_eq!(pooled.pooler_lacks(), ["statement_timeout", "client_connection_check_interval", "random_page_cost"]);
    assert!(pooled.is_pooled().await.expect("a look"));
    for setting in ["statement_timeout = 10000", "client_connection_check_interval = 500", "random_page_cost = 1.1"] {
        fixture.run(&format!("ALTER DATABASE {database} SET {setting}")).await;
    }
    let pooled = store(&pooler(&fixture));
    pooled.check().await.expect("an answer");
    assert_eq!(pooled.pooler_lacks(), [""; 0]);
}

#[tokio::test]
async fn a_pooler_may_refuse_settings() {
    let fixture = Fixture::new().await;
    let pooler = TestPooler::start(&fixture.database.url(), SESSIONS, Options::Refused);
    work(&store(&pooler), fixture.tenant().await.id).await;
}

/// A change's one statement would not see what was committed before it got its locks.
#[tokio::test]
async fn sessions_that_isolate_too_well_are_not_used() {
    let fixture = Fixture::new().await;
    let database = fixture.database.name();
    fixture.run(&format!("ALTER DATABASE {database} SET default_transaction_isolation = 'serializable'")).await;
    let refused = store(&pooler(&fixture)).check().await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("default_transaction_isolation")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn keyed_changes_at_once_are_made_once() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = fixture.key(tenant).await;
    let pooler = pooler(&fixture);
    let stores = [store(&pooler), store(&pooler)];
    let credential = stores[0].find_by_hash(&key.secret.hash()).await.expect("a look").expect("a credential");
    let mut changes = JoinSet::new();
    for n in 0..24 {
        let (store, environment, credential) = (stores[n % 2].clone(), fixture.environment.clone(), credential.clone());
        changes.spawn(async move {
            let caller = Caller { principal: Principal::Key(credential), address: None, needs: ScopeSet::EMPTY };
            let request = KeyedRequest {
                key: IdempotencyKey::parse(&format!("k{}", n / 4)).expect("a key"),
                fingerprint: Fingerprint::of("POST", "/", b"{}"),
            };
            let command = create(&details("Acme"));
            execute(&store, &environment, &caller, Some(&request), &command, |_| RenderedResponse::default()).await
        });
    }
    let done = within("the changes", changes.join_all()).await;
    let applied = done.iter().filter(|done| matches!(done, Ok(Executed::Applied { .. }))).count();
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!((applied, fixture.number("SELECT count(*) FROM contacts").await), (6, 6));
}
