//! Changes of many requests at once: each is made as if it were alone, whatever becomes of those it goes with.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    execute::{Command, Environment, ExecuteError, Executed, execute},
    idempotency::{Fingerprint, IdempotencyKey, KeyedRequest, RenderedResponse},
    ids::TenantId,
    keys::{CreatedKey, ports::KeyReader},
    principal::{Caller, KeyCredential, Principal},
    resource::{Record, Stored},
    scopes::ScopeSet,
    store::{Store, StoreError, UnitOfWork},
    testing::{TypedReader, TypedRows, create, details, update},
};
use bwp_postgres::{
    PgStore, PoolSettings,
    testing::{Fixture, within},
};
use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// One who makes changes.
struct Someone {
    tenant: TenantId,
    key: CreatedKey,
    credential: Arc<KeyCredential>,
}

impl Someone {
    async fn new(fixture: &Fixture) -> Self {
        let tenant = fixture.tenant().await.id;
        let key = fixture.key(tenant).await;
        let credential = fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
        Self { tenant, key, credential }
    }

    fn caller(&self) -> Caller {
        Caller { principal: Principal::Key(Arc::clone(&self.credential)), address: None, needs: ScopeSet::EMPTY }
    }

    /// A unit of work in which they made a contact under an idempotency key.
    async fn creating(&self, store: &PgStore, key: &str) -> Box<dyn UnitOfWork> {
        let mut uow = store.begin_expecting(&self.credential).expect("a unit of work");
        uow.receipts().claim(self.tenant, &request(key), NOW).await.expect("claimed");
        uow.insert_row(self.tenant, &details("Acme"), NOW).await.expect("made");
        uow.receipts().record(self.tenant, &request(key).key, &RenderedResponse::default()).await.expect("recorded");
        uow
    }

    /// A unit of work in which they renamed a contact.
    async fn renaming(&self, store: &PgStore, contact: &Stored<Contact>, name: &str) -> Box<dyn UnitOfWork> {
        let mut uow = store.begin_expecting(&self.credential).expect("a unit of work");
        let mut read = uow.lock_row::<Contact>(self.tenant, contact.id).await.expect("read").expect("there");
        read.details = details(name);
        uow.update_row(self.tenant, &read).await.expect("changed");
        uow
    }

    /// Sends a change of a contact as a client does that is told to come again: until it is answered. Gives the contact's
    /// id, or none if the change may have been made and has no key under which it could be sent again.
    async fn send<C, E>(
        &self,
        store: &PgStore,
        environment: &Environment,
        keyed: Option<&KeyedRequest>,
        command: &C,
    ) -> Option<Vec<u8>>
    where
        C: Command<dyn UnitOfWork, Output = Record, Error = E>,
        E: Debug + Send,
    {
        let render = |contact: &Record| RenderedResponse {
            body: contact.id.to_string().into_bytes(),
            ..RenderedResponse::default()
        };
        loop {
            match execute(store, environment, &self.caller(), keyed, command, render).await {
                Ok(Executed::Applied { response, .. } | Executed::Replayed(response)) => return Some(response.body),
                Err(ExecuteError::Store(StoreError::Unavailable(_))) if keyed.is_none() => return None,
                // Others are at the key or at the row for too long, or too many are here.
                Err(
                    ExecuteError::KeyBusy | ExecuteError::Store(StoreError::Conflict(_) | StoreError::Unavailable(_)),
                ) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

fn request(key: &str) -> KeyedRequest {
    let key = IdempotencyKey::parse(key).expect("a key");
    KeyedRequest { fingerprint: Fingerprint::of("POST", "/api/v1/contacts", key.as_str().as_bytes()), key }
}

async fn scene(people: usize) -> (Fixture, Vec<Someone>) {
    let fixture = Fixture::new().await;
    let mut all = Vec::new();
    for _ in 0..people {
        all.push(Someone::new(&fixture).await);
    }
    (fixture, all)
}

/// Commits all at once.
async fn commit(changes: Vec<Box<dyn UnitOfWork>>) -> Vec<Result<(), StoreError>> {
    within("all of them", join_all(changes.into_iter().map(UnitOfWork::commit))).await
}

fn is_conflict(committed: &Result<(), StoreError>) -> bool {
    matches!(committed, Err(StoreError::Conflict(_)))
}

#[tokio::test]
async fn what_is_ready_at_once_is_one_transaction() {
    let (fixture, people) = scene(4).await;
    let mut changes = Vec::new();
    for n in 0..8 {
        changes.push(people[n % 4].creating(&fixture.store, &format!("k{n}")).await);
    }
    let committed = commit(changes).await;
    assert!(committed.iter().all(Result::is_ok), "{committed:?}");
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, 8);
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 8);
    assert_eq!(fixture.number("SELECT count(DISTINCT xmin::text) FROM contacts").await, 1);
    fixture.until_quiet().await;
}

#[tokio::test]
async fn what_is_not_as_expected_is_left_out() {
    let (fixture, people) = scene(4).await;
    people[1].creating(&fixture.store, "used").await.commit().await.expect("a commit");
    let mut changes = Vec::new();
    for (someone, key) in people.iter().zip(["a", "used", "b", "c"]) {
        changes.push(someone.creating(&fixture.store, key).await);
    }
    fixture.run(&format!("UPDATE api_keys SET revoked_at = now() WHERE id = {}", people[3].key.key.id.get())).await;
    let committed = commit(changes).await;
    assert_eq!(committed.iter().map(is_conflict).collect::<Vec<_>>(), [false, true, false, true], "{committed:?}");
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, 3);
    assert_eq!(fixture.number("SELECT count(*) FROM idempotency_receipts").await, 3);
}

#[tokio::test]
async fn one_that_fails_fails_alone() {
    let (fixture, people) = scene(4).await;
    let mut changes = Vec::new();
    for (n, someone) in people.iter().enumerate() {
        let contact = fixture.contact(someone.tenant, &details("Acme"), NOW).await;
        changes.push(someone.renaming(&fixture.store, &contact, "Bolt").await);
        if n == 2 {
            fixture.run(&format!("UPDATE contacts SET notes = 'new' WHERE id = {}", contact.id)).await;
        }
    }
    let committed = commit(changes).await;
    assert_eq!(committed.iter().map(is_conflict).collect::<Vec<_>>(), [false, false, true, false], "{committed:?}");
    assert_eq!(fixture.number("SELECT count(*) FROM contacts WHERE company_name = 'Bolt'").await, 3);
    fixture.until_quiet().await;
}

#[tokio::test]
async fn nobody_waits_for_another_ones_key_or_row() {
    let (fixture, people) = scene(4).await;
    let mut contacts = Vec::new();
    let mut changes = Vec::new();
    for someone in &people {
        let contact = fixture.contact(someone.tenant, &details("Acme"), NOW).await;
        changes.push(someone.renaming(&fixture.store, &contact, "Bolt").await);
        contacts.push(contact);
    }
    // One key is being revoked, and one row is being changed, for as long as the others take.
    let mut revoking = fixture.begin().await;
    revoking.keys().lock(people[0].tenant, people[0].key.key.id).await.expect("a lock").expect("a key");
    let mut changing = fixture.begin().await;
    changing.lock_row::<Contact>(people[1].tenant, contacts[1].id).await.expect("a lock").expect("a contact");
    let committed = commit(changes).await;
    assert_eq!(committed.iter().map(is_conflict).collect::<Vec<_>>(), [true, true, false, false], "{committed:?}");
    revoking.rollback().await.expect("a roll-back");
    changing.rollback().await.expect("a roll-back");
    assert_eq!(fixture.number("SELECT count(*) FROM contacts WHERE company_name = 'Bolt'").await, 2);
}

#[tokio::test]
async fn who_goes_away_takes_nobody_along() {
    let (fixture, people) = scene(4).await;
    let mut changes = Vec::new();
    for someone in &people {
        changes.push(someone.creating(&fixture.store, "k").await.commit());
    }
    let mut going = JoinSet::new();
    for (n, change) in changes.into_iter().enumerate() {
        // Half of them do not wait for an answer.
        let patience = if n % 2 == 0 { Duration::ZERO } else { Duration::MAX };
        going.spawn(async move { tokio::time::timeout(patience, change).await });
    }
    let done = within("all of them", going.join_all()).await;
    assert_eq!(done.iter().filter(|done| matches!(done, Ok(Ok(())))).count(), 2, "{done:?}");
    fixture.until_quiet().await;
    assert!(fixture.number("SELECT count(*) FROM contacts").await >= 2);
}

#[tokio::test]
async fn changes_whose_connection_ends_are_not_made_again() {
    let (fixture, people) = scene(4).await;
    fixture
        .run(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$; \
             CREATE TRIGGER slow BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await;
    let mut changes = Vec::new();
    for someone in &people {
        changes.push(someone.creating(&fixture.store, "k").await);
    }
    let committing = tokio::spawn(commit(changes));
    let sleeping = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    fixture.until(&format!("SELECT count(*) {sleeping}"), 1).await;
    fixture.run(&format!("SELECT pg_terminate_backend(pid) {sleeping}")).await;
    let committed = committing.await.expect("an end");
    let unknown = |committed: &Result<(), StoreError>| matches!(committed, Err(StoreError::Unavailable(_)));
    assert!(committed.iter().all(unknown), "{committed:?}");
    fixture.until_quiet().await;
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, 0);
}

#[tokio::test]
async fn an_error_in_unknown_words_is_the_trouble_of_one() {
    let (fixture, people) = scene(4).await;
    let words = "RAISE EXCEPTION 'words that nobody foresaw'";
    fixture
        .run(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {words}; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON contacts FOR EACH ROW \
             WHEN (NEW.tenant_id = {}) EXECUTE FUNCTION refuse()",
            people[1].tenant.get()
        ))
        .await;
    let mut changes = Vec::new();
    for someone in &people {
        changes.push(someone.creating(&fixture.store, "k").await);
    }
    let committed = commit(changes).await;
    assert_eq!(committed.iter().map(is_conflict).collect::<Vec<_>>(), [false, true, false, false], "{committed:?}");
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, 3);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_broken_off() {
    let (fixture, people) = scene(4).await;
    fixture
        .run(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$; \
             CREATE TRIGGER slow BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await;
    // Nothing else ends it.
    let hour = Duration::from_hours(1);
    let settings = PoolSettings { wait: hour, statement_timeout: hour, ..PoolSettings::DEFAULT };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a store");
    let mut changes = Vec::new();
    for someone in &people {
        changes.push(someone.creating(&store, "k").await);
    }
    let committing = tokio::spawn(commit(changes));
    fixture.until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", 1).await;
    committing.abort();
    fixture.until_quiet().await;
    assert_eq!(fixture.number("SELECT count(*) FROM contacts").await, 0);
}

#[tokio::test]
async fn of_those_who_went_away_while_a_connection_was_waited_for_nothing_is_sent() {
    let (fixture, people) = scene(4).await;
    let settings = PoolSettings { max_size: 1, wait: Duration::from_mins(1), ..PoolSettings::DEFAULT };
    let store = PgStore::new(&fixture.database.url(), settings).expect("a store");
    let mut contacts = Vec::new();
    let mut changes = Vec::new();
    for someone in &people {
        let contact = fixture.contact(someone.tenant, &details("Acme"), NOW).await;
        changes.push(someone.renaming(&store, &contact, "Bolt").await);
        contacts.push(contact);
    }
    fixture.run(&format!("UPDATE contacts SET notes = 'new' WHERE id = {}", contacts[3].id)).await;
    // The first of them is being changed by somebody else: the statement waits for that.
    let mut changing = fixture.begin().await;
    changing.lock_row::<Contact>(people[0].tenant, contacts[0].id).await.expect("a lock").expect("a contact");
    let committing = tokio::spawn(commit(changes));
    let waiting = async |count| {
        within("waiting for the one connection", async {
            while store.pool_use().waiting < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    };
    // Two others who would make changes, and then this test.
    waiting(2).await;
    let begin = {
        let store = store.clone();
        tokio::spawn(async move { store.begin().await.expect("a unit of work") })
    };
    // The statement fails: each of the four is to be sent by itself, when this test is done with the connection.
    let held = within("the one connection", begin).await.expect("begun");
    waiting(4).await;
    let idle = "query LIKE 'BEGIN%' AND state = 'idle in transaction'";
    let pid = fixture.number(&format!("SELECT pid FROM pg_stat_activity WHERE {idle}")).await;
    committing.abort();
    assert!(committing.await.expect_err("gone").is_cancelled());
    changing.rollback().await.expect("a roll-back");
    held.rollback().await.expect("a roll-back");
    within("the one connection", async {
        while store.pool_use().waiting > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    fixture.until_quiet().await;
    assert_eq!(fixture.number("SELECT count(*) FROM contacts WHERE company_name = 'Bolt'").await, 0);
    // Nothing was begun on it that would have to be broken off.
    assert_eq!(fixture.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}")).await, 1);
}

/// Two processes, few tenants, idempotency keys and rows, and connections that end: what was acknowledged is there, once,
/// and what was refused is not.
#[tokio::test]
async fn what_is_acknowledged_is_there_once() {
    for ending in [false, true] {
        race(ending).await;
    }
}

async fn race(ending: bool) {
    let (fixture, people) = scene(3).await;
    let people = Arc::new(people);
    let hot = fixture.contact(people[0].tenant, &details("hot"), NOW).await;
    let stores = [fixture.store.clone(), fixture.database.store()];
    let mut running = JoinSet::new();
    for n in 0..300_usize {
        let (store, environment) = (stores[n % 2].clone(), fixture.environment.clone());
        let (people, hot) = (Arc::clone(&people), hot.id);
        running.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::try_from(n % 40).expect("small"))).await;
            // Every fourth renames the one row. The others share 25 names, and the keys that belong to them.
            let renames = n % 4 == 0;
            let name = if renames { format!("rename {n}") } else { format!("name-{}", n % 25) };
            let someone = &people[if renames { 0 } else { n % 25 % 3 }];
            let answer = if renames {
                let command = update::<Contact>(hot, &json!({ "companyName": name }));
                someone.send(&store, &environment, None, &command).await
            } else {
                someone.send(&store, &environment, Some(&request(&name)), &create(&details(&name))).await
            };
            (renames, name, answer)
        });
    }
    for _ in 0..if ending { 15 } else { 0 } {
        tokio::time::sleep(Duration::from_millis(10)).await;
        fixture
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND query LIKE 'WITH held%' AND state = 'active'",
            )
            .await;
    }
    let done = within("all of them", running.join_all()).await;
    fixture.until_quiet().await;
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut renamed, mut unknown) = (0, 0);
    for (renames, name, answer) in done {
        match answer {
            Some(_) if renames => renamed += 1,
            Some(id) => assert_eq!(made.entry(name).or_insert_with(|| id.clone()), &id, "one key, one contact"),
            None => unknown += 1,
        }
    }
    assert_eq!(
        (made.len(), renamed + unknown),
        (25, 75),
        "each is acknowledged in the end, but a rename that may be made"
    );
    let contacts = fixture.number("SELECT count(*) FROM contacts WHERE company_name LIKE 'name-%'").await;
    let names = "SELECT count(DISTINCT company_name) FROM contacts WHERE company_name LIKE 'name-%'";
    assert_eq!(contacts, fixture.number(names).await, "nothing is made twice");
    for (name, id) in &made {
        let id = String::from_utf8_lossy(id);
        let query = format!("SELECT count(*) FROM contacts WHERE id = {id} AND company_name = '{name}'");
        assert_eq!(fixture.number(&query).await, 1, "what was acknowledged is there");
    }
    let told = fixture.number("SELECT count(*) FROM outbox WHERE kind = 'contact.updated'").await;
    assert!((renamed..=renamed + unknown).contains(&told), "{renamed} renamed, {unknown} unknown, {told} told");
    let created = fixture.number("SELECT count(*) FROM outbox WHERE kind = 'contact.created'").await;
    assert_eq!(created, contacts, "each is told of once");
    assert!(fixture.store.read_row::<Contact>(people[0].tenant, hot.id).await.expect("a look").is_some());
}
