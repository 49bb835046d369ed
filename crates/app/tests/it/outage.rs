//! The database is away, hangs, or has no room: clients are told to come again, soon, and the server recovers by itself.
//!
//! `BWP_TEST_OUTAGE_SECONDS` says for how long.

use std::{collections::BTreeSet, time::Duration};

use bwp_embedded::{Cluster, Options};
use diesel_async::SimpleAsyncConnection;
use tokio::{process::Command, task::spawn_blocking, time::sleep};

use crate::support::{Client, DataFolder, Load, Outcome, Request, Server, Sql, World, contact, run_bwp, setting};

const CLIENTS: usize = 16;

fn outage() -> Duration {
    Duration::from_secs(setting("BWP_TEST_OUTAGE_SECONDS", 4))
}

/// A PostgreSQL that the server does not look after, and a server over it.
struct Away {
    server: Server,
    client: Client,
    cluster: Option<Cluster>,
    folder: DataFolder,
    path_to_read: String,
}

impl Away {
    async fn start(arguments: &[&str]) -> Self {
        let folder = DataFolder::new();
        let path = folder.data_dir();
        let cluster =
            spawn_blocking(move || Cluster::open(&path, &Options::default())).await.unwrap().expect("started");
        let url = cluster.url("bwp");
        let server = Server::start(&url, arguments).await;
        let database = ["--json", "--database-url", &url];
        let tenant =
            run_bwp(&[&database[..], &["tenant", "create", "--name", "Away", "--rate-limit", "0"]].concat()).await;
        let tenant = tenant["publicId"].as_str().expect("an id");
        let create = ["key", "create", "--tenant", tenant, "--name", "load", "--rate-limit", "0"];
        let scopes = ["--scope", "contacts:read", "--scope", "contacts:write"];
        let key = run_bwp(&[&database[..], &create, &scopes].concat()).await;
        let client = Client::new(&server, key["key"].as_str().expect("a key"));
        let made = client.post("/contacts", &contact("read")).await;
        let path_to_read = format!("/contacts/{}", made.data(201)["id"]);
        Self { server, client, cluster: Some(cluster), folder, path_to_read }
    }

    fn load(&self) -> Load {
        Load::start(&self.client, CLIENTS, &self.path_to_read)
    }

    /// Sends a signal to PostgreSQL, all of it.
    async fn signal(&self, name: &str) {
        let processes = self.folder.postgres_processes();
        assert!(!processes.is_empty(), "PostgreSQL runs");
        let numbers = processes.iter().map(ToString::to_string);
        // Some may go by themselves meanwhile.
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).args(numbers).stderr(std::process::Stdio::null()).status().await.expect("kill");
    }

    /// Starts PostgreSQL again.
    async fn revive(&mut self) {
        let cluster = self.cluster.take().expect("a cluster");
        self.cluster = spawn_blocking(move || {
            assert!(cluster.revive().expect("it starts"), "it had ended");
            Some(cluster)
        })
        .await
        .unwrap();
    }

    /// The names of the contacts that there are.
    async fn contacts(&self) -> BTreeSet<String> {
        let url = self.cluster.as_ref().expect("a cluster").url("bwp");
        let rows = Sql::connect(&url).await.rows("SELECT company_name AS name, id AS number FROM contacts").await;
        let names: BTreeSet<_> = rows.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names.len(), rows.len(), "some contacts were made twice");
        names
    }

    async fn end(mut self) {
        assert!(self.server.stop().await.success());
        let cluster = self.cluster.take().expect("a cluster");
        spawn_blocking(move || cluster.close()).await.unwrap().expect("closed");
    }
}

/// Checks that each request was done or told to wait.
fn check(requests: &[Request], log: &str) {
    let told = requests.iter().filter(|request| request.outcome == Outcome::ToldToWait).count();
    let slowest = requests.iter().map(|request| request.took).max().unwrap_or_default();
    println!("{} requests, {told} told to wait, the slowest took {slowest:?}", requests.len());
    let failed: Vec<_> = requests.iter().filter(|it| matches!(it.outcome, Outcome::Failed(_))).take(5).collect();
    assert!(failed.is_empty(), "neither done nor told to wait: {failed:#?}\n{log}");
}

/// Returns when the load has been served, and when `load` began to be.
async fn until_served(load: &Load) -> Duration {
    load.until(CLIENTS, Duration::ZERO, &Outcome::Done).await;
    load.elapsed()
}

/// Returns when each client has been told to wait that asked since `from`, and some time has passed: no client waits for
/// what is away to come back.
async fn until_told(load: &Load, from: Duration) {
    load.until(CLIENTS, from, &Outcome::ToldToWait).await;
    sleep((from + outage()).saturating_sub(load.elapsed())).await;
}

/// What was acknowledged is there.
fn check_kept(requests: &[Request], kept: &BTreeSet<String>) {
    let acknowledged = requests.iter().filter(|request| request.outcome == Outcome::Done);
    let missing: Vec<_> = acknowledged.filter_map(|it| it.wrote.as_ref()).filter(|it| !kept.contains(*it)).collect();
    assert!(missing.is_empty(), "acknowledged, and lost: {missing:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_for_seconds_ends_no_server() {
    let mut away = Away::start(&[]).await;
    let load = away.load();
    let from = until_served(&load).await;
    away.signal("KILL").await;
    until_told(&load, from).await;
    away.revive().await;
    load.until_well().await;
    let requests = load.stop().await;
    check(&requests, &away.server.log());
    check_kept(&requests, &away.contacts().await);
    away.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_holds_no_client_for_long() {
    let away = Away::start(&[]).await;
    let load = away.load();
    let from = until_served(&load).await;
    away.signal("STOP").await;
    until_told(&load, from).await;
    away.signal("CONT").await;
    load.until_well().await;
    let requests = load.stop().await;
    check(&requests, &away.server.log());
    check_kept(&requests, &away.contacts().await);
    away.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_a_free_connection_holds_no_client_for_long() {
    let world = World::start_with(&["--workers", "1", "--database-connections", "8"]).await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let made = client.post("/contacts", &contact("read")).await;
    let load = Load::start(&client, CLIENTS, &format!("/contacts/{}", made.data(201)["id"]));
    let mut lock = world.database.connection().await;
    let from = until_served(&load).await;
    // Writers wait, and soon there is one at each connection.
    lock.batch_execute("BEGIN; LOCK TABLE contacts IN SHARE MODE").await.expect("a lock");
    until_told(&load, from).await;
    lock.batch_execute("COMMIT").await.expect("unlocked");
    load.until_well().await;
    let requests = load.stop().await;
    check(&requests, &world.server.log());
    let rows = Sql::connect(&world.database.url()).await;
    let kept = { rows }.rows("SELECT company_name AS name, id AS number FROM contacts").await;
    check_kept(&requests, &kept.into_iter().map(|(name, _)| name).collect());
}
