//! The contracts of `AuditSink` and `AuditReader`, and the log's partitions.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bwp_domain::{
    audit::{
        AuditEntry, AuditFilter, AuditRecord, Excerpt, MethodName,
        ports::{AuditReader, AuditSink},
    },
    clock::Timestamp,
    ids::{KeyId, OauthTokenId, TenantId, UserId},
    keys::{KeyFilter, ports::KeyReader},
    paging::{Limit, PageRequest, Position},
    testing::{audit_entry, tenant_id},
};
use bwp_postgres::{
    AuditCounts, AuditLimits, AuditLog, AuditPartitions, PoolSettings,
    testing::{Fixture, audit_page_statement, within, write_audit_batch},
};
use diesel::sql_types::Json;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::Value;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_mins(1);

/// 2026-11-15.
const NOW: i64 = 1_794_700_800_000;

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOW + millis)
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text, bwp_domain::clock::Rounding::Down).expect("a time")
}

const fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

fn entry(tenant: i64, millis: i64) -> AuditEntry {
    AuditEntry { request_id: format!("req_{millis}").into(), ..audit_entry(tenant_id(tenant), at(millis)) }
}

fn start(fixture: &Fixture) -> AuditLog {
    start_with(fixture, AuditLimits::default())
}

fn start_with(fixture: &Fixture, limits: AuditLimits) -> AuditLog {
    AuditLog::start(&fixture.database.url(), PoolSettings::default(), limits).expect("a URL")
}

/// Records these, and returns when they are written.
async fn written(fixture: &Fixture, entries: impl IntoIterator<Item = AuditEntry>) {
    let log = start(fixture);
    entries.into_iter().for_each(|entry| log.queue().record(entry));
    let counts = log.finish(PATIENCE).await;
    assert_eq!((counts.waiting, counts.lost), (0, 0));
}

async fn list(fixture: &Fixture, tenant: i64, filter: &AuditFilter) -> Vec<AuditRecord> {
    walk(fixture, tenant_id(tenant), filter, 100).await
}

async fn walk(fixture: &Fixture, tenant: TenantId, filter: &AuditFilter, rows: u8) -> Vec<AuditRecord> {
    let limit = Limit::new(rows).expect("a limit");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = AuditReader::list(&fixture.store, tenant, filter, PageRequest { limit, after }).await;
        let page = page.expect("a page");
        assert!(page.items.len() == limit.get() || page.next.is_none(), "a page that is not the last is full");
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn every_field_comes_back_and_none_need_be_there() {
    let fixture = Fixture::new().await;
    let full = AuditEntry {
        tenant: tenant_id(3),
        api_key: KeyId::new(4),
        oauth_token: OauthTokenId::new(5),
        user: UserId::new(6),
        method: "PATCH",
        path: Excerpt::of("/api/v1/contacts/%C3%A4ö".as_bytes(), AuditEntry::MAX_PATH),
        status: 422,
        duration_ms: 1_234,
        request_id: "req_1".into(),
        client_address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        user_agent: Some(Excerpt::of(b"a\0b\xff", AuditEntry::MAX_USER_AGENT)),
        error_code: Some("validation_failed"),
        created_at: at(1),
    };
    let bare = AuditEntry {
        api_key: None,
        oauth_token: None,
        user: None,
        client_address: None,
        user_agent: None,
        error_code: None,
        duration_ms: u32::MAX,
        created_at: at(0),
        ..full.clone()
    };
    written(&fixture, [full, bare]).await;
    let records = list(&fixture, 3, &AuditFilter::default()).await;
    let [full, bare] = records.as_slice() else { panic!("two: {records:?}") };
    let expected = AuditRecord {
        id: full.id,
        tenant: tenant_id(3),
        api_key: KeyId::new(4),
        oauth_token: OauthTokenId::new(5),
        user: UserId::new(6),
        method: "PATCH".to_owned(),
        path: "/api/v1/contacts/%C3%A4ö".to_owned(),
        status: 422,
        duration_ms: 1_234,
        request_id: "req_1".to_owned(),
        client_address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        user_agent: Some("a\u{fffd}b\u{fffd}".to_owned()),
        error_code: Some("validation_failed".to_owned()),
        created_at: at(1),
    };
    assert_eq!(full, &expected);
    let nothing = AuditRecord {
        id: bare.id,
        api_key: None,
        oauth_token: None,
        user: None,
        client_address: None,
        user_agent: None,
        error_code: None,
        duration_ms: 2_147_483_647,
        created_at: at(0),
        ..expected
    };
    assert_eq!(bare, &nothing);
}

#[tokio::test]
async fn what_is_recorded_is_written_without_waiting_for_more() {
    let fixture = Fixture::new().await;
    let log = start(&fixture);
    for n in 1..=5 {
        log.queue().record(entry(1, n));
        let count = format!("SELECT count(*) FROM api_audit_logs WHERE request_id = 'req_{n}'");
        fixture.until(&count, 1).await;
    }
    assert_eq!(log.finish(PATIENCE).await, AuditCounts { written: 5, waiting: 0, lost: 0 });
}

#[tokio::test]
async fn a_batch_that_is_written_again_is_there_once() {
    let fixture = Fixture::new().await;
    let mut connection = fixture.database.connection_of_a_store().await;
    let entries: Vec<_> = (0..10).map(|n| entry(1, n)).collect();
    write_audit_batch(&mut connection, &entries, 1).await;
    write_audit_batch(&mut connection, &entries, 1).await;
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs").await, 10);
    // Batches of other sizes are the same statement, which is prepared once.
    write_audit_batch(&mut connection, &entries[..3], 11).await;
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs").await, 13);
    let prepared = "SELECT to_json(count(*)) AS \"QUERY PLAN\" FROM pg_prepared_statements
        WHERE statement LIKE 'INSERT INTO api_audit_logs%'";
    let count: Explained = diesel::sql_query(prepared).get_result(&mut connection).await.expect("a count");
    assert_eq!(count.plan, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing_and_write_nothing_twice() {
    const ENTRIES: i64 = 20_000;
    let fixture = Fixture::new().await;
    let log = start(&fixture);
    let (queue, enough) = (log.queue(), Arc::new(AtomicBool::new(false)));
    let cut_enough = Arc::clone(&enough);
    let recording = tokio::spawn(async move {
        let mut entries = 0;
        while entries < ENTRIES || !AtomicBool::load(&cut_enough, Ordering::Relaxed) {
            queue.record(entry(entries % 3 + 1, entries));
            if entries % 100 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            entries += 1;
        }
        entries
    });
    let mut cut = 0;
    while !recording.is_finished() {
        cut += fixture
            .number(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'bwp%'",
            )
            .await;
        enough.store(cut > 3, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(70)).await;
    }
    let entries = recording.await.expect("no panic");
    let counts = log.finish(PATIENCE).await;
    println!("{cut} connections cut");
    assert_eq!(counts, AuditCounts { written: entries.unsigned_abs(), waiting: 0, lost: 0 });
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs").await, entries);
    assert_eq!(fixture.number("SELECT count(DISTINCT request_id) FROM api_audit_logs").await, entries);
    assert_eq!(fixture.number("SELECT count(DISTINCT id) FROM api_audit_logs").await, entries);
}

#[tokio::test]
async fn while_nothing_can_be_written_what_fits_waits_and_the_rest_is_counted() {
    let fixture = Fixture::new().await;
    let log = start_with(&fixture, AuditLimits { entries: 100, ..AuditLimits::default() });
    let mut blocker = fixture.database.connection().await;
    blocker.batch_execute("BEGIN; LOCK TABLE api_audit_logs IN SHARE MODE").await.expect("a lock");
    for n in 0..150 {
        log.queue().record(entry(1, n));
    }
    fixture.until_waiting(1).await;
    assert_eq!(log.queue().counts(), AuditCounts { written: 0, waiting: 100, lost: 50 });
    // The connection that waits is closed, as by a server that goes down: its work is done again on another.
    fixture
        .number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'bwp%'",
        )
        .await;
    fixture.until_waiting(1).await;
    blocker.batch_execute("COMMIT").await.expect("unlocked");
    fixture.until("SELECT count(*) FROM api_audit_logs", 100).await;
    log.queue().record(entry(1, 999));
    assert_eq!(log.finish(PATIENCE).await, AuditCounts { written: 101, waiting: 0, lost: 50 });
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs WHERE request_id = 'req_0'").await, 1);
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let fixture = Fixture::new().await;
    let log = start(&fixture);
    let mut blocker = fixture.database.connection().await;
    blocker.batch_execute("BEGIN; LOCK TABLE api_audit_logs IN SHARE MODE").await.expect("a lock");
    for n in 0..10 {
        log.queue().record(entry(1, n));
    }
    let counts = within("the end", log.finish(Duration::from_millis(600))).await;
    assert_eq!(counts, AuditCounts { written: 0, waiting: 0, lost: 10 });
}

#[tokio::test]
async fn a_log_that_never_wrote_ends_at_once() {
    let fixture = Fixture::new().await;
    let finish = start(&fixture).finish(Duration::from_hours(1));
    assert_eq!(within("the end", finish).await, AuditCounts::default());
}

#[tokio::test]
async fn filters_find_what_fits_every_part() {
    const NONE: [i64; 0] = [];
    let fixture = Fixture::new().await;
    let one = |key, method, status, millis| AuditEntry { api_key: KeyId::new(key), method, status, ..entry(1, millis) };
    written(&fixture, [one(1, "GET", 200, 0), one(1, "POST", 201, 1), one(2, "GET", 404, 2), one(2, "POST", 499, 3)])
        .await;
    let found = async |filter: AuditFilter| -> Vec<i64> {
        let records = list(&fixture, 1, &filter).await;
        records.iter().map(|record| record.created_at.unix_millis() - NOW).collect()
    };
    let method = |text| MethodName::parse(text).ok();
    let all = AuditFilter::default;
    assert_eq!(found(all()).await, [3, 2, 1, 0]);
    assert_eq!(found(AuditFilter { api_key: KeyId::new(2), ..all() }).await, [3, 2]);
    assert_eq!(found(AuditFilter { api_key: KeyId::new(i64::MAX), ..all() }).await, NONE);
    assert_eq!(found(AuditFilter { method: method("get"), ..all() }).await, [2, 0]);
    assert_eq!(found(AuditFilter { method: method("BREW"), ..all() }).await, NONE);
    assert_eq!(found(AuditFilter { status: Some(404), ..all() }).await, [2]);
    assert_eq!(found(AuditFilter { status: Some(u16::MAX), ..all() }).await, NONE);
    assert_eq!(found(AuditFilter { created_from: Some(at(1)), ..all() }).await, [3, 2, 1]);
    assert_eq!(found(AuditFilter { created_to: Some(at(2)), ..all() }).await, [2, 1, 0]);
    let both = AuditFilter { api_key: KeyId::new(2), method: method("POST"), status: Some(499), ..all() };
    assert_eq!(found(AuditFilter { created_from: Some(at(3)), created_to: Some(at(3)), ..both.clone() }).await, [3]);
    assert_eq!(found(AuditFilter { created_to: Some(at(2)), ..both }).await, NONE);
    let ever = AuditFilter { created_from: Some(Timestamp::MIN), created_to: Some(Timestamp::MAX), ..all() };
    assert_eq!(found(ever).await, [3, 2, 1, 0]);
}

#[tokio::test]
async fn another_tenants_entries_are_not_there() {
    let fixture = Fixture::new().await;
    written(&fixture, (0..6).map(|n| entry(n % 2 + 1, n))).await;
    for tenant in [1, 2] {
        let records = list(&fixture, tenant, &AuditFilter::default()).await;
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|record| record.tenant == tenant_id(tenant)));
        let foreign = AuditFilter { api_key: KeyId::new(7), ..AuditFilter::default() };
        assert_eq!(
            list(&fixture, tenant, &foreign).await.len(),
            3,
            "a key's number finds the own tenant's entries only"
        );
    }
    assert_eq!(list(&fixture, 3, &AuditFilter::default()).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_there_throughout_a_walk_is_seen_exactly_once() {
    let fixture = Fixture::new().await;
    // Over three months, with many equal times.
    let spread = |n: i64| at((n % 7) * 10 * 86_400_000 - 40 * 86_400_000);
    let old: Vec<_> = (0..300).map(|n| AuditEntry { created_at: spread(n), ..entry(1, n) }).collect();
    written(&fixture, old).await;
    let before: BTreeSet<_> = list(&fixture, 1, &AuditFilter::default()).await.iter().map(|record| record.id).collect();
    assert_eq!(before.len(), 300);
    let log = start(&fixture);
    let queue = log.queue();
    let recording = tokio::spawn(async move {
        for n in 0..3_000 {
            queue.record(AuditEntry { created_at: spread(n), ..entry(1, 1_000 + n) });
            if n % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    while !recording.is_finished() {
        let seen = walk(&fixture, tenant_id(1), &AuditFilter::default(), 17).await;
        let positions: Vec<_> = seen.iter().map(AuditRecord::position).collect();
        assert!(positions.is_sorted_by(|newer, older| newer > older), "newest first, each once");
        let ids: BTreeSet<_> = seen.iter().map(|record| record.id).collect();
        assert!(before.is_subset(&ids), "left out: {:?}", before.difference(&ids));
    }
    recording.await.expect("no panic");
    assert_eq!(log.finish(PATIENCE).await.written, 3_000);
    assert_eq!(list(&fixture, 1, &AuditFilter::default()).await.len(), 3_300);
}

/// The partitions, by name.
async fn partitions(fixture: &Fixture) -> Vec<String> {
    let mut connection = fixture.database.connection().await;
    let names: Explained = diesel::sql_query(
        "SELECT coalesce(json_agg(substr(relname, 16) ORDER BY relname), '[]') AS \"QUERY PLAN\"
         FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'api_audit_logs'::regclass",
    )
    .get_result(&mut connection)
    .await
    .expect("names");
    serde_json::from_value(names.plan).expect("texts")
}

/// Makes the partition of the month that this day is in.
async fn make_partition(fixture: &Fixture, day: &str) {
    fixture.run(&format!("SELECT api_audit_logs_make_partition('{day} 00:00Z')")).await;
}

async fn drop_all_partitions(fixture: &Fixture) {
    for name in partitions(fixture).await {
        fixture.run(&format!("DROP TABLE api_audit_logs_{name}")).await;
    }
}

#[tokio::test]
async fn the_migration_makes_the_months_around_now() {
    let fixture = Fixture::new().await;
    let expected = "SELECT count(*) FROM generate_series(-1, 2) AS n WHERE to_regclass('api_audit_logs_'
        || to_char(now() AT TIME ZONE 'UTC' + n * interval '1 month', 'YYYY_MM')) IS NOT NULL";
    // The template may have been made in the month before.
    assert!(fixture.number(expected).await >= 3);
    assert_eq!(partitions(&fixture).await.len(), 4);
}

#[tokio::test]
async fn a_month_that_is_missing_is_made_before_a_batch_is_written() {
    let fixture = Fixture::new().await;
    drop_all_partitions(&fixture).await;
    let entries = ["2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00.000Z", "2027-12-31T12:00:00.000Z"];
    written(&fixture, entries.map(|text| AuditEntry { created_at: time(text), ..entry(1, 0) })).await;
    assert_eq!(partitions(&fixture).await, ["2026_01", "2026_02", "2027_12"]);
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs_2026_01").await, 1);
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs_2026_02").await, 1);
    // Dropped under a log that knows it: it is made again.
    let log = start(&fixture);
    log.queue().record(AuditEntry { created_at: time(entries[0]), ..entry(1, 1) });
    fixture.until("SELECT count(*) FROM api_audit_logs_2026_01", 2).await;
    fixture.run("DROP TABLE api_audit_logs_2026_01").await;
    log.queue().record(AuditEntry { created_at: time(entries[0]), ..entry(1, 2) });
    assert_eq!(log.finish(PATIENCE).await, AuditCounts { written: 2, waiting: 0, lost: 0 });
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs_2026_01").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_servers_that_make_a_month_at_once_one_does_while_others_write() {
    let fixture = Fixture::new().await;
    drop_all_partitions(&fixture).await;
    let mut servers = JoinSet::new();
    for n in 0..8 {
        let (store, url) = (fixture.store.clone(), fixture.database.url());
        servers.spawn(async move {
            let log = AuditLog::start(&url, PoolSettings::default(), AuditLimits::default()).expect("a URL");
            for month in 0..6 {
                log.queue().record(entry(1, month * 31 * 86_400_000 + n));
            }
            store.keep_audit_partitions(at(0), Duration::ZERO).await.expect("kept");
            log.finish(PATIENCE).await
        });
    }
    for counts in within("the servers", servers.join_all()).await {
        assert_eq!(counts, AuditCounts { written: 6, waiting: 0, lost: 0 });
    }
    assert_eq!(fixture.number("SELECT count(*) FROM api_audit_logs").await, 48);
}

#[tokio::test]
async fn months_are_made_ahead_and_dropped_when_their_time_is_over() {
    let fixture = Fixture::new().await;
    drop_all_partitions(&fixture).await;
    // A time that is over: a later one than the database's would not count.
    let (now, store) = (time("2025-11-30T23:59:59Z"), &fixture.store);
    let kept = store.keep_audit_partitions(now, days(365)).await.expect("kept");
    assert_eq!(kept, AuditPartitions::default());
    assert_eq!(partitions(&fixture).await, ["2025_10", "2025_11", "2025_12", "2026_01"]);
    for month in ["2023-12-01", "2024-09-30", "2024-10-31", "2024-11-01"] {
        make_partition(&fixture, month).await;
    }
    // Back to the first day of a month.
    let kept = store.keep_audit_partitions(now, days(394)).await.expect("kept");
    assert_eq!(kept.dropped, ["api_audit_logs_2023_12", "api_audit_logs_2024_09", "api_audit_logs_2024_10"]);
    assert_eq!(partitions(&fixture).await, ["2024_11", "2025_10", "2025_11", "2025_12", "2026_01"]);
    // What would be dropped again is not made.
    for _ in 0..2 {
        store.keep_audit_partitions(now, Duration::ZERO).await.expect("kept");
        assert_eq!(partitions(&fixture).await, ["2025_11", "2025_12", "2026_01"]);
    }
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_drops_no_month_that_others_keep() {
    let fixture = Fixture::new().await;
    make_partition(&fixture, "2020-01-01").await;
    let before = partitions(&fixture).await;
    let kept = fixture.store.keep_audit_partitions(time("2100-01-01T00:00:00Z"), days(400)).await.expect("kept");
    assert_eq!(kept.dropped, ["api_audit_logs_2020_01"]);
    let (after, before) = (BTreeSet::from_iter(partitions(&fixture).await), &before[1..]);
    assert!(before.iter().all(|month| after.contains(month)), "{before:?}, then {after:?}");
}

#[tokio::test]
async fn what_somebody_else_attached_is_not_dropped() {
    let fixture = Fixture::new().await;
    fixture.run("CREATE SCHEMA archive").await;
    let others = ["api_audit_archive_2026", "\"api_audit_logs_2019_01; x\"", "archive.api_audit_logs_2019_02"];
    for (year, name) in (2010..).zip(others) {
        let values = format!("FROM ('{year}-01-01') TO ('{year}-02-01')");
        fixture.run(&format!("CREATE TABLE {name} PARTITION OF api_audit_logs FOR VALUES {values}")).await;
    }
    make_partition(&fixture, "2020-01-01").await;
    let kept = fixture.store.keep_audit_partitions(at(0), days(400)).await.expect("kept");
    assert_eq!(kept.dropped, ["api_audit_logs_2020_01"]);
    for name in others {
        assert_eq!(fixture.number(&format!("SELECT count(*) FROM {name}")).await, 0, "{name} is there");
    }
}

#[tokio::test]
async fn a_log_may_be_kept_for_ever() {
    let fixture = Fixture::new().await;
    make_partition(&fixture, "1900-01-01").await;
    let kept = fixture.store.keep_audit_partitions(at(0), Duration::MAX).await.expect("kept");
    assert_eq!(kept, AuditPartitions::default());
}

#[tokio::test]
async fn a_month_in_use_is_dropped_later_and_holds_nobody_up_for_long() {
    let fixture = Fixture::new().await;
    make_partition(&fixture, "2024-01-01").await;
    let mut reader = fixture.database.connection().await;
    reader.batch_execute("BEGIN; SELECT FROM api_audit_logs_2024_01").await.expect("a look");
    let keep = || fixture.store.keep_audit_partitions(at(0), days(400));
    assert_eq!(within("a short wait", keep()).await.expect("kept"), AuditPartitions::default());
    reader.batch_execute("COMMIT").await.expect("done");
    assert_eq!(keep().await.expect("kept").dropped, ["api_audit_logs_2024_01"]);
}

#[tokio::test]
async fn keys_are_listed_with_when_they_were_last_used() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let (used, unused) = (fixture.key(tenant).await.key, fixture.key(tenant).await.key);
    let by = |millis| AuditEntry { tenant, api_key: Some(used.id), ..entry(1, millis) };
    let last_used = async || -> Vec<_> {
        let first = PageRequest { limit: Limit::DEFAULT, after: None };
        let page = KeyReader::page(&fixture.store, tenant, &KeyFilter::default(), first).await.expect("a page");
        page.items.iter().map(|listing| (listing.key.id, listing.last_used_at)).collect()
    };
    assert_eq!(last_used().await, [(unused.id, None), (used.id, None)]);
    written(&fixture, [by(5), by(9), by(7)]).await;
    assert_eq!(last_used().await, [(unused.id, None), (used.id, Some(at(9)))]);
    // Another server, whose clock or whose writing is late.
    written(&fixture, [by(8)]).await;
    assert_eq!(last_used().await, [(unused.id, None), (used.id, Some(at(9)))]);
    written(&fixture, [by(10)]).await;
    assert_eq!(last_used().await, [(unused.id, None), (used.id, Some(at(10)))]);
}

#[tokio::test]
async fn a_busy_key_is_written_seldom() {
    let fixture = Fixture::new().await;
    let log = start(&fixture);
    let count = |n| format!("SELECT count(*) FROM api_audit_logs WHERE request_id = 'req_{n}'");
    for n in 1..=4 {
        log.queue().record(entry(1, n));
        fixture.until(&count(n), 1).await;
    }
    let millis = "SELECT (extract(epoch FROM last_used_at) * 1000)::bigint FROM key_usage";
    // The first use, which is in the first batch, and none of those since.
    assert_eq!(fixture.number(millis).await, NOW + 1);
    log.finish(PATIENCE).await;
    assert_eq!(fixture.number(millis).await, NOW + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_write_the_same_keys_at_once_do_not_stand_in_each_others_way() {
    let fixture = Arc::new(Fixture::new().await);
    let mut servers = JoinSet::new();
    for server in 0..6 {
        let fixture = Arc::clone(&fixture);
        servers.spawn(async move {
            let keys = (1..=500).map(|key| if server % 2 == 0 { key } else { 501 - key });
            written(&fixture, keys.map(|key| AuditEntry { api_key: KeyId::new(key), ..entry(1, server) })).await;
        });
    }
    within("the servers", servers.join_all()).await;
    assert_eq!(fixture.number("SELECT count(*) FROM key_usage").await, 500);
    let latest = format!("SELECT count(*) FROM key_usage WHERE last_used_at = to_timestamp({}.005)", NOW / 1000);
    assert_eq!(fixture.number(&latest).await, 500);
}

#[derive(diesel::QueryableByName)]
struct Explained {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

/// How the server gets a page: by the statement that the store sends for it, on a connection like the store's, and
/// planned as it is there.
async fn explain(
    connection: &mut AsyncPgConnection,
    tenant: i64,
    filter: &AuditFilter,
    after: Option<Position>,
) -> Plan {
    let tenant = tenant_id(tenant);
    let statement = audit_page_statement(tenant, filter, PageRequest { limit: Limit::DEFAULT, after });
    assert!(statement.planned_anew);
    let prepare =
        format!("DEALLOCATE ALL; SET plan_cache_mode = force_custom_plan; PREPARE page AS {}", statement.text);
    connection.batch_execute(&prepare).await.expect(&prepare);
    let quoted = |time: Timestamp| format!("'{time}'");
    let values = [
        Some(tenant.to_string()),
        filter.status.map(|status| status.to_string()),
        filter.created_from.map(quoted),
        filter.created_to.map(quoted),
        after.map(|after| quoted(after.created_at)),
        after.map(|after| quoted(after.created_at)),
        after.map(|after| after.id.to_string()),
    ];
    let values: Vec<_> = values.into_iter().flatten().collect();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page({})", values.join(", "));
    let explained: Explained = diesel::sql_query(explain.as_str()).get_result(connection).await.expect(&explain);
    Plan(explained.plan[0]["Plan"].clone())
}

#[derive(Debug)]
struct Plan(Value);

impl Plan {
    /// The partitions that were looked into, newest first. Fails unless each is looked into by its primary key, in the
    /// order of the list.
    fn partitions(&self) -> Vec<String> {
        assert_eq!(self.0["Node Type"], "Limit", "{self:?}");
        let mut node = &self.0["Plans"][0];
        if node["Node Type"] == "Append" {
            let scans = node["Plans"].as_array().expect("partitions");
            return scans.iter().filter(|scan| scan["Actual Loops"] != 0).map(Self::partition).collect();
        }
        if node["Node Type"] == "Subquery Scan" {
            node = &node["Plans"][0];
        }
        vec![Self::partition(node)]
    }

    fn partition(scan: &Value) -> String {
        assert_eq!([&scan["Node Type"], &scan["Scan Direction"]], ["Index Scan", "Backward"], "{scan:?}");
        assert!(scan["Index Name"].as_str().is_some_and(|name| name.ends_with("_pkey")), "{scan:?}");
        assert_eq!(scan["Plans"], Value::Null, "nothing below it, such as a sort");
        scan["Relation Name"].as_str().expect("a name").trim_start_matches("api_audit_logs_").to_owned()
    }

    /// Pages of the disk that were read, from the cache or not.
    fn buffers(&self) -> i64 {
        ["Shared Hit Blocks", "Shared Read Blocks"].iter().filter_map(|name| self.0[name].as_i64()).sum()
    }
}

/// Fourteen months of entries: of many tenants a few each, and of tenant 1 an entry every twenty minutes.
async fn fourteen_months(tenants: i64) -> Fixture {
    let fixture = Fixture::new().await;
    drop_all_partitions(&fixture).await;
    fixture
        .run(&format!(
            "SELECT api_audit_logs_make_partition('2025-10-01'::timestamptz + n * interval '1 month')
             FROM generate_series(0, 15) AS n;
             INSERT INTO api_audit_logs (tenant_id, created_at, id, api_key_id, duration_ms, status, method, path, request_id)
             SELECT tenant, '2025-10-01'::timestamptz + n * interval '20 minutes', nextval('api_audit_log_ids'), 1, 3,
                CASE WHEN n % 100 = 0 THEN 500 ELSE 200 END, 'GET', '/api/v1/contacts', md5(n::text)
             FROM (SELECT 1 AS tenant, n FROM generate_series(0, 30000) AS n
                UNION ALL SELECT 2 + n % {tenants}, n FROM generate_series(0, 30000, 3) AS n) AS entries ORDER BY 2"
        ))
        .await;
    fixture.run("VACUUM ANALYZE api_audit_logs").await;
    fixture
}

#[tokio::test]
async fn a_page_is_a_range_of_the_primary_key_of_its_months_and_a_deep_one_costs_no_more_than_the_first() {
    for tenants in [3, 2_000] {
        let fixture = fourteen_months(tenants).await;
        let mut connection = fixture.database.connection_of_a_store().await;
        let all = AuditFilter::default();
        let first = explain(&mut connection, 1, &all, None).await;
        // The months to come are empty.
        assert_eq!(first.partitions(), ["2027_01", "2026_12", "2026_11"]);
        let after = |month: &str| Some(Position { created_at: time(&format!("{month}-20T12:00:00Z")), id: 1 });
        for (month, name) in [("2026-11", "2026_11"), ("2026-03", "2026_03"), ("2025-10", "2025_10")] {
            let deep = explain(&mut connection, 1, &all, after(month)).await;
            assert_eq!(deep.partitions(), [name], "later months are passed over");
            assert!(deep.buffers() <= first.buffers() + 3, "{} and {}", deep.buffers(), first.buffers());
        }
        // One who has few entries looks into every month, and no further than that.
        let few = explain(&mut connection, 2, &all, None).await;
        assert!(few.buffers() < 16 * 12, "{}", few.buffers());

        let of_march = AuditFilter {
            created_from: Some(time("2026-03-05T00:00:00Z")),
            created_to: Some(time("2026-03-20T00:00:00Z")),
            ..all.clone()
        };
        let plan = explain(&mut connection, 1, &of_march, None).await;
        assert_eq!(plan.partitions(), ["2026_03"]);
        assert!(plan.buffers() <= first.buffers() + 3);
        let failures = AuditFilter { status: Some(500), ..all };
        let plan = explain(&mut connection, 1, &failures, None).await;
        assert!(plan.buffers() < 3_500, "a walk until the page is full: {}", plan.buffers());
    }
}
