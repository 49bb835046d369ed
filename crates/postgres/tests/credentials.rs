//! The contract of `KeyReader::find_by_hash`: what was read of a key before is never given for what it is now.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::sync::Arc;

use bwp_domain::{
    keys::{CreatedKey, KeyHash, KeyState, ports::KeyReader},
    principal::Credential,
};
use bwp_postgres::testing::{Fixture, within};
use diesel_async::SimpleAsyncConnection;
use tokio::task::JoinSet;

async fn find(fixture: &Fixture, key: &CreatedKey) -> Option<Arc<Credential>> {
    fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look")
}

async fn find_there(fixture: &Fixture, key: &CreatedKey) -> Arc<Credential> {
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
        "DELETE FROM tenants WHERE name = 'other'",
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
    let (fixture, key) = a_key().await;
    for _ in 0..5 {
        fixture.key(key.key.tenant).await;
    }
    fixture.run("VACUUM FULL credentials_revision").await;
    fixture.run("BEGIN; UPDATE api_keys SET name = 'b'; UPDATE tenants SET name = 'b'; COMMIT").await;
    assert_eq!(fixture.number("SELECT (ctid::text::point)[1] FROM credentials_revision").await, 2);
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
async fn without_a_revision_everything_is_read() {
    let (fixture, key) = a_key().await;
    find_there(&fixture, &key).await;
    fixture.run("DELETE FROM credentials_revision").await;
    find_there(&fixture, &key).await;
    fixture.run("UPDATE api_keys SET revoked_at = now()").await;
    assert!(matches!(find_there(&fixture, &key).await.key.state, KeyState::Revoked { .. }));
    fixture.run("DELETE FROM api_keys").await;
    assert_eq!(find(&fixture, &key).await, None);
}
