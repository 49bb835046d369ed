//! The contracts of `Store`, `UnitOfWork` and `Outbox`.

use std::time::Duration;

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    events::{Actor, Event},
    execute::{Executed, execute},
    idempotency::{Fingerprint, IdempotencyKey, KeyedRequest, RenderedResponse},
    ids::{AccountId, ContactId, EventId, TenantId},
    keys::KeyState,
    principal::{Caller, Principal},
    resource::{Filter, Resource, Stored, Update, ports::RowReader},
    scopes::ScopeSet,
    store::{Health, Store, StoreError},
    testing::{TypedReader, TypedRows, create, details, update},
};
use bwp_postgres::{
    PgStore, PoolSettings,
    testing::{Fixture, until_ok, within},
};
use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn event(kind: &'static str) -> Event {
    Event {
        id: EventId::from_uuid(uuid::Uuid::from_u128(9)),
        kind,
        version: 1,
        occurred_at: NOW,
        resource: "contact",
        row: 7,
        actor: Actor { account: AccountId::new(3), key: None },
        data: json!({ "companyName": "Łódź 🏗\u{202e}" }),
        previous_attributes: None,
    }
}

async fn with_contact() -> (Fixture, TenantId, Stored<Contact>) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let contact = fixture.contact(tenant, &details("Acme"), NOW).await;
    (fixture, tenant, contact)
}

async fn contacts(fixture: &Fixture) -> i64 {
    fixture.number("SELECT count(*) FROM contacts").await
}

#[tokio::test]
async fn a_read_that_was_given_up_keeps_nobody_waiting() {
    let (fixture, tenant, contact) = with_contact().await;
    let settings = PoolSettings { max_size: 1, ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let connections =
        "SELECT sum(pid) FROM pg_stat_activity WHERE application_name = 'bwp' AND datname = current_database()";
    assert_eq!(store.read_row::<Contact>(tenant, contact.id).await.expect("a look"), Some(contact.clone()));
    let before = fixture.number(connections).await;
    assert_eq!(store.read_row::<Contact>(tenant, contact.id).await.expect("a look"), Some(contact.clone()));
    assert_eq!(fixture.number(connections).await, before, "the connection is used again");

    let mut locking = fixture.database.connection().await;
    locking.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    let given_up =
        tokio::time::timeout(Duration::from_millis(200), store.read_row::<Contact>(tenant, contact.id)).await;
    assert!(given_up.is_err(), "the table is locked");
    // The one connection is at work on the read that nobody waits for, until the statement's time is over: the next one
    // gets another.
    until_ok("an answer", async || store.check().await).await;
    locking.batch_execute("ROLLBACK").await.expect("unlocked");
    assert_eq!(until_ok("a look", async || store.read_row::<Contact>(tenant, contact.id).await).await, Some(contact));
}

#[tokio::test]
async fn many_reads_that_take_long_leave_connections_to_changes() {
    let (fixture, tenant, _) = with_contact().await;
    let store_that_waits = |wait| {
        let settings = PoolSettings { max_size: 4, wait, ..PoolSettings::default() };
        PgStore::new(&fixture.database.url(), settings).expect("a pool")
    };
    let mut locking = fixture.database.connection().await;
    locking.batch_execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    let many_reads = |store: &PgStore| -> Vec<_> {
        let read = |store: PgStore| async move { store.count(tenant, Contact::SHAPE, &Filter::all()).await };
        (0..16).map(|_| tokio::spawn(read(store.clone()))).collect()
    };
    let store = store_that_waits(Duration::from_hours(1));
    let reads = many_reads(&store);
    fixture.until_waiting(1).await;
    let begun = within("a connection", store.begin()).await;
    begun.expect("a unit of work").rollback().await.expect("a roll-back");
    assert!(reads.iter().all(|read| !read.is_finished()), "it was waited for reads");
    for read in many_reads(&store_that_waits(Duration::from_millis(500))) {
        let refused = within("a refusal", read).await.expect("no panic").expect_err("too many");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    }
}

#[tokio::test]
async fn nobody_sees_a_change_before_it_is_committed_and_all_see_it_after() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    let contact = uow.insert_row(tenant, &details("Acme"), NOW).await.expect("stored");
    uow.outbox().append(tenant, &[event("contact.created")]).await.expect("appended");
    assert_eq!(fixture.store.read_row::<Contact>(tenant, contact.id).await.expect("a look"), None);
    assert_eq!(fixture.number("SELECT count(*) FROM outbox").await, 0);
    uow.commit().await.expect("a commit");
    assert_eq!(fixture.store.read_row::<Contact>(tenant, contact.id).await.expect("a look"), Some(contact));
    assert_eq!(fixture.number("SELECT count(*) FROM outbox").await, 1);
}

#[tokio::test]
async fn each_statement_sees_what_others_have_committed_whatever_the_databases_default_is() {
    let (fixture, tenant, contact) = with_contact().await;
    let database = fixture.database.name();
    fixture.run(&format!("ALTER DATABASE {database} SET default_transaction_isolation = 'serializable'")).await;
    let store = fixture.database.store();
    let mut uow = store.begin().await.expect("a unit of work");
    assert_eq!(uow.lock_row::<Contact>(tenant, contact.id).await.expect("its first statement"), Some(contact));
    let newer = fixture.contact(tenant, &details("Bolt"), NOW).await;
    assert_eq!(uow.lock_row::<Contact>(tenant, newer.id).await.expect("a lock"), Some(newer));
}

#[tokio::test]
async fn a_roll_back_keeps_nothing_and_gives_the_connection_back() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    uow.insert_row(tenant, &details("Acme"), NOW).await.expect("stored");
    uow.outbox().append(tenant, &[event("contact.created")]).await.expect("appended");
    uow.rollback().await.expect("a roll-back");
    fixture.until_quiet().await;
    assert_eq!((contacts(&fixture).await, fixture.number("SELECT count(*) FROM outbox").await), (0, 0));
}

#[tokio::test]
async fn a_dropped_unit_of_work_leaves_no_transaction_open() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    uow.lock_row::<Contact>(tenant, contact.id).await.expect("a lock");
    uow.insert_row(tenant, &details("Bolt"), NOW).await.expect("stored");
    drop(uow);
    fixture.until_quiet().await;
    assert_eq!(contacts(&fixture).await, 1);
}

#[tokio::test]
async fn a_unit_of_work_that_is_dropped_in_the_middle_of_a_statement_lets_go_of_its_locks() {
    let (fixture, tenant, first) = with_contact().await;
    let second = fixture.contact(tenant, &details("Bolt"), NOW).await;
    let mut blocker = fixture.begin().await;
    blocker.lock_row::<Contact>(tenant, second.id).await.expect("a lock");
    // A server that does not look whether its clients are still there by itself, and a statement without end.
    let database = fixture.database.name();
    fixture.run(&format!("ALTER DATABASE {database} SET client_connection_check_interval = 0")).await;
    let settings = PoolSettings { statement_timeout: Duration::from_mins(5), ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let ids = [first.id, second.id];
    let request = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        for id in ids {
            uow.lock_row::<Contact>(tenant, id).await.expect("a lock");
        }
    });
    fixture.until_waiting(1).await;
    // The client of this request goes away while it waits for the second lock. Nobody lets go of that one.
    request.abort();
    let mut next = fixture.begin().await;
    let locked = within("the first lock", next.lock_row::<Contact>(tenant, first.id)).await.expect("a lock");
    assert_eq!(locked, Some(first));
    next.rollback().await.expect("a roll-back");
    blocker.rollback().await.expect("a roll-back");
    fixture.until_quiet().await;
}

#[tokio::test]
async fn whenever_a_request_is_dropped_it_leaves_all_or_nothing_and_no_transaction() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let store =
        PgStore::new(&fixture.database.url(), PoolSettings { max_size: 4, ..PoolSettings::default() }).expect("a pool");
    for polls in 0..120 {
        let store = store.clone();
        let request = async move {
            let mut uow = store.begin().await?;
            uow.insert_row(tenant, &details("Acme"), NOW).await?;
            uow.outbox().append(tenant, &[event("contact.created")]).await?;
            uow.commit().await
        };
        poll_some(request, polls % 40).await;
    }
    fixture.until_quiet().await;
    assert_eq!(contacts(&fixture).await, fixture.number("SELECT count(*) FROM outbox").await);
    store.check().await.expect("the pool still gives connections");
}

/// Polls a future until it is ready, but not more than `polls` times, and drops it.
async fn poll_some<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn what_failed_cannot_be_committed() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    uow.insert_row(tenant, &details("Acme"), NOW).await.expect("stored");
    let mut orphan = details("Bolt");
    orphan.parent_contact_id = ContactId::new(4_000_000_000);
    let failed = uow.insert_row(tenant, &orphan, NOW).await;
    assert!(matches!(failed, Err(StoreError::Internal(_))), "{failed:?}");
    let committed = uow.commit().await;
    assert!(matches!(committed, Err(StoreError::Internal(_))), "{committed:?}");
    fixture.until_quiet().await;
    assert_eq!(contacts(&fixture).await, 0);
}

#[tokio::test]
async fn a_look_up_that_finds_nothing_is_no_failure() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    assert_eq!(uow.lock_row::<Contact>(tenant, 1).await.expect("a look"), None);
    uow.insert_row(tenant, &details("Acme"), NOW).await.expect("stored");
    uow.commit().await.expect("a commit");
    assert_eq!(contacts(&fixture).await, 1);
}

/// Gives the contact this parent.
fn reparent(id: i64, parent: i64) -> Update {
    update::<Contact>(id, &json!({ "parentContactId": parent }))
}

#[tokio::test]
async fn a_deadlock_is_a_conflict() {
    let (fixture, tenant, first) = with_contact().await;
    let second = fixture.contact(tenant, &details("Bolt"), NOW).await;
    let crossing = async |one: i64, other: i64| {
        let mut uow = fixture.begin().await;
        uow.lock_row::<Contact>(tenant, one).await.expect("the first lock is free");
        fixture
            .until(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL",
                2,
            )
            .await;
        let locked = uow.lock_row::<Contact>(tenant, other).await;
        uow.rollback().await.expect("a roll-back");
        locked
    };
    let (one, other) =
        within("one of the two", async { tokio::join!(crossing(first.id, second.id), crossing(second.id, first.id)) })
            .await;
    let conflicts = [one, other].iter().filter(|locked| matches!(locked, Err(StoreError::Conflict(_)))).count();
    assert_eq!(conflicts, 1);
}

#[tokio::test]
async fn changes_that_stand_in_each_others_way_are_all_made() {
    let (fixture, tenant, first) = with_contact().await;
    let second = fixture.contact(tenant, &details("Bolt"), NOW).await;
    let mut changes = JoinSet::new();
    for n in 0..8 {
        let (id, parent) = if n % 2 == 0 { (first.id, second.id) } else { (second.id, first.id) };
        let (store, environment) = (fixture.store.clone(), fixture.environment.clone());
        changes.spawn(async move {
            let caller = Caller::operator(tenant);
            execute(&store, &environment, &caller, None, &reparent(id, parent), |_| RenderedResponse::default()).await
        });
    }
    while let Some(change) = within("the changes", changes.join_next()).await {
        let done = change.expect("no panic");
        assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
    }
    assert_eq!(fixture.number("SELECT count(*) FROM contacts WHERE parent_contact_id IS NOT NULL").await, 2);
}

#[tokio::test]
async fn a_revoked_key_writes_nothing_and_leaves_no_claim() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let made = fixture.key(tenant).await;
    let mut uow = fixture.begin().await;
    let key = uow.keys().lock(tenant, made.key.id).await.expect("a lock").expect("the key");
    let revoked = bwp_domain::keys::ApiKey { state: KeyState::Revoked { at: NOW }, ..key };
    uow.keys().update(tenant, &revoked).await.expect("stored");
    let credential = uow.credentials().hold(tenant, revoked.id).await.expect("held").expect("a credential");
    uow.commit().await.expect("a commit");
    let caller = Caller { principal: Principal::Key(credential), address: None, needs: ScopeSet::EMPTY };
    let request = KeyedRequest {
        key: IdempotencyKey::parse("k").expect("a key"),
        fingerprint: Fingerprint::of("POST", "/", b"{}"),
    };
    let command = create(&details("Acme"));
    let done = execute(&fixture.store, &fixture.environment, &caller, Some(&request), &command, |_| {
        RenderedResponse::default()
    });
    assert!(done.await.is_err());
    fixture.until_quiet().await;
    for table in ["contacts", "outbox", "idempotency_receipts"] {
        assert_eq!(fixture.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn whoever_finds_no_connection_free_is_told_in_time() {
    let fixture = Fixture::new().await;
    let settings = PoolSettings { max_size: 1, wait: Duration::from_millis(50), ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let taken = until_ok("a unit of work", async || store.begin().await).await;
    let refused = within("the second", store.begin()).await.err();
    assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
    until_ok("short reads have connections of their own", async || store.check().await).await;
    taken.rollback().await.expect("a roll-back");
    let next = until_ok("the connection came back", async || store.begin().await).await;
    next.rollback().await.expect("a roll-back");
}

#[tokio::test]
async fn whoever_comes_when_many_wait_is_told_at_once() {
    let fixture = Fixture::new().await;
    let settings =
        PoolSettings { max_size: 1, max_waiting: 2, wait: Duration::from_secs(15), ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let taken = store.begin().await.expect("a unit of work");
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.begin().await.expect("its turn").rollback().await })
        })
        .collect();
    while store.pool_use().waiting < 2 {
        tokio::task::yield_now().await;
    }
    let refused = store.begin().await.err();
    assert!(matches!(refused, Some(StoreError::Busy(_))), "{refused:?}");
    // Other connections of the same process are not taken by that.
    let settings = PoolSettings { max_size: 1, ..PoolSettings::default() };
    let another = store.for_thread(settings).expect("a pool");
    another.begin().await.expect("a unit of work").rollback().await.expect("a roll-back");
    taken.rollback().await.expect("a roll-back");
    for waiter in waiting {
        within("a waiter", waiter).await.expect("no panic").expect("a roll-back");
    }
    store.begin().await.expect("there is room again").rollback().await.expect("a roll-back");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let fixture = Fixture::new().await;
    let url = fixture.database.url();
    let absent = url.replace("/test_", "/absent_");
    assert_ne!(absent, url);
    let store = PgStore::new(&absent, PoolSettings::default()).expect("a pool connects when it is used");
    let refused = store.check().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

const END_OTHER_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_lost_connection_is_unavailable_and_the_next_one_works() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut uow = fixture.begin().await;
    uow.lock_row::<Contact>(tenant, contact.id).await.expect("a lock");
    fixture.run(END_OTHER_SESSIONS).await;
    let lost = uow.lock_row::<Contact>(tenant, contact.id).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    let committed = uow.commit().await;
    assert!(committed.is_err(), "{committed:?}");
    fixture.store.check().await.expect("a new connection");
}

#[tokio::test]
async fn connections_that_were_lost_in_the_pool_are_noticed_before_they_are_used() {
    let fixture = Fixture::new().await;
    let idle = [fixture.begin().await, fixture.begin().await, fixture.begin().await];
    for uow in idle {
        uow.rollback().await.expect("a roll-back");
    }
    fixture.run(END_OTHER_SESSIONS).await;
    fixture
        .until(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            0,
        )
        .await;
    // The client learns of it as soon as it looks at its sockets.
    tokio::task::yield_now().await;
    for _ in 0..3 {
        fixture.store.check().await.expect("a connection that works");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let (fixture, tenant, contact) = with_contact().await;
    let mut blocker = fixture.begin().await;
    blocker.lock_row::<Contact>(tenant, contact.id).await.expect("a lock");
    let settings = PoolSettings { statement_timeout: Duration::from_millis(50), ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let mut uow = until_ok("a unit of work", async || store.begin().await).await;
    let given_up = within("the wait", uow.lock_row::<Contact>(tenant, contact.id)).await;
    assert!(matches!(given_up, Err(StoreError::Unavailable(_))), "{given_up:?}");
}

#[tokio::test]
async fn events_are_kept_as_they_are() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let updated = Event { previous_attributes: Some(json!({ "notes": null })), ..event("contact.updated") };
    let mut uow = fixture.begin().await;
    uow.outbox().append(tenant, &[event("contact.created"), updated]).await.expect("appended");
    uow.commit().await.expect("a commit");
    let as_expected = format!(
        "SELECT count(*) FROM outbox WHERE tenant_id = {tenant} AND event_id = '{}' AND version = 1
            AND occurred_at = to_timestamp({} / 1000.0) AND (resource, row_id, account_id) = ('contact', 7, 3)
            AND key_id IS NULL AND position IS NULL AND body = '{}'",
        uuid::Uuid::from_u128(9),
        NOW.unix_millis(),
        event("contact.created").body(tenant),
    );
    assert_eq!(fixture.number(&as_expected).await, 1);
    let second = "SELECT count(*) FROM outbox WHERE kind = 'contact.updated' AND body LIKE '%,\"previous_attributes\":{\"notes\":null}}'";
    assert_eq!(fixture.number(second).await, 1);
}
