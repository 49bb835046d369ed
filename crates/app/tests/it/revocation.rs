//! A revoked key: no request that is sent after the revocation was acknowledged succeeds, and nothing that the key
//! writes is committed after it, whichever server it goes to.
//!
//! `BWP_TEST_REVOCATIONS` says how many revocations to try under load, `BWP_TEST_SEED` (printed by each run) when.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bwp_domain::{
    execute::{Command, Environment, Executed, execute},
    idempotency::RenderedResponse,
    ids::TenantId,
    keys::{Allowlist, ApiKey, CreateKey, CreatedKey, EditKey, KeyChanges, KeyMode, KeyName, NewKey, RevokeKey},
    principal::Caller,
    rate_limits::RateLimit,
    scopes::ScopeId,
    store::UnitOfWork,
    testing::environment,
};
use bwp_postgres::{PgStore, PoolSettings};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Client, Connection, Random, Server, Sql, World, contact, insist, send, setting};

/// Who uses a key at each of two servers: all but the last one write.
const USERS: usize = 5;

/// How many requests each of them sends after the revocation was acknowledged.
const AFTER: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_under_load_at_two_servers() {
    let revocations = setting("BWP_TEST_REVOCATIONS", 60);
    let ground = Ground::start().await;
    let load = Load::new(&ground).await;
    for n in 0..revocations {
        load.revoke(&format!("k{n}"), async |key| ground.revoke(&key).await).await;
    }
    load.judge("in this process").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narrowed_under_load_at_two_servers() {
    let ground = Ground::start().await;
    let load = Load::new(&ground).await;
    for n in 0..20 {
        load.revoke(&format!("k{n}"), async |key| ground.narrow(&key).await).await;
    }
    load.judge("from here, by a narrower allowlist").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_under_load_with_the_command() {
    let ground = Ground::start().await;
    let load = Load::new(&ground).await;
    for n in 0..5 {
        let revoke = async |key: ApiKey| {
            let shown = ground.world.bwp(&["key", "revoke", &key.public_id.to_string()]).await;
            assert_eq!(shown["status"], "revoked");
        };
        load.revoke(&format!("k{n}"), revoke).await;
    }
    load.judge("with `bwp key revoke`").await;
}

#[tokio::test]
async fn a_body_that_ends_after_the_revocation_is_refused_and_not_written() {
    let ground = Ground::start().await;
    let revoked = ground.key("revoked").await;
    let valid = ground.key("valid").await;
    let mut waiting = Vec::new();
    for n in 0..12 {
        let (key, name) = if n < 2 { (&valid, format!("valid-{n}")) } else { (&revoked, format!("revoked-{n}")) };
        let body = contact(&name).to_string();
        let mut connection = Connection::connect(ground.servers()[n % 2]).await;
        // Both ways to say how long a body is.
        let (start, rest) = if n % 4 < 2 {
            connection.contact_head(key.secret.expose(), &name, body.len()).await;
            let (start, rest) = body.split_at(body.len() / 2);
            (start.to_owned(), rest.to_owned())
        } else {
            let authorization = format!("Authorization: Bearer {}", key.secret.expose());
            let keyed = format!("Idempotency-Key: {name}");
            connection.head("POST", "/contacts", &[&authorization, &keyed, "Transfer-Encoding: chunked"]).await;
            let (start, rest) = body.split_at(body.len() / 2);
            (format!("{:x}\r\n{start}\r\n", start.len()), format!("{:x}\r\n{rest}\r\n0\r\n\r\n", rest.len()))
        };
        connection.send(start.as_bytes()).await;
        waiting.push((name, connection, rest));
    }
    // The heads are read and the credentials checked: all now wait for the bodies.
    tokio::time::sleep(Duration::from_millis(500)).await;
    ground.revoke(&revoked.key).await;
    for (name, connection, rest) in &mut waiting {
        connection.send(rest.as_bytes()).await;
        let answer = connection.answer().await;
        if name.starts_with("valid") {
            assert_eq!(answer.status, 201, "{name}");
        } else {
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{name}");
        }
    }
    let mut sql = ground.sql().await;
    for (table, query) in [
        ("contacts", "SELECT count(*) FROM contacts WHERE company_name LIKE 'revoked-%'"),
        ("outbox", "SELECT count(*) FROM outbox WHERE body::json -> 'data' ->> 'companyName' LIKE 'revoked-%'"),
        ("receipts", "SELECT count(*) FROM idempotency_receipts WHERE key LIKE 'revoked-%'"),
    ] {
        assert_eq!(sql.number(query).await, 0, "{table}");
    }
    // The refused request left no claim: with another key, it is carried out.
    let client = Client::new(&ground.world.server, valid.secret.expose());
    let again = client.request(Method::POST, "/contacts").header("Idempotency-Key", "revoked-2");
    assert_eq!(send(again.json(&contact("revoked-2"))).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_ends_after_the_revocation_learns_nothing_either() {
    let ground = Ground::start().await;
    let revoked = ground.key("revoked").await;
    let authorization = format!("Authorization: Bearer {}", revoked.secret.expose());
    let mut waiting = Vec::new();
    // A read with a body, a body with a fault, one that is no JSON, and one for an id of nothing.
    for (method, path, body) in [
        ("POST", "/contacts/get-many", r#"{"ids":[1]}"#),
        ("POST", "/contacts", r#"{"type":"nothing"}"#),
        ("POST", "/contacts", "{{{{"),
        ("PATCH", "/contacts/x", r#"{"type":"other"}"#),
    ] {
        let mut connection = Connection::connect(ground.servers()[waiting.len() % 2]).await;
        let length = format!("Content-Length: {}", body.len());
        connection.head(method, path, &[&authorization, &length, "Content-Type: application/json"]).await;
        let (start, rest) = body.split_at(2);
        connection.send(start.as_bytes()).await;
        waiting.push((path, connection, rest));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    ground.revoke(&revoked.key).await;
    for (path, connection, rest) in &mut waiting {
        connection.send(rest.as_bytes()).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_a_transaction_comes_first_and_who_waits_behind_the_revocation_is_refused() {
    let ground = Ground::start().await;
    for n in 0..100 {
        if comes_first(&ground, n).await {
            return;
        }
    }
    panic!("the machine is too slow for a wait");
}

/// Whether it was seen: a slow machine may take longer for it than a wait for a lock may take.
async fn comes_first(ground: &Ground, n: usize) -> bool {
    const ENDS_NO_WAIT: Duration = Duration::from_secs(1);
    let CreatedKey { key, secret } = ground.key(&format!("k{n}")).await;
    let [first, second] = ground.servers().map(|server| Client::new(server, secret.expose()));
    let before = first.request(Method::POST, "/contacts").header("Idempotency-Key", format!("before-{n}"));
    let id = insist(before.json(&contact("before"))).await.json["data"]["id"].as_i64().expect("an id");
    let mut sql = ground.sql().await;
    sql.until_waiting(0).await;
    let mut elsewhere = ground.sql().await;
    elsewhere.run("BEGIN").await;
    elsewhere.run(&format!("SELECT FROM contacts WHERE id = {id} FOR UPDATE")).await;

    let began = Instant::now();
    let mut until_waiting = async |number| {
        while sql.waiting().await != number && began.elapsed() < ENDS_NO_WAIT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (changed, late) = (format!("changed-{n}"), format!("late-{n}"));
    let body = json!({ "companyName": changed });
    let writing = tokio::spawn(async move { first.patch(&format!("/contacts/{id}"), &body).await.status });
    until_waiting(1).await;
    let (store, environment) = (ground.store.clone(), ground.environment.clone());
    let (tenant, revoke) = (ground.tenant, RevokeKey::always(key.id));
    let revoking = tokio::spawn(async move { apply(&store, &environment, tenant, revoke).await });
    until_waiting(2).await;
    let body = contact(&late);
    let coming_late = tokio::spawn(async move { second.post("/contacts", &body).await.status });
    until_waiting(3).await;
    let revoked_too_soon = revoking.is_finished();
    elsewhere.run("COMMIT").await;
    let in_time = began.elapsed() < ENDS_NO_WAIT;
    let (written, revoked, came_late) = tokio::join!(writing, revoking, coming_late);
    if !in_time {
        return false;
    }

    assert!(!revoked_too_soon, "a write with the key is under way");
    assert_eq!((written.unwrap(), came_late.unwrap()), (200, 401));
    revoked.unwrap();
    let named = |name: &str| format!("SELECT count(*) FROM contacts WHERE company_name = '{name}'");
    assert_eq!((sql.number(&named(&changed)).await, sql.number(&named(&late)).await), (1, 0));
    true
}

/// Two servers on one database, and the means of the `bwp` command in this process.
struct Ground {
    world: World,
    second: Server,
    store: PgStore,
    environment: Environment,
    tenant: TenantId,
}

impl Ground {
    async fn start() -> Self {
        let world = World::start().await;
        let url = world.database.url();
        let second = Server::start(&url, &[]).await;
        // As many connections as the command has.
        let settings = PoolSettings { max_size: 2, ..PoolSettings::default() };
        let store = PgStore::new(&url, settings).expect("a pool");
        let tenant = Sql::connect(&url).await.number("SELECT id FROM tenants").await;
        Self { world, second, store, environment: environment(), tenant: TenantId::new(tenant).expect("an id") }
    }

    fn servers(&self) -> [&Server; 2] {
        [&self.world.server, &self.second]
    }

    async fn sql(&self) -> Sql {
        Sql::connect(&self.world.database.url()).await
    }

    async fn key(&self, name: &str) -> CreatedKey {
        let key = NewKey {
            name: KeyName::parse(name.to_owned()).expect("a name"),
            scopes: [ScopeId::ContactsRead, ScopeId::ContactsWrite].into_iter().collect(),
            allowlist: Allowlist::any(),
            rate_limit: RateLimit::NONE,
            expires_at: None,
        };
        let create = CreateKey::new(KeyMode::Live, key);
        apply(&self.store, &self.environment, self.tenant, create).await
    }

    /// Lets the key be used from elsewhere alone.
    async fn narrow(&self, key: &ApiKey) {
        let elsewhere = Allowlist::parse(&["192.0.2.7"]).expect("an address");
        let changes = KeyChanges { name: None, allowlist: Some(elsewhere) };
        apply(&self.store, &self.environment, self.tenant, EditKey::new(key.id, changes)).await;
    }

    async fn revoke(&self, key: &ApiKey) {
        apply(&self.store, &self.environment, self.tenant, RevokeKey::always(key.id)).await;
    }
}

/// Runs a command as the operator, as `bwp` does.
async fn apply<C, O, E>(store: &PgStore, environment: &Environment, tenant: TenantId, command: C) -> O
where
    C: Command<dyn UnitOfWork, Output = O, Error = E>,
    O: Send + std::fmt::Debug,
    E: Send + std::fmt::Debug,
{
    let nothing = |_: &O| RenderedResponse::default();
    match execute(store, environment, &Caller::operator(tenant), None, &command, nothing).await {
        Ok(Executed::Applied { output, .. }) => output,
        other => panic!("{other:?}"),
    }
}

/// Revocations of keys that are in use, and what came of them.
struct Load<'a> {
    ground: &'a Ground,
    clients: [Client; 2],
    /// Another key, which nobody revokes.
    bystander: Client,
    random: tokio::sync::Mutex<Random>,
    sql: tokio::sync::Mutex<Sql>,
    revocations: std::sync::Mutex<BTreeMap<String, Revocation>>,
}

struct Revocation {
    took: Duration,
    /// Contacts there when it was acknowledged.
    contacts: i64,
    tally: Tally,
}

/// What one key's requests came to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    written: i64,
    read: usize,
    /// Refused, and not known to be sent after the acknowledgement.
    refused_before: usize,
    refused_after: usize,
    /// Sent after the acknowledgement, and carried out.
    late: usize,
}

/// What the revoker and those who use the key know of each other.
#[derive(Default)]
struct Signals {
    succeeded: AtomicUsize,
    acknowledged: AtomicBool,
}

impl<'a> Load<'a> {
    async fn new(ground: &'a Ground) -> Self {
        let bystander = ground.key("bystander").await;
        let clients = ground.servers().map(|server| Client::new(server, ""));
        Self {
            ground,
            bystander: clients[0].with_key(bystander.secret.expose()),
            clients,
            random: Random::from_seed().into(),
            sql: ground.sql().await.into(),
            revocations: std::sync::Mutex::default(),
        }
    }

    /// Makes a key, lets it be used at both servers, and revokes it.
    async fn revoke(&self, name: &str, revoke: impl AsyncFnOnce(ApiKey)) {
        let CreatedKey { key, secret } = self.ground.key(name).await;
        let signals = Arc::new(Signals::default());
        let mut users = JoinSet::new();
        for (server, client) in self.clients.iter().enumerate() {
            let client = client.with_key(secret.expose());
            for n in 0..USERS {
                let prefix = format!("{name}-{server}-{n}");
                let (client, signals) = (client.clone(), Arc::clone(&signals));
                users.spawn(async move { hammer(&client, &prefix, n + 1 < USERS, &signals).await });
            }
        }
        while signals.succeeded.load(Ordering::SeqCst) < USERS * 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.random.lock().await.sleep(30).await;

        let began = Instant::now();
        revoke(key).await;
        let took = began.elapsed();
        signals.acknowledged.store(true, Ordering::SeqCst);
        let count = format!("SELECT count(*) FROM contacts WHERE company_name LIKE '{name}-%'");
        let contacts = self.sql.lock().await.number(&count).await;

        let unharmed = self.bystander.post("/contacts", &contact("bystander-")).await;
        assert_eq!(unharmed.status, 201);
        let mut tally = Tally::default();
        for user in users.join_all().await {
            tally.written += user.written;
            tally.read += user.read;
            tally.refused_before += user.refused_before;
            tally.refused_after += user.refused_after;
            tally.late += user.late;
        }
        self.revocations.lock().unwrap().insert(name.to_owned(), Revocation { took, contacts, tally });
    }

    /// Prints what came of the revocations, and asserts that all was well.
    async fn judge(self, how: &str) {
        let revocations = self.revocations.into_inner().unwrap();
        let mut times: Vec<_> = revocations.values().map(|revocation| revocation.took).collect();
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let sum = |what: fn(&Tally) -> usize| revocations.values().map(|r| what(&r.tally)).sum::<usize>();
        let late = sum(|tally| tally.late);
        println!(
            "{} revocations {how}: {late} late successes among {} requests sent after the acknowledgement; acknowledged \
             in {:.1?} (median), {:.1?} (p99), {:.1?} (longest); {} writes and {} reads before, {} refused in flight",
            revocations.len(),
            sum(|tally| tally.refused_after + tally.late),
            at(50),
            at(99),
            at(100),
            revocations.values().map(|revocation| revocation.tally.written).sum::<i64>(),
            sum(|tally| tally.read),
            sum(|tally| tally.refused_before),
        );
        assert_eq!(late, 0, "sent after the acknowledgement and carried out");

        let mut sql = self.sql.into_inner();
        let found = "SELECT split_part(company_name, '-', 1) AS name, count(*) AS number FROM contacts GROUP BY 1";
        let found: BTreeMap<_, _> = sql.rows(found).await.into_iter().collect();
        for (name, Revocation { contacts, tally, .. }) in &revocations {
            let found = found.get(name).copied().unwrap_or_default();
            assert_eq!(found, *contacts, "{name}: some were committed after the acknowledgement");
            assert_eq!(found, tally.written, "{name}: each was acknowledged, and nothing that was refused is there");
        }
        // Strictly: a write has the number of its transaction from before it had to let the key go, and the revocation
        // has its own from when it alone had the key.
        let later = "SELECT count(*) FROM contacts c JOIN api_keys k ON k.name = split_part(c.company_name, '-', 1)
            WHERE (k.revoked_at IS NOT NULL OR k.allowlist <> '{}') AND c.xmin::text::bigint >= k.xmin::text::bigint";
        assert_eq!(sql.number(later).await, 0, "written by a transaction that had the key after its revocation");
    }
}

/// Uses a key again and again, until it has done so [`AFTER`] times after the acknowledgement of its revocation.
async fn hammer(client: &Client, prefix: &str, writes: bool, signals: &Signals) -> Tally {
    let mut tally = Tally::default();
    let mut sent = 0;
    while tally.refused_after + tally.late < AFTER {
        let is_after = signals.acknowledged.load(Ordering::SeqCst);
        sent += 1;
        let request = if writes {
            let name = format!("{prefix}-{sent}");
            client.request(Method::POST, "/contacts").header("Idempotency-Key", &name).json(&contact(&name))
        } else {
            client.request(Method::GET, if sent % 2 == 0 { "/me" } else { "/contacts?limit=1" })
        };
        let answer = send(request).await;
        match answer.status {
            200 | 201 => {
                signals.succeeded.fetch_add(1, Ordering::SeqCst);
                tally.late += usize::from(is_after);
                if writes { tally.written += 1 } else { tally.read += 1 }
            }
            401 if is_after => tally.refused_after += 1,
            401 => tally.refused_before += 1,
            _ => panic!("{answer:?}"),
        }
    }
    tally
}
