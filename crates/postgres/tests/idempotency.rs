//! The contracts of `ReceiptRepository` and of `Store::join`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

mod common;

use std::time::{Duration, Instant};

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    execute::{ExecuteError, Executed, execute},
    idempotency::{Claim, Fingerprint, IdempotencyKey, KeyedRequest, RECEIPT_LIFETIME, RenderedResponse},
    ids::TenantId,
    principal::Caller,
    resource::Record,
    store::{Store, StoreError, UnitOfWork},
    testing::{TypedRows, create, details},
};
use bwp_postgres::{
    PgStore, PoolSettings,
    testing::{Fixture, within},
};
use proptest::prelude::*;
use tokio::task::{JoinHandle, JoinSet};

use common::check;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("import-1").expect("a key")
}

fn request() -> KeyedRequest {
    KeyedRequest { key: key(), fingerprint: Fingerprint::of("POST", "/api/v1/contacts", b"{}") }
}

fn other_request() -> KeyedRequest {
    KeyedRequest { key: key(), fingerprint: Fingerprint::of("POST", "/api/v1/contacts", b"[]") }
}

fn response(body: &str) -> RenderedResponse {
    let headers = vec![("Location".to_owned(), "/api/v1/contacts/1".to_owned())];
    RenderedResponse { status: 201, headers, body: body.as_bytes().to_vec() }
}

async fn claim(uow: &mut dyn UnitOfWork, tenant: TenantId, request: &KeyedRequest, now: Timestamp) -> Claim {
    uow.receipts().claim(tenant, request, now).await.expect("claiming")
}

async fn record(uow: &mut dyn UnitOfWork, tenant: TenantId, response: &RenderedResponse) {
    uow.receipts().record(tenant, &key(), response).await.expect("recording");
}

/// A tenant, and a unit of work that has claimed the key for it.
async fn claimed() -> (Fixture, TenantId, Box<dyn UnitOfWork>) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), NOW).await, Claim::Fresh);
    (fixture, tenant, uow)
}

/// A tenant with a receipt.
async fn answered() -> (Fixture, TenantId) {
    let (fixture, tenant, mut uow) = claimed().await;
    record(&mut *uow, tenant, &response("first")).await;
    uow.commit().await.expect("a commit");
    (fixture, tenant)
}

/// Claims the key in a task of its own, and records an answer if it is fresh.
fn start_claiming(store: &PgStore, tenant: TenantId, now: Timestamp) -> JoinHandle<Claim> {
    let store = store.clone();
    tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        let claimed = claim(&mut *uow, tenant, &request(), now).await;
        if claimed == Claim::Fresh {
            record(&mut *uow, tenant, &response("second")).await;
            uow.commit().await.expect("a commit");
        } else {
            uow.rollback().await.expect("a roll-back");
        }
        claimed
    })
}

#[tokio::test]
async fn a_key_is_fresh_once_then_it_replays_and_stands_for_no_other_request() {
    let (fixture, tenant) = answered().await;
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), NOW).await, Claim::Replay(response("first")));
    assert_eq!(claim(&mut *uow, tenant, &other_request(), NOW).await, Claim::Mismatch);
}

#[tokio::test]
async fn the_second_claim_waits_for_the_first_to_commit_and_replays() {
    let (fixture, tenant, mut first) = claimed().await;
    let second = start_claiming(&fixture.store, tenant, NOW);
    fixture.until_waiting(1).await;
    record(&mut *first, tenant, &response("first")).await;
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("claimed"), Claim::Replay(response("first")));
}

#[tokio::test]
async fn the_second_claim_is_fresh_when_the_first_is_undone_or_dropped() {
    for drops in [false, true] {
        let (fixture, tenant, mut first) = claimed().await;
        let second = start_claiming(&fixture.store, tenant, NOW);
        fixture.until_waiting(1).await;
        record(&mut *first, tenant, &response("first")).await;
        if drops {
            drop(first);
        } else {
            first.rollback().await.expect("a roll-back");
        }
        assert_eq!(within("the second", second).await.expect("claimed"), Claim::Fresh);
        assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 1);
    }
}

#[tokio::test]
async fn a_claim_that_is_undone_leaves_nothing() {
    let (fixture, tenant, first) = claimed().await;
    first.rollback().await.expect("a roll-back");
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 0);
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &other_request(), NOW).await, Claim::Fresh);
}

#[tokio::test]
async fn a_claim_gives_up_after_one_second() {
    let (fixture, tenant, first) = claimed().await;
    let mut second = fixture.begin().await;
    let began = Instant::now();
    let claimed = within("the second", claim(&mut *second, tenant, &request(), NOW)).await;
    assert_eq!(claimed, Claim::Busy);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    second.rollback().await.expect("a roll-back");
    first.rollback().await.expect("a roll-back");
}

/// Diesel hands on what the server says, in the server's language, and not its SQLSTATE.
#[tokio::test]
async fn a_claim_that_gives_up_is_told_in_any_language() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    fixture
        .run(
            "CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'storniere Anfrage wegen Zeitüberschreitung einer Sperre' \
             USING ERRCODE = 'lock_not_available'; END $$; \
             CREATE TRIGGER give_up BEFORE INSERT ON idempotency_receipts FOR EACH ROW EXECUTE FUNCTION give_up()",
        )
        .await;
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), NOW).await, Claim::Busy);
}

#[tokio::test]
async fn only_the_claim_gives_up_after_one_second() {
    let (fixture, tenant, mut claimed) = claimed().await;
    let contact = fixture.contact(tenant, &details("Acme"), NOW).await;
    let mut other = fixture.begin().await;
    other.lock_row::<Contact>(tenant, contact.id).await.expect("locked");
    let began = Instant::now();
    let given_up = within("the lock", claimed.lock_row::<Contact>(tenant, contact.id)).await;
    assert!(matches!(given_up, Err(StoreError::Unavailable(_))), "{given_up:?}");
    assert!(began.elapsed() > Duration::from_millis(1_400), "a wait behind the claim is bounded by more than a second");
    other.rollback().await.expect("a roll-back");
}

#[tokio::test]
async fn a_receipt_is_good_for_24_hours_from_the_claim_to_the_millisecond() {
    let (fixture, tenant) = answered().await;
    let end = NOW.plus(RECEIPT_LIFETIME);
    let just_before = Timestamp::from_unix_millis(end.unix_millis() - 1);
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), just_before).await, Claim::Replay(response("first")));
    // From then on it is as if it were not there, for another request too.
    assert_eq!(claim(&mut *uow, tenant, &other_request(), end).await, Claim::Fresh);
    record(&mut *uow, tenant, &response("anew")).await;
    uow.commit().await.expect("a commit");
    let mut uow = fixture.begin().await;
    let later = Timestamp::from_unix_millis(end.plus(RECEIPT_LIFETIME).unix_millis() - 1);
    assert_eq!(claim(&mut *uow, tenant, &other_request(), later).await, Claim::Replay(response("anew")));
}

#[tokio::test]
async fn one_of_two_reclaims_an_expired_receipt_and_the_other_replays() {
    let (fixture, tenant) = answered().await;
    let end = NOW.plus(RECEIPT_LIFETIME);
    let mut first = fixture.begin().await;
    assert_eq!(claim(&mut *first, tenant, &request(), end).await, Claim::Fresh);
    let second = start_claiming(&fixture.store, tenant, end);
    fixture.until_waiting(1).await;
    record(&mut *first, tenant, &response("anew")).await;
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("claimed"), Claim::Replay(response("anew")));
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_does_not_take_a_receipt_for_expired() {
    let (fixture, tenant) = answered().await;
    // 2100-01-01.
    let ahead = Timestamp::from_unix_millis(4_102_444_800_000);
    fixture.run("UPDATE idempotency_receipts SET expires_at = now() + interval '1 minute'").await;
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), ahead).await, Claim::Replay(response("first")));
    uow.rollback().await.expect("a roll-back");
    fixture.run("UPDATE idempotency_receipts SET expires_at = now()").await;
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, tenant, &request(), ahead).await, Claim::Fresh);
}

#[tokio::test]
async fn a_reclaim_that_is_undone_brings_the_expired_receipt_back_and_it_can_be_reclaimed() {
    let (fixture, tenant) = answered().await;
    let end = NOW.plus(RECEIPT_LIFETIME);
    let mut first = fixture.begin().await;
    assert_eq!(claim(&mut *first, tenant, &other_request(), end).await, Claim::Fresh);
    first.rollback().await.expect("a roll-back");
    assert_eq!(within("claiming", start_claiming(&fixture.store, tenant, end)).await.expect("claimed"), Claim::Fresh);
}

#[tokio::test]
async fn another_tenants_key_is_another_key() {
    let (fixture, _, first) = claimed().await;
    let stranger = fixture.tenant().await.id;
    // While the first is open: it waits for nobody.
    let mut uow = fixture.begin().await;
    assert_eq!(claim(&mut *uow, stranger, &other_request(), NOW).await, Claim::Fresh);
    uow.receipts().record(stranger, &key(), &response("theirs")).await.expect("recording");
    uow.commit().await.expect("a commit");
    first.rollback().await.expect("a roll-back");
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 1);
}

#[tokio::test]
async fn waiting_for_a_key_takes_no_connection_and_ends() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let settings = PoolSettings { max_size: 1, ..PoolSettings::default() };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a pool");
    let key = key();
    let first = store.join(tenant, &key).await.expect("the key is free");
    let began = Instant::now();
    let (second, uow) = tokio::join!(within("the second", store.join(tenant, &key)), store.begin());
    uow.expect("the one connection is free").rollback().await.expect("a roll-back");
    assert!(second.is_none(), "the first never left");
    // The first may wait for a connection, too.
    assert!(began.elapsed() >= settings.wait + Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(store.join(fixture.tenant().await.id, &key).await.is_some(), "another tenant's key is another key");
    drop(first);
    assert!(store.join(tenant, &key).await.is_some());
}

#[tokio::test]
async fn of_64_at_once_on_two_servers_one_makes_a_contact_and_all_get_its_answer() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let servers = [fixture.store.clone(), fixture.database.store()];
    let mut calls = JoinSet::new();
    for (n, store) in servers.iter().cycle().take(64).enumerate() {
        let (store, environment) = (store.clone(), fixture.environment.clone());
        calls.spawn(async move {
            let command = create(&details(&format!("Acme {n}")));
            let render = |contact: &Record| response(&contact.id.to_string());
            execute(&store, &environment, &Caller::operator(tenant), Some(&request()), &command, render).await
        });
    }
    let (mut applied, mut bodies) = (0, Vec::new());
    while let Some(call) = calls.join_next().await {
        match call.expect("no panic") {
            Ok(Executed::Applied { response, .. }) => {
                applied += 1;
                bodies.push(response.body);
            }
            Ok(Executed::Replayed(response)) => bodies.push(response.body),
            Err(ExecuteError::KeyBusy) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(applied, 1);
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    for table in ["contacts", "outbox", "idempotency_receipts"] {
        assert_eq!(fixture.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
    }
}

#[test]
fn an_answer_survives_to_the_byte() {
    let headers = prop::collection::vec(("[a-z-]{1,20}", "[ -~]{0,40}"), 0..4);
    let responses = (200_u16..300, headers, prop::collection::vec(any::<u8>(), 0..2000))
        .prop_map(|(status, headers, body)| RenderedResponse { status, headers, body });
    check(48, &responses, &async |fixture, response| {
        let tenant = fixture.tenant().await.id;
        let mut uow = fixture.begin().await;
        prop_assert_eq!(claim(&mut *uow, tenant, &request(), NOW).await, Claim::Fresh);
        record(&mut *uow, tenant, &response).await;
        uow.commit().await.expect("a commit");
        let mut uow = fixture.begin().await;
        let Claim::Replay(replayed) = claim(&mut *uow, tenant, &request(), NOW).await else {
            return Err(TestCaseError::fail("a replay"));
        };
        prop_assert_eq!((replayed.status, replayed.headers), (response.status, response.headers));
        prop_assert_eq!(replayed.body, response.body);
        Ok(())
    });
}

#[tokio::test]
async fn an_error_that_takes_long_is_not_taken_for_a_wait() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    fixture
        .run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(1.2); RAISE EXCEPTION 'words that nobody foresaw'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON idempotency_receipts FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let mut uow = fixture.begin().await;
    let claimed = uow.receipts().claim(tenant, &request(), NOW).await;
    assert!(matches!(claimed, Err(StoreError::Internal(_))), "{claimed:?}");
}
