//! The contract of `KeyReader::find_by_hash`: what was read of a key before is never given for what it is now.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    keys::{CreatedKey, KeyHash, KeyState, ports::KeyReader},
    principal::KeyCredential,
    rate_limits::RateLimit,
    store::StoreError,
    tenants::{TenantStatus, ports::TenantDirectory},
};
use bwp_postgres::{
    PgStore, PoolSettings,
    testing::{Fixture, within},
};
use diesel_async::SimpleAsyncConnection;
use tokio::task::JoinSet;

async fn find(fixture: &Fixture, key: &CreatedKey) -> Option<Arc<KeyCredential>> {
    fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look")
}

async fn find_there(fixture: &Fixture, key: &CreatedKey) -> Arc<KeyCredential> {
    find(fixture, key).await.expect("the key is there")
}

async fn a_key() -> (Fixture, CreatedKey) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = fixture.key(tenant).await;
    (fixture, key)
}

/// The version of the row that says which state all keys and tenants are in.
async fn version(fixture: &Fixture) -> i64 {
    fixture.number("SELECT hashtextextended(revision::text, 0) FROM credentials_revision").await
}

#[tokio::test]
async fn a_credential_is_read_again_when_it_or_its_tenant_has_changed() {
    let (fixture, key) = a_key().await;
    let first = find_there(&fixture, &key).await;
    assert!(Arc::ptr_eq(&first, &find_there(&fixture, &key).await), "nothing changed");
    let recalled = fixture.store.recall(&key.secret.hash()).expect("it is known");
    assert!(Arc::ptr_eq(&first, &recalled));
    fixture.run("UPDATE api_keys SET name = 'renamed'").await;
    let renamed = find_there(&fixture, &key).await;
    assert_eq!(renamed.key.name.as_str(), "renamed");
    assert_ne!(renamed.revision.key, first.revision.key);
    fixture.run("UPDATE tenants SET name = 'renamed'").await;
    let of_renamed = find_there(&fixture, &key).await;
    assert_eq!(of_renamed.tenant.name.as_str(), "renamed");
    assert_ne!(of_renamed.revision.tenant, renamed.revision.tenant);
    assert_eq!(of_renamed.revision.key, renamed.revision.key);
}

#[tokio::test]
async fn many_find_their_own_credentials_at_once() {
    let fixture = Fixture::new().await;
    let mut keys = Vec::new();
    for _ in 0..4 {
        let tenant = fixture.tenant().await.id;
        keys.push(fixture.key(tenant).await);
    }
    let keys = Arc::new(keys);
    let mut finding = JoinSet::new();
    for n in 0..200 {
        let (store, keys) = (fixture.store.clone(), Arc::clone(&keys));
        finding.spawn(async move {
            if n % 5 == 4 {
                let unknown = KeyHash::from_bytes([u8::try_from(n).expect("small"); 32]);
                assert_eq!(store.find_by_hash(&unknown).await.expect("a look"), None);
                return;
            }
            let key = &keys[n % 5];
            let found = store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
            assert_eq!(found.key.id, key.key.id);
        });
    }
    within("all of them", finding.join_all()).await;
}

/// Whoever makes it, and wherever they look for tables.
#[tokio::test]
async fn every_change_of_a_key_or_a_tenant_renews_the_revision_of_all() {
    let (fixture, _) = a_key().await;
    let mut versions = vec![version(&fixture).await];
    for change in [
        "UPDATE api_keys SET revoked_at = now()",
        "UPDATE tenants SET status = 'suspended'",
        "SET search_path = ''; UPDATE public.api_keys SET name = name",
        "INSERT INTO tenants (public_id, name, created_at) VALUES (gen_random_uuid(), 'other', now())",
        "BEGIN; UPDATE api_keys SET name = 'b'; SET CONSTRAINTS ALL IMMEDIATE; UPDATE api_keys SET name = 'c'; COMMIT",
        "BEGIN; UPDATE api_keys SET name = 'd'; SAVEPOINT s; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO s; COMMIT",
        "DELETE FROM api_keys",
        "DELETE FROM branding_settings; DELETE FROM data_retention_settings; DELETE FROM selling_settings; DELETE FROM letterhead_settings; DELETE FROM tenants WHERE name = 'other'",
        "TRUNCATE api_keys CASCADE",
        "TRUNCATE tenants CASCADE",
    ] {
        fixture.run(change).await;
        versions.push(version(&fixture).await);
    }
    let changes = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), changes);
}

#[tokio::test]
async fn what_changes_no_credential_or_is_undone_renews_nothing() {
    let (fixture, _) = a_key().await;
    let before = version(&fixture).await;
    fixture.run("BEGIN; UPDATE api_keys SET name = 'b'; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK").await;
    fixture.run("UPDATE tenants SET name = 'b' WHERE false; SELECT * FROM api_keys").await;
    assert_eq!(version(&fixture).await, before);
}

/// Else a change of many keys would leave as many versions of the one row, and who reads it would pass them all.
#[tokio::test]
async fn a_transaction_renews_it_once() {
    let (fixture, _) = a_key().await;
    fixture
        .run(
            "BEGIN; SET CONSTRAINTS ALL IMMEDIATE;
             UPDATE api_keys SET name = 'b'; CREATE TABLE seen AS SELECT revision FROM credentials_revision;
             UPDATE tenants SET name = 'b'; INSERT INTO seen SELECT revision FROM credentials_revision; COMMIT",
        )
        .await;
    assert_eq!(fixture.number("SELECT count(DISTINCT revision) FROM seen").await, 1);
}

/// Who changes a key waits for another change of another key no longer than that takes to commit.
#[tokio::test]
async fn an_open_change_keeps_no_other_key_waiting() {
    let (fixture, key) = a_key().await;
    let other = fixture.key(key.key.tenant).await;
    let mut open = fixture.database.connection().await;
    let change = |key: &CreatedKey| format!("UPDATE api_keys SET name = 'b' WHERE id = {}", key.key.id.get());
    open.batch_execute(&format!("BEGIN; {}", change(&key))).await.expect("changed");
    within("the other change", fixture.run(&change(&other))).await;
    open.batch_execute("COMMIT").await.expect("a commit");
    for key in [&key, &other] {
        assert_eq!(find_there(&fixture, key).await.key.name.as_str(), "b");
    }
}

/// As it may be after a restore by hand.
#[tokio::test]
async fn without_a_revision_everything_is_read_and_the_next_change_makes_one() {
    let (fixture, key) = a_key().await;
    find_there(&fixture, &key).await;
    fixture.run("DELETE FROM credentials_revision").await;
    let (first, second) = (find_there(&fixture, &key).await, find_there(&fixture, &key).await);
    assert!(!Arc::ptr_eq(&first, &second), "read twice");
    fixture.run("UPDATE api_keys SET revoked_at = now()").await;
    assert!(matches!(find_there(&fixture, &key).await.key.state, KeyState::Revoked { .. }));
    assert_eq!(fixture.number("SELECT count(*) FROM credentials_revision").await, 1);
    fixture.run("DELETE FROM api_keys").await;
    assert_eq!(find(&fixture, &key).await, None);
}

/// Its change would be committed, and the revision would still be that of before.
#[tokio::test]
async fn who_does_not_see_the_revision_changes_nothing() {
    let (fixture, key) = a_key().await;
    let mut older = fixture.database.connection().await;
    let look = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM api_keys";
    older.batch_execute(look).await.expect("a snapshot");
    fixture.run("DELETE FROM credentials_revision; INSERT INTO credentials_revision DEFAULT VALUES").await;
    let changed = older.batch_execute("UPDATE api_keys SET name = 'b'; COMMIT").await;
    assert!(changed.is_err(), "it is not committed");
    assert_ne!(find_there(&fixture, &key).await.key.name.as_str(), "b");
}

/// The commit comes after the row that the statement gives.
#[tokio::test]
async fn a_change_of_a_tenant_whose_commit_fails_has_failed() {
    let (fixture, key) = a_key().await;
    fixture
        .run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 200', current_database()); END $$")
        .await;
    let store = PgStore::new(&fixture.database.url(), PoolSettings::DEFAULT).expect("a store");
    let mut busy = fixture.database.connection().await;
    busy.batch_execute("BEGIN; UPDATE credentials_revision SET revision = revision").await.expect("locked");
    let status = store.set_status(key.key.tenant, TenantStatus::Suspended).await;
    assert!(matches!(status, Err(StoreError::Unavailable(_))), "{status:?}");
    let limit = store.set_rate_limit(key.key.tenant, RateLimit::NONE).await;
    assert!(matches!(limit, Err(StoreError::Unavailable(_))), "{limit:?}");
    busy.batch_execute("COMMIT").await.expect("unlocked");
    let tenant = find_there(&fixture, &key).await.tenant.clone();
    assert_eq!((tenant.status, tenant.rate_limit), (TenantStatus::Active, RateLimit::OF_TENANT));
}

/// A restore of single tables, for one, runs no triggers.
#[tokio::test]
async fn a_change_past_the_triggers_is_seen_a_minute_later() {
    let (fixture, key) = a_key().await;
    find_there(&fixture, &key).await;
    fixture.run("SET session_replication_role = replica; DELETE FROM api_keys").await;
    find_there(&fixture, &key).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(1)).await;
    tokio::time::resume();
    assert_eq!(find(&fixture, &key).await, None);
}
