//! The contract of `Store::begin_expecting`: what was expected is checked with the change, or nothing is changed.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    execute::{Executed, execute},
    idempotency::{Claim, Fingerprint, IdempotencyKey, KeyedRequest, RECEIPT_LIFETIME, RenderedResponse},
    ids::TenantId,
    keys::{CreatedKey, ports::KeyReader},
    principal::{Caller, KeyCredential, Principal},
    resource::{Delete, Stored, Update, family},
    scopes::ScopeSet,
    store::{Store, StoreError, UnitOfWork},
    tenants::{TenantStatus, ports::TenantDirectory},
    testing::{TypedReader, TypedRows, create, details, update},
};
use bwp_postgres::testing::{Fixture, until_ok, within};
use serde_json::json;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

struct Scene {
    fixture: Fixture,
    tenant: TenantId,
    key: CreatedKey,
    credential: Arc<KeyCredential>,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let tenant = fixture.tenant().await.id;
        let key = fixture.key(tenant).await;
        let credential = find(&fixture, &key).await;
        Self { fixture, tenant, key, credential }
    }

    /// A unit of work in which a contact was made under the idempotency key `k`.
    async fn creating(&self) -> (Box<dyn UnitOfWork>, Stored<Contact>) {
        let mut uow = self.fixture.store.begin_expecting(&self.credential).expect("a unit of work");
        let held = uow.credentials().hold(self.tenant, self.key.key.id).await.expect("held");
        assert_eq!(held.as_ref(), Some(&self.credential));
        assert_eq!(uow.receipts().claim(self.tenant, &request("k"), NOW).await.expect("claimed"), Claim::Fresh);
        let contact = uow.insert_row(self.tenant, &details("Acme"), NOW).await.expect("made");
        uow.receipts().record(self.tenant, &request("k").key, &response()).await.expect("recorded");
        (uow, contact)
    }

    async fn count(&self, table: &str) -> i64 {
        self.fixture.number(&format!("SELECT count(*) FROM {table}")).await
    }

    /// Commits, which must fail and change nothing.
    async fn assert_not_as_expected(&self, uow: Box<dyn UnitOfWork>) {
        let (contacts, receipts) = (self.count("contacts").await, self.count("idempotency_receipts").await);
        let committed = uow.commit().await;
        assert!(matches!(committed, Err(StoreError::Conflict(_))), "{committed:?}");
        assert_eq!((self.count("contacts").await, self.count("idempotency_receipts").await), (contacts, receipts));
        self.fixture.until_quiet().await;
    }

    fn caller(&self) -> Caller {
        Caller { principal: Principal::Key(Arc::clone(&self.credential)), address: None, needs: ScopeSet::EMPTY }
    }
}

async fn find(fixture: &Fixture, key: &CreatedKey) -> Arc<KeyCredential> {
    fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key is there")
}

fn request(key: &str) -> KeyedRequest {
    KeyedRequest {
        key: IdempotencyKey::parse(key).expect("a key"),
        fingerprint: Fingerprint::of("POST", "/api/v1/contacts", b"{}"),
    }
}

fn response() -> RenderedResponse {
    RenderedResponse { status: 201, headers: vec![("a".to_owned(), "b".to_owned())], body: b"made".to_vec() }
}

fn rename(id: i64, name: &str) -> Update {
    update::<Contact>(id, &json!({ "companyName": name }))
}

#[tokio::test]
async fn what_was_as_expected_is_made() {
    let scene = Scene::new().await;
    let (uow, contact) = scene.creating().await;
    assert_eq!(scene.count("contacts").await, 0, "nothing is stored before the end");
    uow.commit().await.expect("a commit");
    let read = scene.fixture.store.read_row::<Contact>(scene.tenant, contact.id).await.expect("a look");
    assert_eq!(read, Some(contact));
    let mut uow = scene.fixture.begin().await;
    let again = uow.receipts().claim(scene.tenant, &request("k"), NOW).await.expect("claimed");
    assert_eq!(again, Claim::Replay(response()));
}

#[tokio::test]
async fn a_key_that_was_revoked_or_changed_meanwhile_writes_nothing() {
    for change in ["revoked_at = now()", "scopes = '{}'", "allowlist = '{192.0.2.0/24}'", "expires_at = now()"] {
        let scene = Scene::new().await;
        let (uow, _) = scene.creating().await;
        scene.fixture.run(&format!("UPDATE api_keys SET {change}")).await;
        scene.assert_not_as_expected(uow).await;
    }
}

#[tokio::test]
async fn a_tenant_that_was_suspended_meanwhile_writes_nothing() {
    let scene = Scene::new().await;
    let (uow, _) = scene.creating().await;
    scene.fixture.store.set_status(scene.tenant, TenantStatus::Suspended).await.expect("suspended");
    scene.assert_not_as_expected(uow).await;
}

/// A pooler may give a statement a session whose transactions are others than this server has asked for.
#[tokio::test]
async fn nothing_is_as_expected_where_it_was_read_before_the_lock_was_granted() {
    let scene = Scene::new().await;
    let expected = format!(
        "SELECT cardinality(hold_expected_keys(ARRAY[{0}], ARRAY[{0}], ARRAY[{1}], ARRAY[{2}], ARRAY[{3}], 50))",
        scene.tenant.get(),
        scene.key.key.id.get(),
        "(SELECT revision FROM api_keys)",
        "(SELECT revision FROM tenants)"
    );
    assert_eq!(scene.fixture.number(&expected).await, 1);
    for (isolation, held) in [("repeatable read", 0), ("serializable", 0), ("read committed", 1)] {
        let database = "(SELECT current_database())";
        let set = format!("ALTER DATABASE %I SET default_transaction_isolation = %L', {database}, '{isolation}'");
        scene.fixture.run(&format!("DO $$ BEGIN EXECUTE format('{set}); END $$")).await;
        assert_eq!(scene.fixture.number(&expected).await, held, "{isolation}");
    }
}

#[tokio::test]
async fn who_revokes_waits_for_no_expectation_and_those_behind_them_ask_again() {
    let scene = Scene::new().await;
    let (uow, _) = scene.creating().await;
    let mut revoking = scene.fixture.begin().await;
    within("the key's lock", revoking.keys().lock(scene.tenant, scene.key.key.id))
        .await
        .expect("a lock")
        .expect("a key");
    // The one who revokes is not done: the change waits a moment, and gives up its expectations.
    within("giving up", scene.assert_not_as_expected_while_locked(uow)).await;
    revoking.rollback().await.expect("a roll-back");
}

impl Scene {
    async fn assert_not_as_expected_while_locked(&self, uow: Box<dyn UnitOfWork>) {
        let committed = uow.commit().await;
        assert!(matches!(committed, Err(StoreError::Conflict(_))), "{committed:?}");
        assert_eq!(self.count("contacts").await, 0);
    }
}

#[tokio::test]
async fn a_key_that_was_used_meanwhile_is_not_used_twice() {
    let scene = Scene::new().await;
    let (first, _) = scene.creating().await;
    let (second, _) = scene.creating().await;
    first.commit().await.expect("a commit");
    scene.assert_not_as_expected(second).await;
    assert_eq!(scene.count("contacts").await, 1);
}

#[tokio::test]
async fn an_expired_receipt_is_claimed_anew() {
    let scene = Scene::new().await;
    let (first, _) = scene.creating().await;
    first.commit().await.expect("a commit");
    let mut uow = scene.fixture.store.begin_expecting(&scene.credential).expect("a unit of work");
    let later = NOW.plus(RECEIPT_LIFETIME);
    uow.receipts().claim(scene.tenant, &request("k"), later).await.expect("claimed");
    let anew = RenderedResponse { body: b"anew".to_vec(), ..response() };
    uow.receipts().record(scene.tenant, &request("k").key, &anew).await.expect("recorded");
    uow.commit().await.expect("a commit");
    let mut uow = scene.fixture.begin().await;
    let again = uow.receipts().claim(scene.tenant, &request("k"), later).await.expect("claimed");
    assert_eq!(again, Claim::Replay(anew));
}

#[tokio::test]
async fn a_server_whose_clock_is_ahead_does_not_take_a_receipt_for_expired() {
    let scene = Scene::new().await;
    let (first, _) = scene.creating().await;
    first.commit().await.expect("a commit");
    scene.fixture.run("UPDATE idempotency_receipts SET expires_at = now() + interval '1 minute'").await;
    let mut uow = scene.fixture.store.begin_expecting(&scene.credential).expect("a unit of work");
    // 2100-01-01.
    let ahead = Timestamp::from_unix_millis(4_102_444_800_000);
    uow.receipts().claim(scene.tenant, &request("k"), ahead).await.expect("claimed");
    uow.insert_row(scene.tenant, &details("Acme"), NOW).await.expect("made");
    uow.receipts().record(scene.tenant, &request("k").key, &response()).await.expect("recorded");
    scene.assert_not_as_expected(uow).await;
}

#[tokio::test]
async fn a_row_that_was_changed_meanwhile_is_not_overwritten() {
    let scene = Scene::new().await;
    let contact = scene.fixture.contact(scene.tenant, &details("Acme"), NOW).await;
    for change in ["notes = 'changed'", "notes = notes", "deleted_at = now()"] {
        let mut uow = scene.fixture.store.begin_expecting(&scene.credential).expect("a unit of work");
        uow.receipts().claim(scene.tenant, &request("k"), NOW).await.expect("claimed");
        let mut read = uow.lock_row::<Contact>(scene.tenant, contact.id).await.expect("read").expect("there");
        read.details = details("Bolt");
        uow.update_row(scene.tenant, &read).await.expect("changed");
        scene.fixture.run(&format!("UPDATE contacts SET {change}")).await;
        scene.assert_not_as_expected(uow).await;
    }
    assert_eq!(scene.fixture.number("SELECT count(*) FROM contacts WHERE company_name = 'Acme'").await, 1);
}

#[tokio::test]
async fn what_is_only_known_by_asking_is_not_done() {
    let scene = Scene::new().await;
    let contact = scene.fixture.contact(scene.tenant, &details("Acme"), NOW).await;
    let mut uow = scene.fixture.store.begin_expecting(&scene.credential).expect("a unit of work");
    let locked = uow.lock_row_alone::<Contact>(scene.tenant, contact.id).await;
    assert!(matches!(locked, Err(StoreError::Conflict(_))), "{locked:?}");
    let deleted = uow.delete_row::<Contact>(scene.tenant, contact.id, NOW).await;
    assert!(matches!(deleted, Err(StoreError::Conflict(_))), "{deleted:?}");
    let keys = uow.keys().lock(scene.tenant, scene.key.key.id).await;
    assert!(matches!(keys, Err(StoreError::Conflict(_))), "{keys:?}");
    uow.rollback().await.expect("a roll-back");
}

#[tokio::test]
async fn another_tenants_row_is_not_found() {
    let scene = Scene::new().await;
    let other = scene.fixture.tenant().await.id;
    let foreign = scene.fixture.contact(other, &details("Acme"), NOW).await;
    let mut uow = scene.fixture.store.begin_expecting(&scene.credential).expect("a unit of work");
    assert_eq!(uow.lock_row::<Contact>(scene.tenant, foreign.id).await.expect("read"), None);
}

#[tokio::test]
async fn a_deletion_that_is_repeated_is_a_replay() {
    let scene = Scene::new().await;
    let contact = scene.fixture.contact(scene.tenant, &details("Acme"), NOW).await;
    let (store, environment, caller) = (&scene.fixture.store, &scene.fixture.environment, scene.caller());
    let keyed = request("delete");
    let command = Delete { family: family::<Contact>(), id: contact.id };
    let done = execute(store, environment, &caller, Some(&keyed), &command, |_| response()).await;
    assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
    let done = execute(store, environment, &caller, Some(&keyed), &command, |_| response()).await;
    assert!(matches!(done, Ok(Executed::Replayed(_))), "{done:?}");
}

/// Of many who change one contact at once, all succeed, one after another, and each tells of what it found.
#[tokio::test]
async fn changes_of_one_row_at_once_are_all_made() {
    let scene = Scene::new().await;
    let contact = scene.fixture.contact(scene.tenant, &details("Acme"), NOW).await;
    let mut changes = JoinSet::new();
    for n in 0..12 {
        let (store, environment) = (scene.fixture.store.clone(), scene.fixture.environment.clone());
        let (caller, id) = (scene.caller(), contact.id);
        changes.spawn(async move {
            let command = rename(id, &format!("name {n}"));
            execute(&store, &environment, &caller, Some(&request(&format!("{n}"))), &command, |_| response()).await
        });
    }
    let done = within("all changes", changes.join_all()).await;
    assert!(done.iter().all(|done| matches!(done, Ok(Executed::Applied { .. }))), "{done:?}");
    // What one found is what another left behind: no change was lost.
    let chain = "SELECT count(DISTINCT body::json -> 'previous_attributes' ->> 'companyName') FROM outbox WHERE kind = 'contact.updated'";
    assert_eq!(scene.fixture.number(chain).await, 12);
}

#[tokio::test]
async fn ids_are_given_once() {
    let scene = Scene::new().await;
    let other = scene.fixture.database.store();
    let mut creating = JoinSet::new();
    for n in 0..600 {
        let store = if n % 2 == 0 { scene.fixture.store.clone() } else { other.clone() };
        let (environment, caller) = (scene.fixture.environment.clone(), scene.caller());
        creating.spawn(async move {
            let command = create(&details("Acme"));
            let done = execute(&store, &environment, &caller, None, &command, |_| response()).await;
            assert!(matches!(done, Ok(Executed::Applied { .. })), "{done:?}");
        });
    }
    within("all of them", creating.join_all()).await;
    assert_eq!(scene.fixture.number("SELECT count(DISTINCT id) FROM contacts").await, 600);
    assert_eq!(scene.count("outbox").await, 600);
}

#[tokio::test]
async fn a_read_that_finds_its_connection_closed_is_sent_again() {
    let scene = Scene::new().await;
    let contact = scene.fixture.contact(scene.tenant, &details("Acme"), NOW).await;
    for _ in 0..3 {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        scene.fixture.run(others).await;
        let read = scene.fixture.store.read_row::<Contact>(scene.tenant, contact.id).await.expect("a look");
        assert_eq!(read.as_ref(), Some(&contact));
        find(&scene.fixture, &scene.key).await;
        let (uow, _) = scene.creating().await;
        drop(uow);
    }
}

#[tokio::test]
async fn a_read_behind_one_that_hangs_is_told_in_time() {
    let scene = Scene::new().await;
    let settings =
        bwp_postgres::PoolSettings { wait: Duration::from_millis(300), ..bwp_postgres::PoolSettings::DEFAULT };
    let store = bwp_postgres::PgStore::new(&scene.fixture.database.url(), settings).expect("a store");
    let mut lock = scene.fixture.database.connection().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut lock, "BEGIN; LOCK TABLE api_keys, contacts")
        .await
        .expect("locked");
    let refused = within("an answer", store.find_by_hash(&scene.key.secret.hash())).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let refused = within("an answer", store.read_row::<Contact>(scene.tenant, 1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    diesel_async::SimpleAsyncConnection::batch_execute(&mut lock, "COMMIT").await.expect("unlocked");
    until_ok("a look", async || store.find_by_hash(&scene.key.secret.hash()).await).await.expect("the key");
}
