//! What is thrown away, and what is not.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::time::Duration;

use bwp_domain::{
    clock::Timestamp,
    idempotency::{Claim, Fingerprint, IdempotencyKey, KeyedRequest, RECEIPT_LIFETIME, RenderedResponse},
    ids::AccountId,
    sessions::Session,
    sign_in::{DEVICE_LIFETIME, Failures},
    users::Role,
    webhooks::delivery::KEPT_FOR,
};
use bwp_postgres::{
    Purged,
    testing::{Fixture, within},
};
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// 2100-01-01.
const AHEAD: Timestamp = Timestamp::from_unix_millis(4_102_444_800_000);

const fn after(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOW.unix_millis() + millis)
}

fn request(key: &str) -> KeyedRequest {
    let key = IdempotencyKey::parse(key).expect("a key");
    KeyedRequest { key, fingerprint: Fingerprint::of("POST", "/", b"{}") }
}

async fn purge(fixture: &Fixture, now: Timestamp) -> Purged {
    within("the purge", fixture.store.purge(now)).await.expect("purged")
}

/// Stores `count` receipts of one tenant that are over at `NOW`.
async fn expired_receipts(fixture: &Fixture, count: usize) {
    fixture
        .run(&format!(
            "INSERT INTO idempotency_receipts (tenant_id, key, fingerprint, expires_at)
             SELECT 1, n, sha256('') , to_timestamp({} / 1000.0) FROM generate_series(1, {count}) AS n",
            NOW.unix_millis()
        ))
        .await;
}

#[tokio::test]
async fn a_receipt_goes_when_its_time_is_over_and_not_a_millisecond_before() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut uow = fixture.begin().await;
    assert_eq!(uow.receipts().claim(tenant, &request("k"), NOW).await.expect("claimed"), Claim::Fresh);
    uow.receipts().record(tenant, &request("k").key, &RenderedResponse::default()).await.expect("recorded");
    uow.commit().await.expect("a commit");
    let end = NOW.plus(RECEIPT_LIFETIME);
    let just_before = Timestamp::from_unix_millis(end.unix_millis() - 1);
    assert_eq!(purge(&fixture, just_before).await, Purged::default());
    assert_eq!(purge(&fixture, end).await, Purged { receipts: 1, ..Purged::default() });
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 0);
}

/// Stores an event that occurred at a time, and was read or not.
async fn event(fixture: &Fixture, occurred_at: &str, read: bool) {
    let position = if read { "nextval('event_positions')" } else { "NULL" };
    fixture
        .run(&format!(
            "INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body, position)
             VALUES (1, gen_random_uuid(), 'contact.created', 1, {occurred_at}, '{{}}', {position})"
        ))
        .await;
}

#[tokio::test]
async fn events_go_30_days_after_they_happened_and_not_a_millisecond_before() {
    let fixture = Fixture::new().await;
    let old = |millis| at(after(millis).minus(KEPT_FOR));
    for millis in [-1, 0, 1] {
        event(&fixture, &old(millis), true).await;
    }
    assert_eq!(purge(&fixture, NOW).await, Purged { events: 2, ..Purged::default() });
    assert_eq!(purge(&fixture, NOW).await, Purged::default());
    assert_eq!(purge(&fixture, after(1)).await, Purged { events: 1, ..Purged::default() });
}

#[tokio::test]
async fn events_that_were_not_read_stay_however_old_they_are() {
    let fixture = Fixture::new().await;
    event(&fixture, "'2020-01-01'", false).await;
    event(&fixture, "'2020-01-01'", true).await;
    assert_eq!(purge(&fixture, NOW).await, Purged { events: 1, ..Purged::default() });
    assert_eq!(purge(&fixture, NOW).await, Purged::default());
    assert_eq!(fixture.number("SELECT count(*) FROM outbox WHERE position IS NULL").await, 1);
}

#[tokio::test]
async fn an_event_stays_as_long_as_its_deliveries_and_these_for_30_days_after_they_ended() {
    let fixture = Fixture::new().await;
    event(&fixture, "'2020-01-01'", true).await;
    let delivery = |completed: &str| {
        format!(
            "INSERT INTO webhook_deliveries
                 (tenant_id, endpoint_id, outbox_id, event_id, event_type, created_at, status, is_first, completed_at, next_attempt_at)
             SELECT 1, 1, id, event_id, kind, '2020-01-01', 'succeeded', false, {completed},
                 CASE WHEN {completed}::timestamptz IS NULL THEN now() END
             FROM outbox"
        )
    };
    for completed in [&at(NOW.minus(KEPT_FOR)), &at(after(1).minus(KEPT_FOR)), "NULL"] {
        fixture.run(&delivery(completed)).await;
    }
    assert_eq!(purge(&fixture, NOW).await, Purged { deliveries: 1, ..Purged::default() });
    assert_eq!(purge(&fixture, after(1)).await, Purged { deliveries: 1, ..Purged::default() });
    assert_eq!(purge(&fixture, AHEAD).await, Purged::default(), "one is still on its way");
    fixture.run("DELETE FROM webhook_deliveries").await;
    assert_eq!(purge(&fixture, NOW).await, Purged { events: 1, ..Purged::default() });
}

#[tokio::test]
async fn years_of_events_go_in_batches_while_others_are_appended_and_one_is_held() {
    let fixture = Fixture::new().await;
    let many = "INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body, position)
                SELECT 1 + n % 3, gen_random_uuid(), 'contact.created', 1, '2020-01-01', '{}', nextval('event_positions')
                FROM generate_series(1, 2500) AS n";
    fixture.run(many).await;
    let mut other = fixture.database.connection().await;
    let hold = "BEGIN; SELECT FROM outbox WHERE id = (SELECT min(id) FROM outbox) FOR UPDATE";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut other, hold).await.expect("held");
    let mut batches = Vec::new();
    while let Purged { events: events @ 1.., .. } = purge(&fixture, NOW).await {
        batches.push(events);
        // It waits for nobody, and nobody waits for it.
        event(&fixture, "now() + interval '1 day'", true).await;
    }
    assert_eq!(batches, [1000, 1000, 499], "all but the one that another holds");
    assert_eq!(fixture.number("SELECT count(*) FROM outbox").await, 4);
    diesel_async::SimpleAsyncConnection::batch_execute(&mut other, "ROLLBACK").await.expect("let go");
    assert_eq!(purge(&fixture, NOW).await, Purged { events: 1, ..Purged::default() });
    assert_eq!(fixture.number("SELECT count(*) FROM outbox").await, 3);
}

#[tokio::test]
async fn much_is_purged_in_batches_until_nothing_is_left() {
    let fixture = Fixture::new().await;
    expired_receipts(&fixture, 2_500).await;
    let mut batches = Vec::new();
    while let Purged { receipts: receipts @ 1.., .. } = purge(&fixture, NOW).await {
        batches.push(receipts);
    }
    assert_eq!(batches, [1000, 1000, 500]);
}

#[tokio::test]
async fn servers_that_purge_at_once_pass_over_each_others_rows_and_wait_for_nobody() {
    let fixture = Fixture::new().await;
    expired_receipts(&fixture, 3_000).await;
    let mut servers = JoinSet::new();
    for _ in 0..3 {
        let store = fixture.store.clone();
        servers.spawn(async move { store.purge(NOW).await.expect("purged").receipts });
    }
    let mut purged = 0;
    while let Some(receipts) = within("the purges", servers.join_next()).await {
        purged += receipts.expect("no panic");
    }
    let left = fixture.number("SELECT count(*) FROM idempotency_receipts").await;
    assert_eq!(i64::try_from(purged).expect("a small number") + left, 3_000, "none counts twice");
}

#[tokio::test]
async fn a_receipt_that_is_just_reclaimed_is_passed_over() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    expired_receipts(&fixture, 1).await;
    let mut uow = fixture.begin().await;
    assert_eq!(uow.receipts().claim(tenant, &request("1"), NOW).await.expect("claimed"), Claim::Fresh);
    assert_eq!(purge(&fixture, NOW).await, Purged::default());
    uow.commit().await.expect("a commit");
    assert_eq!(purge(&fixture, NOW).await, Purged::default());
}

/// A statement's text for a moment.
fn at(time: Timestamp) -> String {
    format!("to_timestamp({} / 1000.0)", time.unix_millis())
}

#[tokio::test]
async fn sessions_browsers_and_failures_go_when_they_are_good_for_nothing() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let user = fixture.user(tenant, "ann@example.com", Role::Member).await;
    let millisecond = Duration::from_millis(1);
    let (idle, device, window) = (Session::IDLE, DEVICE_LIFETIME, Failures::WINDOW);
    for (id, seen_before) in [(1, idle), (2, idle.saturating_sub(millisecond))] {
        let long_ago = at(NOW.minus(Session::LIFETIME));
        fixture
            .run(&format!(
                "INSERT INTO sessions (token_hash, account_id, created_at, seen_at)
                 VALUES (sha256('{id}'), {}, {long_ago}, {})",
                user.account.id,
                at(NOW.minus(seen_before)),
            ))
            .await;
    }
    for (id, before) in [(1, device), (2, device.saturating_sub(millisecond))] {
        let row = format!("{}, sha256('{id}'), {}", user.account.id, at(NOW.minus(before)));
        fixture.run(&format!("INSERT INTO known_browsers VALUES ({row})")).await;
    }
    for (id, before) in [(1, window), (2, window.saturating_sub(millisecond))] {
        let last = at(NOW.minus(before));
        fixture.run(&format!("INSERT INTO sign_in_failures VALUES (sha256('{id}'), ARRAY[{last}], {last})")).await;
    }
    let one_each = Purged { sessions: 1, browsers: 1, failures: 1, ..Purged::default() };
    assert_eq!(purge(&fixture, NOW).await, one_each);
    assert_eq!(purge(&fixture, NOW).await, Purged::default());
    for table in ["sessions", "known_browsers", "sign_in_failures"] {
        assert_eq!(fixture.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
    }
}

/// Rows of each kind that have been of no use for so long, or will be for so long if it is negative, by the database's clock.
async fn over_since(fixture: &Fixture, account: AccountId, minutes: i64) {
    let ago = |lifetime: Duration| {
        format!("now() - interval '{} seconds' - interval '{minutes} minutes'", lifetime.as_secs())
    };
    let id = format!("sha256('{minutes}')");
    let (receipt, event, worker) = (ago(Duration::ZERO), ago(KEPT_FOR), ago(Duration::from_hours(24)));
    let (session, browser, failure) = (ago(Session::IDLE), ago(DEVICE_LIFETIME), ago(Failures::WINDOW));
    fixture
        .run(&format!(
            "INSERT INTO idempotency_receipts (tenant_id, key, fingerprint, expires_at) VALUES (1, {minutes}, {id}, {receipt});
             INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body, position)
                VALUES (1, gen_random_uuid(), 'contact.created', 1, {event}, '{{}}', nextval('event_positions'));
             INSERT INTO webhook_deliveries
                (tenant_id, endpoint_id, outbox_id, event_id, event_type, created_at, status, is_first, completed_at)
                VALUES (1, 1, -1, gen_random_uuid(), 'contact.created', {event}, 'succeeded', false, {event});
             INSERT INTO webhook_workers VALUES (gen_random_uuid(), {worker});
             INSERT INTO sessions (token_hash, account_id, created_at, seen_at) VALUES ({id}, {account}, {session}, {session});
             INSERT INTO known_browsers VALUES ({account}, {id}, {browser});
             INSERT INTO sign_in_failures VALUES ({id}, ARRAY[{failure}], {failure})"
        ))
        .await;
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_throws_away_no_more_than_others_would() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let account = fixture.user(tenant, "ann@example.com", Role::Member).await.account.id;
    for minutes in [1, -1] {
        over_since(&fixture, account, minutes).await;
    }
    let purge = || within("the purge", fixture.store.purge(AHEAD));
    let one_each = Purged {
        receipts: 1,
        events: 1,
        deliveries: 1,
        workers: 1,
        sessions: 1,
        browsers: 1,
        failures: 1,
        ..Purged::default()
    };
    assert_eq!(purge().await.expect("purged"), one_each);
    assert_eq!(purge().await.expect("purged"), Purged::default());
}

#[tokio::test]
async fn the_search_indexes_are_tidied_by_one_server_at_a_time() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let make = async |name: &str| {
        fixture.contact(tenant, &bwp_domain::testing::details(name), NOW).await;
        let lead = format!(
            "INSERT INTO leads (tenant_id, name, stage_id, created_at, updated_at)
             SELECT tenant_id, '{name}', id, now(), now() FROM lead_stages WHERE is_default"
        );
        fixture.run(&lead).await;
    };
    let lists = async || {
        let mut pages = Vec::new();
        for index in ["contacts_search", "leads_search"] {
            pages.push(fixture.number(&format!("SELECT gin_clean_pending_list('{index}')")).await);
        }
        pages
    };
    let tidying = || within("tidying", fixture.store.tidy_search());
    make("Acme").await;
    let mut other = fixture.database.connection().await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(6::bigint << 56)";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut other, lock).await.expect("locked");
    tidying().await.expect("left to another server");
    assert!(lists().await.iter().all(|pages| *pages > 0), "it was left to another server");
    diesel_async::SimpleAsyncConnection::batch_execute(&mut other, "ROLLBACK").await.expect("unlocked");
    make("Bolt").await;
    tidying().await.expect("tidied");
    assert_eq!(lists().await, [0, 0], "nothing is left to do");
}

#[tokio::test]
async fn an_app_goes_that_nobody_let_in_and_tokens_whose_time_is_long_over() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let days = |days: u64| Duration::from_hours(24 * days);
    let at = format!("to_timestamp({} / 1000.0)", NOW.unix_millis());
    fixture
        .run(&format!(
            "INSERT INTO users (tenant_id, role, created_at) VALUES ({tenant}, 'viewer', {at});
             INSERT INTO oauth_clients
                (public_id, name, redirect_uris, auth_method, refreshes, scopes, fingerprint, created_at)
                SELECT gen_random_uuid(), n, '{{}}', 'none', true, '{{}}', sha256(n::text::bytea), {at}
                FROM generate_series(1, 2) AS n;
             INSERT INTO oauth_grants (tenant_id, client_id, user_id, scopes, resource, created_at)
                SELECT {tenant}, (SELECT min(id) FROM oauth_clients), id, '{{}}', 'server', {at} FROM users;
             INSERT INTO oauth_access_tokens (tenant_id, grant_id, token_hash, scopes, created_at, expires_at)
                SELECT {tenant}, id, sha256('a'), '{{}}', {at}, {at} FROM oauth_grants;
             INSERT INTO oauth_refresh_tokens (tenant_id, grant_id, token_hash, expires_at)
                SELECT {tenant}, id, sha256('r'), {at} FROM oauth_grants"
        ))
        .await;
    let just_before = |end: Timestamp| Timestamp::from_unix_millis(end.unix_millis() - 1);
    assert!(purge(&fixture, just_before(NOW.plus(days(7)))).await.is_empty());
    assert_eq!(purge(&fixture, NOW.plus(days(7))).await, Purged { tokens: 2, ..Purged::default() });
    assert!(purge(&fixture, just_before(NOW.plus(days(90)))).await.is_empty());
    assert_eq!(purge(&fixture, NOW.plus(days(90))).await, Purged { apps: 1, ..Purged::default() });
}
