//! The ways in which a server ends.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use diesel_async::SimpleAsyncConnection;
use reqwest::Method;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::support::{Connection, DataFolder, PATIENCE, Random, Server, Sql, World, bwp, contact, send, until};

#[tokio::test]
async fn while_draining_it_serves_is_not_ready_and_ends_its_connections() {
    let world = World::start_with(&["--drain", "1h", "--admin-listen", "127.0.0.1:0"]).await;
    let client = world.client(&["contacts:write"]).await;
    let mut idle = Connection::connect(&world.server).await;
    let authorization = format!("Authorization: Bearer {}", client.key);
    idle.head("GET", "/me", &[&authorization]).await;
    let answer = idle.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, ""));

    world.server.signal("TERM").await;
    until("not ready", async || send(world.request(Method::GET, "/readyz")).await.status != 200).await;
    assert_eq!(send(world.request(Method::GET, "/healthz")).await.status, 200);
    // Who knows of no readiness comes all the same, on an old connection or on a new one.
    idle.head("GET", "/me", &[&authorization]).await;
    let answer = idle.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert!(idle.is_closed().await);
    let answer = client.post("/contacts", &contact("late")).await;
    assert_eq!((answer.status, answer.header("connection")), (201, "close"));
}

#[tokio::test]
async fn when_it_has_drained_it_ends() {
    let mut world = World::start_with(&["--drain", "1s"]).await;
    let began = Instant::now();
    world.server.signal("TERM").await;
    let ended = timeout(PATIENCE, world.server.ended()).await.expect("it ends");
    assert_eq!(ended.code(), Some(0));
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(!world.server.log().contains("ERROR"), "{}", world.server.log());
}

#[tokio::test]
async fn a_connection_accepted_just_before_the_end_is_served() {
    for _ in 0..3 {
        let mut world = World::start().await;
        let client = world.client(&[]).await;
        let mut late = Connection::connect(&world.server).await;
        // The server has it, for it has one that came later, and nothing of a request. Its head arrives when the server is
        // stopping already.
        client.get("/me").await.data(200);
        world.server.signal("TERM").await;
        late.head("GET", "/me", &[&format!("Authorization: Bearer {}", client.key)]).await;
        let answer = late.answer().await;
        assert_eq!(answer.status, 200);
        assert!(late.is_closed().await);
        assert_eq!(world.server.ended().await.code(), Some(0));
    }
}

#[tokio::test]
async fn requests_sent_ahead_on_a_connection_are_not_cut_off_in_the_middle() {
    let mut world = World::start().await;
    let client = world.client(&[]).await;
    let authorization = format!("Authorization: Bearer {}", client.key);
    let mut idle = Connection::connect(&world.server).await;
    // Without the key, which is to be read behind the lock.
    idle.head("GET", "/me", &[]).await;
    assert_eq!(idle.answer().await.status, 401);
    let mut lock = world.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.expect("a lock");
    let mut connection = Connection::connect(&world.server).await;
    for _ in 0..3 {
        connection.head("GET", "/me", &[&authorization]).await;
    }
    Sql::connect(&world.database.url()).await.until_waiting(1).await;
    world.server.signal("TERM").await;
    // The server ends its connections: those on which nothing is asked are closed.
    assert!(idle.is_closed().await);
    lock.batch_execute("COMMIT").await.expect("unlocked");
    // The one that is in flight is answered, and told to be the last: RFC 9112, section 9.6. On a slow machine it may have waited
    // for too long.
    let answer = connection.answer().await;
    assert!([200, 503].contains(&answer.status), "{answer}");
    assert_eq!(answer.header("connection"), "close");
    assert!(connection.is_closed().await, "nothing after it");
    assert_eq!(timeout(PATIENCE, world.server.ended()).await.expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut world = World::start().await;
    let client = world.client(&["contacts:write"]).await;
    let mut connection = Connection::connect(&world.server).await;
    // In flight for as long as its body has not come.
    connection.awaited_contact_head(&client.key, "never", 1000).await;
    world.server.signal("TERM").await;
    assert!(
        timeout(Duration::from_millis(1500), world.server.ended()).await.is_err(),
        "it waits for what is in flight"
    );
    world.server.signal("TERM").await;
    timeout(PATIENCE, world.server.ended()).await.expect("it ends");
    assert!(world.server.log().contains("stopped at once"), "{}", world.server.log());
}

#[tokio::test]
async fn a_terminal_that_is_gone_and_a_quit_stop_it_and_its_postgresql() {
    for signal in ["HUP", "QUIT"] {
        let folder = DataFolder::new();
        let arguments = folder.arguments();
        let mut server = Server::start_as(&arguments.each_ref().map(String::as_str), &[]).await;
        server.signal(signal).await;
        let ended = timeout(PATIENCE, server.ended()).await.expect("it ends");
        assert_eq!(ended.code(), Some(0), "{signal}: {ended}");
        assert_eq!(folder.postgres_processes(), [0; 0], "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_that_was_started_to_outlive_its_terminal_does() {
    let database = bwp_postgres::testing::TestDatabase::new().await;
    let mut serve = Command::new("nohup");
    serve.args([
        env!("CARGO_BIN_EXE_bwp"),
        "--json",
        "--database-url",
        &database.url(),
        "serve",
        "--listen",
        "127.0.0.1:0",
    ]);
    let mut server = serve.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    let ready = BufReader::new(server.stdout.take().expect("piped")).lines().next_line().await.expect("readable");
    let ready: serde_json::Value = serde_json::from_str(&ready.expect("a line")).expect("JSON");
    let pid = server.id().expect("it runs").to_string();
    for signal in ["-HUP", "-TERM"] {
        // Each signal but the first would be the second, which ends it at once.
        Command::new("kill").args([signal, &pid]).status().await.expect("kill runs");
        if signal == "-HUP" {
            let health = reqwest::get(format!("http://{}/readyz", ready["listening"].as_str().expect("an address")));
            assert_eq!(health.await.expect("answered").status(), 200);
        }
    }
    assert!(timeout(PATIENCE, server.wait()).await.expect("it ends").expect("it ends").success());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_during_the_start_leaves_no_postgresql_behind() {
    let mut random = Random::from_seed();
    for n in 0..6_u16 {
        let folder = DataFolder::new();
        let mut starting = bwp()
            .args(folder.arguments())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bwp starts");
        // From before there is a cluster to after the server serves.
        random.sleep(200 + n * 500).await;
        let pid = starting.id().expect("it runs").to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
        let ended = timeout(Duration::from_mins(1), starting.wait()).await.expect("it ends").expect("it ends");
        // Within the first moments of a process the signal ends it, before there is anything to stop.
        assert!(ended.success() || ended.code().is_none(), "{ended}");
        assert!(folder.postgres_processes().is_empty(), "after {n}");
    }
}

#[tokio::test]
async fn work_that_takes_too_long_is_given_up() {
    let world = World::start_with(&["--request-timeout", "1s"]).await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    until("it reads", async || client.get("/contacts").await.status == 200).await;
    let mut lock = world.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE contacts").await.expect("a lock");
    let (read, written) =
        tokio::join!(client.get("/contacts"), async { client.post("/contacts", &contact("late")).await });
    for answer in [read, written] {
        answer.problem(503, "service_unavailable");
        // Not for want of the database, which comes later.
        assert_eq!(answer.header("retry-after"), "1");
    }
    lock.batch_execute("COMMIT").await.expect("unlocked");
    // Nothing of the change is left, nor a lock.
    Sql::connect(&world.database.url()).await.until_quiet().await;
    assert_eq!(world.number("SELECT count(*) FROM contacts").await, 0);
    until("it writes", async || client.post("/contacts", &contact("again")).await.status == 201).await;
}
