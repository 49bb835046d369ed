//! What crashes in the middle of writes: every key has one effect, and nothing that was acknowledged is missing.
//!
//! `BWP_TEST_KILLS` says how often to kill, `BWP_TEST_SEED` (printed by each run) when.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bwp_embedded::{Cluster, Options};
use reqwest::Method;
use serde_json::Value;
use tokio::{
    process::Command,
    sync::watch,
    task::{JoinSet, spawn_blocking},
};

use crate::support::{Answer, Client, DataFolder, PATIENCE, Random, Server, Sql, World, contact, run_bwp, setting};

const WRITERS: usize = 6;

fn kills(usually: usize) -> usize {
    setting("BWP_TEST_KILLS", usually)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_killed_at_random_moments() {
    let World { server, database, tenant } = World::start().await;
    let url = database.url();
    let key = key(&["--database-url", &url], &tenant).await;
    let writers = Writers::start(&Client::new(&server, &key));
    let (mut server, mut random) = (server, Random::from_seed());
    let kills = kills(20);
    for _ in 0..kills {
        random.sleep(200).await;
        server.kill().await;
        server = Server::start(&url, &[]).await;
        writers.go_on_at(&server);
    }
    let written = writers.stop().await;
    written.print(&format!("{kills} x kill -9 of the server"));
    written.assert_kept(&mut Sql::connect(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_cuts_its_connections_at_random_moments() {
    let World { server, database, tenant } = World::start().await;
    let url = database.url();
    let writers = Writers::start(&Client::new(&server, &key(&["--database-url", &url], &tenant).await));
    let (mut sql, mut random) = (Sql::connect(&url).await, Random::from_seed());
    let (kills, mut cut) = (kills(20), 0);
    for _ in 0..kills {
        random.sleep(100).await;
        cut += sql.cut_connections().await;
    }
    let written = writers.stop().await;
    written.print(&format!("{cut} connections cut at {kills} moments"));
    written.assert_kept(&mut sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_were_cut_while_idle_are_replaced_before_anybody_notices() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let mut sql = Sql::connect(&world.database.url()).await;
    for n in 0..3 {
        let at_once: JoinSet<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                async move { client.get("/contacts").await.status }
            })
            .collect();
        assert_eq!(at_once.join_all().await, [200; 8]);
        assert!(sql.cut_connections().await > 1);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(client.post("/contacts", &contact(&format!("after {n}"))).await.status, 201);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_and_its_postgresql_are_killed_together_at_random_moments() {
    let folder = DataFolder::new();
    let database = folder.arguments();
    let database = database.each_ref().map(String::as_str);
    let mut server = Server::start_as(&database, &[]).await;
    let tenants = run_bwp(&[&database[..], &["--json", "tenant", "list"]].concat()).await;
    let tenant = tenants[0]["publicId"].as_str().expect("the first start made a tenant").to_owned();
    let writers = Writers::start(&Client::new(&server, &key(&database, &tenant).await));
    let mut random = Random::from_seed();
    let kills = kills(4);
    for _ in 0..kills {
        random.sleep(500).await;
        let mut processes = folder.postgres_processes();
        assert!(processes.len() > 4, "PostgreSQL runs");
        // Whoever dies first: the others see it, or do not live to.
        let place = random.below(processes.len());
        processes.insert(place, server.pid());
        kill_9(&processes).await;
        server.kill().await;
        server = Server::start_as(&database, &[]).await;
        writers.go_on_at(&server);
    }
    // PostgreSQL alone, all of it and then one process: it is started again, and the server lives on.
    for n in 0..kills {
        random.sleep(1000).await;
        let processes = folder.postgres_processes();
        if n % 2 == 0 || processes.is_empty() {
            kill_9(&processes).await;
        } else {
            kill_9(&processes[random.below(processes.len())..][..1]).await;
        }
    }
    let written = writers.stop().await;
    written.print(&format!("{kills} x kill -9 of the server and its PostgreSQL, then {kills} x of that alone"));

    let path = folder.data_dir();
    let cluster = spawn_blocking(move || Cluster::open(&path, &Options::default())).await.unwrap().expect("joined");
    written.assert_kept(&mut Sql::connect(&cluster.url("bwp")).await).await;
    let client = Client::new(&server, &written.key);
    assert_eq!(client.get("/contacts?limit=1").await.status, 200);
    spawn_blocking(move || cluster.close()).await.unwrap().expect("closed");
    assert!(server.stop().await.success());
    assert!(folder.postgres_processes().is_empty(), "PostgreSQL stops with its last user");
}

async fn key(database: &[&str], tenant: &str) -> String {
    let scopes = ["--scope", "contacts:read", "--scope", "contacts:write"];
    // Writers write as fast as they can.
    run_bwp(&[database, &["--json", "tenant", "set-limit", tenant, "0"]].concat()).await;
    let create = ["--json", "key", "create", "--tenant", tenant, "--name", "writer", "--rate-limit", "0"];
    let made = run_bwp(&[database, &create, &scopes].concat()).await;
    made["key"].as_str().expect("a key").to_owned()
}

/// Writers who make one contact after the other, each under an idempotency key and until it is acknowledged, wherever
/// the server is meanwhile.
struct Writers {
    tasks: JoinSet<BTreeSet<(String, i64)>>,
    client: watch::Sender<Client>,
    stop: Arc<AtomicBool>,
    attempts: Arc<Attempts>,
}

#[derive(Default)]
struct Attempts {
    unanswered: AtomicUsize,
    told_to_wait: AtomicUsize,
    replayed: AtomicUsize,
}

/// What was acknowledged: the contacts' names and ids.
struct Written {
    acknowledged: BTreeSet<(String, i64)>,
    attempts: Arc<Attempts>,
    key: String,
}

impl Writers {
    fn start(client: &Client) -> Self {
        let mut writers = Self {
            tasks: JoinSet::new(),
            client: watch::Sender::new(client.clone()),
            stop: Arc::default(),
            attempts: Arc::default(),
        };
        for n in 0..WRITERS {
            let (client, stop) = (writers.client.subscribe(), Arc::clone(&writers.stop));
            let attempts = Arc::clone(&writers.attempts);
            writers.tasks.spawn(async move {
                let mut acknowledged = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let name = format!("{n}-{}", acknowledged.len());
                    let id = write(&client, &name, &attempts).await;
                    acknowledged.insert((name, id));
                }
                acknowledged
            });
        }
        writers
    }

    fn go_on_at(&self, server: &Server) {
        self.client.send_modify(|client| *client = client.at(server));
    }

    /// Lets the writers finish what they have begun.
    async fn stop(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        let all = tokio::time::timeout(PATIENCE * 3, self.tasks.join_all()).await.expect("they finish");
        let acknowledged = all.into_iter().flatten().collect();
        Written { acknowledged, attempts: self.attempts, key: self.client.borrow().key.clone() }
    }
}

/// Repeats the request until it is acknowledged, and gives the contact's id.
async fn write(client: &watch::Receiver<Client>, name: &str, attempts: &Attempts) -> i64 {
    loop {
        let client = client.borrow().clone();
        let request = client.request(Method::POST, "/contacts").header("Idempotency-Key", name);
        match answer(request.json(&contact(name)).timeout(PATIENCE)).await {
            None => attempts.unanswered.fetch_add(1, Ordering::Relaxed),
            Some(answer) if answer.status == 201 => {
                if answer.header("Idempotent-Replayed") == "true" {
                    attempts.replayed.fetch_add(1, Ordering::Relaxed);
                }
                return answer.json["data"]["id"].as_i64().expect("an id");
            }
            Some(answer) => {
                assert!(matches!(answer.code(), "conflict" | "service_unavailable"), "{answer:?}");
                assert!(!answer.header("Retry-After").is_empty(), "{answer:?}");
                attempts.told_to_wait.fetch_add(1, Ordering::Relaxed)
            }
        };
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The whole answer, or none if the server went away before its end.
async fn answer(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.ok()?.to_vec();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Some(Answer { status, headers, bytes, json })
}

impl Written {
    fn print(&self, what: &str) {
        let Attempts { unanswered, told_to_wait, replayed } = &*self.attempts;
        println!(
            "{what}: {} writes acknowledged, {} of them replays; {} attempts unanswered, {} told to wait",
            self.acknowledged.len(),
            replayed.load(Ordering::Relaxed),
            unanswered.load(Ordering::Relaxed),
            told_to_wait.load(Ordering::Relaxed),
        );
    }

    /// Asserts that each write that was begun, and so was acknowledged in the end, had one effect.
    async fn assert_kept(&self, sql: &mut Sql) {
        let contacts = sql.rows("SELECT company_name AS name, id AS number FROM contacts").await;
        let events = "SELECT body::json -> 'data' ->> 'companyName' AS name, (body::json -> 'data' ->> 'id')::bigint AS number FROM outbox
            WHERE kind = 'contact.created'";
        let events = sql.rows(events).await;
        let receipts = "SELECT key AS name, (convert_from(body, 'UTF8')::json -> 'data' ->> 'id')::bigint AS number
            FROM idempotency_receipts WHERE status = 201";
        let receipts = sql.rows(receipts).await;
        assert!(!self.acknowledged.is_empty());
        for (what, found) in [("contacts", contacts), ("events", events), ("receipts", receipts)] {
            let count = found.len();
            let found: BTreeSet<_> = found.into_iter().collect();
            let missing: Vec<_> = self.acknowledged.difference(&found).collect();
            let surplus: Vec<_> = found.difference(&self.acknowledged).collect();
            assert!(missing.is_empty() && surplus.is_empty(), "{what}: missing {missing:?}, too many {surplus:?}");
            assert_eq!(count, found.len(), "{what}: some are there more than once");
        }
    }
}

/// Kills all of them with one command. Some may have gone meanwhile.
async fn kill_9(processes: &[u32]) {
    let numbers = processes.iter().map(ToString::to_string);
    Command::new("kill").arg("-9").args(numbers).stderr(std::process::Stdio::null()).status().await.expect("kill runs");
}
