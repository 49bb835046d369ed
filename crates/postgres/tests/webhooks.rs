//! The contracts of reading the outbox and of queues of deliveries.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::collections::BTreeSet;

use bwp_domain::{
    clock::Timestamp,
    events::{EventFeed, EventReader, FannedOut, FeedFilter, FeedPosition},
    ids::{EndpointId, EventId, TenantId},
    paging::Limit,
    webhooks::{
        DeliveryStatus,
        ports::{DeliveryQueues, Outcome, QueueId, Refill, WorkerId},
    },
};
use bwp_postgres::testing::Fixture;
use diesel_async::SimpleAsyncConnection;
use tokio::task::JoinSet;

const ONE: WorkerId = WorkerId(1);
const OTHER: WorkerId = WorkerId(2);

fn event(tenant: TenantId, name: &str) -> String {
    format!(
        "INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body)
         VALUES ({tenant}, gen_random_uuid(), 'contact.created', 1, now(), '{name}')"
    )
}

/// A tenant with endpoints that want what contacts tell.
async fn with_endpoints(count: usize) -> (Fixture, TenantId) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    fixture
        .run(&format!(
            "INSERT INTO webhook_endpoints (tenant_id, url, event_types, secret, active_since, created_at, updated_at)
             SELECT {tenant}, 'https://example.com/', '{{contact.created}}', '', now(), now(), now()
             FROM generate_series(1, {count});
             INSERT INTO webhook_queues (tenant_id, endpoint_id) SELECT tenant_id, id FROM webhook_endpoints"
        ))
        .await;
    (fixture, tenant)
}

async fn read(fixture: &Fixture) -> FannedOut {
    fixture.store.fan_out(100).await.expect("read")
}

async fn feed(fixture: &Fixture, tenant: TenantId, after: FeedPosition) -> (Vec<String>, FeedPosition) {
    let limit = Limit::LARGEST;
    let page =
        fixture.store.events(tenant, &FeedFilter::default(), after, Timestamp::MIN, limit).await.expect("events");
    (page.bodies, page.position)
}

fn first(queue: QueueId) -> Refill {
    Refill { queue, seen: 0, after: 0, more: false }
}

#[tokio::test]
async fn an_event_that_is_committed_late_is_read_late_and_none_twice() {
    let (fixture, tenant) = with_endpoints(1).await;
    let mut slow = fixture.database.connection().await;
    slow.batch_execute(&format!("BEGIN; {}", event(tenant, "slow"))).await.expect("written");
    fixture.run(&event(tenant, "quick")).await;
    assert_eq!(read(&fixture).await, FannedOut { events: 1, deliveries: 1 });
    assert_eq!(read(&fixture).await, FannedOut::default());
    let (seen, after) = feed(&fixture, tenant, FeedPosition::default()).await;
    assert_eq!(seen, ["quick"]);
    slow.batch_execute("COMMIT").await.expect("committed");
    assert_eq!(read(&fixture).await, FannedOut { events: 1, deliveries: 1 });
    assert_eq!(feed(&fixture, tenant, after).await.0, ["slow"]);
    assert_eq!(feed(&fixture, tenant, FeedPosition::default()).await.0, ["quick", "slow"]);
}

#[tokio::test]
async fn events_of_a_row_are_in_the_order_of_its_changes_whichever_transaction_began_first() {
    let (fixture, tenant) = with_endpoints(1).await;
    fixture.run("CREATE TABLE changed (id int PRIMARY KEY, n int); INSERT INTO changed VALUES (1, 0), (2, 0)").await;
    // It has its number before the other one has: it has written something else.
    let mut early = fixture.database.connection().await;
    early.batch_execute("BEGIN; UPDATE changed SET n = 1 WHERE id = 2").await.expect("written");
    let change = format!("UPDATE changed SET n = n + 1 WHERE id = 1; {}", event(tenant, "first"));
    fixture.run(&change).await;
    let change = format!("UPDATE changed SET n = n + 1 WHERE id = 1; {}; COMMIT", event(tenant, "second"));
    early.batch_execute(&change).await.expect("committed");
    assert_eq!(read(&fixture).await.events, 2);
    assert_eq!(feed(&fixture, tenant, FeedPosition::default()).await.0, ["first", "second"]);
}

#[tokio::test]
async fn one_reads_at_a_time_and_many_read_each_event_once() {
    let (fixture, tenant) = with_endpoints(2).await;
    let mut other = fixture.database.connection().await;
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(8::bigint << 56)").await.expect("locked");
    fixture.run(&event(tenant, "one")).await;
    assert_eq!(read(&fixture).await, FannedOut::default());
    other.batch_execute("COMMIT").await.expect("let go");
    for n in 0..250 {
        fixture.run(&event(tenant, &n.to_string())).await;
    }
    let mut readers = JoinSet::new();
    for _ in 0..6 {
        let store = fixture.store.clone();
        readers.spawn(async move {
            let mut sum = 0;
            for _ in 0..40 {
                sum += store.fan_out(20).await.expect("read").events;
            }
            sum
        });
    }
    let mut sum = 0;
    while let Some(read) = readers.join_next().await {
        sum += read.expect("no panic");
    }
    while let FannedOut { events: more @ 1.., .. } = read(&fixture).await {
        sum += more;
    }
    assert_eq!(sum, 251);
    assert_eq!(fixture.number("SELECT count(DISTINCT position) FROM outbox").await, 251);
    assert_eq!(fixture.number("SELECT count(DISTINCT (endpoint_id, outbox_id)) FROM webhook_deliveries").await, 502);
    let out_of_order =
        "SELECT count(*) FROM webhook_deliveries AS one JOIN webhook_deliveries AS other USING (tenant_id, endpoint_id)
                        JOIN outbox AS a ON a.id = one.outbox_id JOIN outbox AS b ON b.id = other.outbox_id
                        WHERE one.id < other.id AND a.position > b.position";
    assert_eq!(fixture.number(out_of_order).await, 0, "deliveries are in the order of events");
}

#[tokio::test]
async fn deliveries_are_made_for_whom_the_event_is() {
    let (fixture, tenant) = with_endpoints(5).await;
    fixture
        .run(
            "UPDATE webhook_endpoints SET deleted_at = now() WHERE id = 2;
             UPDATE webhook_endpoints SET inactive_since = now() - interval '1 minute' WHERE id = 3;
             UPDATE webhook_endpoints SET event_types = '{contact.deleted}' WHERE id = 4;
             UPDATE webhook_endpoints SET active_since = now() + interval '1 minute' WHERE id = 5",
        )
        .await;
    let foreign = fixture.tenant().await.id;
    fixture.run(&event(tenant, "own")).await;
    fixture.run(&event(foreign, "foreign")).await;
    assert_eq!(read(&fixture).await, FannedOut { events: 2, deliveries: 1 });
    assert_eq!(fixture.number("SELECT endpoint_id FROM webhook_deliveries").await, 1);
    assert_eq!(feed(&fixture, foreign, FeedPosition::default()).await.0, ["foreign"]);
}

#[tokio::test]
async fn rows_of_the_version_before_are_rendered() {
    let (fixture, tenant) = with_endpoints(1).await;
    fixture
        .run(&format!(
            "INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, data, previous_attributes)
             VALUES ({tenant}, '018fd000-0000-7000-8000-000000000000', 'contact.updated', 1, '2026-01-31T08:00:00.5Z',
                 '{{\"id\": 7}}', '{{\"notes\": null}}')"
        ))
        .await;
    read(&fixture).await;
    let id = EventId::from_uuid("018fd000-0000-7000-8000-000000000000".parse().expect("a UUID"));
    let rendered = format!(
        "{{\"id\":\"{id}\",\"type\":\"contact.updated\",\"created_at\":\"2026-01-31T08:00:00.500Z\",\
         \"tenant_id\":{tenant},\"data\":{{\"id\":7}},\"previous_attributes\":{{\"notes\":null}}}}"
    );
    assert_eq!(feed(&fixture, tenant, FeedPosition::default()).await.0, [rendered]);
}

#[tokio::test]
async fn a_queue_is_leased_by_one_and_by_another_when_that_one_is_not_heard_of() {
    let (fixture, tenant) = with_endpoints(40).await;
    fixture.run(&event(tenant, "one")).await;
    read(&fixture).await;
    let mut workers = JoinSet::new();
    for n in 1..=8 {
        let store = fixture.store.clone();
        workers.spawn(async move {
            store.beat(WorkerId(n)).await.expect("heard");
            store.lease(WorkerId(n), 10).await.expect("leased")
        });
    }
    let mut leased = Vec::new();
    while let Some(queues) = workers.join_next().await {
        leased.extend(queues.expect("no panic"));
    }
    // One that found others' locks may have found less than it asked for.
    leased.extend(fixture.store.lease(ONE, 100).await.expect("leased"));
    assert_eq!((leased.len(), leased.iter().collect::<BTreeSet<_>>().len()), (40, 40), "each by one");
    assert_eq!(fixture.store.lease(OTHER, 100).await.expect("leased"), []);
    fixture.run("UPDATE webhook_workers SET seen_at = seen_at - interval '10 seconds' WHERE id <> '00000000-0000-0000-0000-000000000002'").await;
    let of_the_dead = fixture.store.lease(OTHER, 100).await.expect("leased").len();
    let mine = "SELECT count(*) FROM webhook_queues WHERE worker = '00000000-0000-0000-0000-000000000002'";
    assert_eq!(fixture.number(mine).await, 40);
    assert!(of_the_dead >= 30, "{of_the_dead}");
}

#[tokio::test]
async fn a_queue_that_has_changed_is_not_given_back() {
    let (fixture, tenant) = with_endpoints(1).await;
    let store = &fixture.store;
    fixture.run(&event(tenant, "one")).await;
    read(&fixture).await;
    store.beat(ONE).await.expect("heard");
    let queue = store.lease(ONE, 1).await.expect("leased")[0];
    let refilled = store.refill(ONE, &[first(queue)], 10).await.expect("refilled").remove(0);
    assert_eq!((refilled.due.len(), refilled.is_leased, refilled.more), (1, true, false));
    assert_eq!(refilled.due[0].body, "one");
    let seen = Refill { seen: refilled.state, after: refilled.due[0].delivery.get(), ..first(queue) };
    assert_eq!(store.refill(ONE, &[seen], 10).await.expect("refilled"), [], "nothing has changed");
    fixture.run(&event(tenant, "two")).await;
    read(&fixture).await;
    assert_eq!(store.release(ONE, &[(queue, refilled.state)]).await.expect("asked"), [], "there is more");
    let again = store.refill(ONE, &[seen], 10).await.expect("refilled").remove(0);
    assert_eq!(again.due.iter().map(|due| due.body.as_str()).collect::<Vec<_>>(), ["two"]);
    fixture.run("UPDATE webhook_deliveries SET status = 'succeeded', is_first = false, completed_at = now(), next_attempt_at = NULL").await;
    assert_eq!(store.release(ONE, &[(queue, again.state)]).await.expect("given back"), [queue]);
    assert_eq!(fixture.number("SELECT count(*) FROM webhook_queues WHERE worker IS NULL AND due_at IS NULL").await, 1);
}

#[tokio::test]
async fn an_outcome_is_recorded_once_and_not_for_another_run() {
    let (fixture, tenant) = with_endpoints(1).await;
    fixture.run(&event(tenant, "one")).await;
    read(&fixture).await;
    let queue = QueueId { tenant, endpoint: EndpointId::new(1).expect("an id") };
    fixture.store.beat(ONE).await.expect("heard");
    fixture.store.lease(ONE, 1).await.expect("leased");
    let due = fixture.store.refill(ONE, &[first(queue)], 10).await.expect("refilled").remove(0).due.remove(0);
    let now = Timestamp::from_unix_millis(1_767_225_600_000);
    let failed = Outcome {
        queue,
        delivery: due.delivery,
        replays: 0,
        attempt: 1,
        began_at: now,
        ended_at: now,
        status: DeliveryStatus::Failed,
        next_attempt_at: Some(now),
        response_status: Some(500),
        response_body: Some("no".to_owned()),
        response_headers: None,
        error_message: None,
    };
    let other_run = Outcome { replays: 1, ..failed.clone() };
    fixture.store.record(&[other_run, failed.clone()]).await.expect("recorded");
    fixture.store.record(std::slice::from_ref(&failed)).await.expect("recorded");
    let attempts =
        "SELECT count(*) FROM webhook_deliveries WHERE (attempts, status, response_status) = (1, 'failed', 500)";
    assert_eq!(fixture.number(attempts).await, 1);
    // What was counted is the endpoint's failures, however often it is told.
    assert_eq!(fixture.number("SELECT consecutive_failures::bigint FROM webhook_endpoints").await, 3);
    let again = Outcome { attempt: 2, ..failed.clone() };
    let many = vec![again; 17];
    assert_eq!(fixture.store.record(&many).await.expect("recorded"), [queue], "to be disabled");
    fixture.store.disable(queue, "HTTP 500", now).await.expect("disabled");
    fixture.store.disable(queue, "HTTP 500", now).await.expect("nothing");
    assert_eq!(fixture.number("SELECT count(*) FROM security_log").await, 1);
    let reason =
        "SELECT count(*) FROM webhook_endpoints WHERE disabled_reason = '20 consecutive failures, the last: HTTP 500'
                  AND inactive_since IS NOT NULL";
    assert_eq!(fixture.number(reason).await, 1);
    let paused = fixture.store.refill(ONE, &[first(queue)], 10).await.expect("refilled").remove(0);
    assert_eq!((paused.target, paused.due.len()), (None, 0));
    let succeeded = Outcome { status: DeliveryStatus::Succeeded, next_attempt_at: None, attempt: 2, ..failed };
    fixture.store.record(&[succeeded]).await.expect("recorded");
    assert_eq!(fixture.number("SELECT consecutive_failures::bigint FROM webhook_endpoints").await, 0);
}
