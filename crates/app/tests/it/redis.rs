//! Many servers with one Redis count together; without it, they go on.
//!
//! `BWP_TEST_REDIS_OUTAGE_MILLISECONDS` says for how long Redis is away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bwp_redis::testing::RedisServer;
use reqwest::Method;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    rate_limits::{limit_tenant, limited},
    support::{Answer, Client, Server, World, attempt_bwp, send, setting, until},
};

const CALLS: usize = 1_000;
const BUDGET: usize = 500;
/// How many calls are under way at once: as many connections as a process may usually have open.
const AT_ONCE: usize = 300;

/// What is no fault of Redis must not make a busy machine's servers count alone.
const PATIENT: &[&str] = &["--redis-deadline", "10s"];

/// Three servers over one database and one Redis.
struct Ground {
    redis: RedisServer,
    world: World,
    others: [Server; 2],
}

impl Ground {
    async fn new(arguments: &[&str]) -> Self {
        let redis = RedisServer::start();
        let url = redis.url();
        let arguments = [&["--redis-url", &url], arguments].concat();
        let world = World::start_with(&arguments).await;
        let database = world.database.url();
        let others = [Server::start(&database, &arguments).await, Server::start(&database, &arguments).await];
        Self { redis, world, others }
    }

    /// The client at each of the servers.
    fn everywhere(&self, client: &Client) -> [Client; 3] {
        [client.clone(), client.at(&self.others[0]), client.at(&self.others[1])]
    }
}

/// What a server that is ready says of itself.
async fn readyz(world: &World) -> String {
    let answer = send(world.request(Method::GET, "/readyz")).await;
    assert_eq!(answer.status, 200);
    String::from_utf8(answer.bytes).expect("text")
}

/// Returns when the server says this of itself.
async fn until_ready_says(world: &World, expected: &str) {
    until(expected, async || readyz(world).await.contains(expected)).await;
}

/// Sends the calls to the clients' servers in turn, and gives the answers.
async fn storm(clients: &[Client; 3]) -> Vec<Answer> {
    let (mut calls, room) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for number in 0..CALLS {
        let (client, room) = (clients[number % 3].clone(), Arc::clone(&room));
        calls.spawn(async move {
            let _room = room.acquire().await;
            client.get("/me").await
        });
    }
    calls.join_all().await
}

#[track_caller]
fn assert_exactly_the_budget(answers: &[Answer], header: &str) {
    let (admitted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in &refused {
        answer.problem(429, "rate_limited");
        assert_eq!(answer.header(header), "0");
    }
    assert_eq!((admitted.len(), refused.len()), (BUDGET, CALLS - BUDGET));
    // Each of those who were let in saw a state of its own.
    let mut remaining: Vec<usize> = admitted.iter().map(|answer| answer.header(header).parse().unwrap()).collect();
    remaining.sort_unstable();
    assert!(remaining.into_iter().eq(0..BUDGET));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_1000_at_once_at_three_servers_exactly_the_keys_budget_is_admitted() {
    let ground = Ground::new(PATIENT).await;
    for _ in 0..3 {
        let client = limited(&ground.world, &[], 500).await;
        assert_exactly_the_budget(&storm(&ground.everywhere(&client)).await, "ratelimit-key-remaining");
    }
    assert_eq!(readyz(&ground.world).await, "ready\n", "Redis was there all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_1000_at_once_at_three_servers_exactly_the_tenants_budget_is_admitted() {
    let ground = Ground::new(PATIENT).await;
    for _ in 0..3 {
        let tenant = ground.world.another_tenant().await;
        ground.world.bwp(&["tenant", "set-limit", &tenant, "500"]).await;
        let client = ground.world.client_of(&tenant, &[]).await;
        assert_exactly_the_budget(&storm(&ground.everywhere(&client)).await, "ratelimit-tenant-remaining");
    }
    assert_eq!(readyz(&ground.world).await, "ready\n", "Redis was there all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_under_load_and_nobody_waits() {
    let mut ground = Ground::new(&[]).await;
    limit_tenant(&ground.world, 1_000_000).await;
    let client = limited(&ground.world, &[], 1_000_000).await;
    let (stop, slowest, calls) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut load = JoinSet::new();
    for client in ground.everywhere(&client).into_iter().cycle().take(9) {
        let (stop, slowest, calls) = (Arc::clone(&stop), Arc::clone(&slowest), Arc::clone(&calls));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                client.get("/me").await.data(200);
                slowest.fetch_max(u64::try_from(began.elapsed().as_millis()).unwrap(), Ordering::Relaxed);
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let a_while = || tokio::time::sleep(Duration::from_millis(setting("BWP_TEST_REDIS_OUTAGE_MILLISECONDS", 700)));
    for _ in 0..2 {
        a_while().await;
        ground.redis.kill();
        until_ready_says(&ground.world, "Redis is lost, this server counts alone").await;
        a_while().await;
        ground.redis.start_again();
        until_ready_says(&ground.world, "ready\n").await;
        a_while().await;
        // One that takes connections and answers nothing.
        ground.redis.pause();
        until_ready_says(&ground.world, "Redis is lost").await;
        a_while().await;
        ground.redis.resume();
        until_ready_says(&ground.world, "ready\n").await;
    }
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    let (slowest, calls) = (slowest.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
    println!("{calls} calls, the slowest took {slowest} ms");
    let log = ground.world.server.log();
    assert_eq!((log.matches("Redis is lost").count(), log.matches("Redis is back").count()), (4, 4), "{log}");
}

#[tokio::test]
async fn without_redis_each_server_counts_alone() {
    let mut ground = Ground::new(&[]).await;
    let client = limited(&ground.world, &[], 2).await;
    let [one, other, _] = ground.everywhere(&client);
    one.get("/me").await.data(200);
    other.get("/me").await.data(200);
    one.get("/me").await.problem(429, "rate_limited");
    ground.redis.kill();
    for client in [&one, &other] {
        client.get("/me").await.data(200);
        client.get("/me").await.data(200);
        client.get("/me").await.problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn or_every_request_is_refused() {
    let mut ground = Ground::new(&["--redis-lost", "refuse"]).await;
    let client = limited(&ground.world, &[], 100).await;
    client.get("/me").await.data(200);
    ground.redis.kill();
    let answer = client.get("/me").await;
    answer.problem(503, "service_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    client.with_key("rubbish").get("/me").await.problem(401, "unauthorized");
    assert_eq!(readyz(&ground.world).await, "ready (rate limits: Redis is lost, every request is refused)\n");
    ground.redis.start_again();
    until_ready_says(&ground.world, "ready\n").await;
    client.get("/me").await.data(200);
}

#[tokio::test]
async fn or_all_are_let_in() {
    let mut ground = Ground::new(&["--redis-lost", "allow"]).await;
    let client = limited(&ground.world, &[], 1).await;
    client.get("/me").await.data(200);
    client.get("/me").await.problem(429, "rate_limited");
    ground.redis.kill();
    for _ in 0..5 {
        client.get("/me").await.data(200);
    }
    assert_eq!(readyz(&ground.world).await, "ready (rate limits: Redis is lost, nothing is counted)\n");
}

#[tokio::test]
async fn a_server_starts_without_its_redis_and_finds_it_later() {
    let mut redis = RedisServer::start();
    redis.kill();
    let world = World::start_with(&["--redis-url", &redis.url()]).await;
    let client = limited(&world, &[], 100).await;
    client.get("/me").await.data(200);
    redis.start_again();
    until_ready_says(&world, "ready\n").await;
    client.get("/me").await.data(200);
    assert_eq!(redis.command::<Vec<String>>(&["KEYS", "bwp:rate:*:key:*"]).len(), 1);
}

#[tokio::test]
async fn a_wrong_url_is_said_and_not_shown() {
    let done =
        attempt_bwp(&["--database-url", "postgres://nowhere/x", "serve", "--redis-url", "http://u:secret@h"]).await;
    assert!(!done.status.success());
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("--redis-url: expected redis://") && !said.contains("secret"), "{said}");
}
