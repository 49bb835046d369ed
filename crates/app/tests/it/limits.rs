//! What a client cannot do to the server, and what the log cannot tell.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{Client, Connection, PATIENCE, World, contact, send, unknown_key};

/// How many wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database \
                       WHERE datname = current_database() AND NOT granted";

/// Sends the head of a request that makes a contact, and half of its body. Gives the other half.
async fn begin(connection: &mut Connection, client: &Client) -> Vec<u8> {
    let body = contact("slow").to_string().into_bytes();
    let lines = [format!("Authorization: Bearer {}", client.key), format!("Content-Length: {}", body.len())];
    connection.head("POST", "/contacts", &[&lines[0], &lines[1]]).await;
    let (first, rest) = body.split_at(body.len() / 2);
    connection.send(first).await;
    rest.to_vec()
}

/// One thread with one connection for short reads and one for changes, besides that of the pages and the three that keep house.
const FEW_CONNECTIONS: [&str; 4] = ["--workers", "1", "--database-connections", "8"];

#[tokio::test]
async fn a_body_that_stands_still_is_408() {
    let world = World::start_with(&["--body-timeout", "1s"]).await;
    let client = world.client(&["contacts:write"]).await;
    let mut connection = Connection::connect(&world.server).await;
    let started = Instant::now();
    begin(&mut connection, &client).await;
    let answer = connection.answer().await;
    assert!(answer.problem(408, "bad_request").contains("1 second"), "{answer}");
    assert!(started.elapsed() >= Duration::from_millis(900));
    assert!(connection.is_closed().await);
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn a_body_that_trickles_is_408_too() {
    let world = World::start_with(&["--body-timeout", "1s"]).await;
    let client = world.client(&["contacts:write"]).await;
    let mut connection = Connection::connect(&world.server).await;
    let lines = [format!("Authorization: Bearer {}", client.key), "Content-Length: 1000000".to_owned()];
    connection.head("POST", "/contacts", &[&lines[0], &lines[1]]).await;
    let mut bytes_sent = 0;
    while !connection.is_answered_within(Duration::from_millis(20)).await {
        connection.send(b" ").await;
        bytes_sent += 1;
        assert!(bytes_sent < 1_000, "it goes on for ever");
    }
    connection.answer().await.problem(408, "bad_request");
    assert!(bytes_sent > 0);
}

#[tokio::test]
async fn a_slow_client_holds_no_database_connection() {
    let world = World::start_with(&FEW_CONNECTIONS).await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut connection = Connection::connect(&world.server).await;
        let rest = begin(&mut connection, &client).await;
        slow.push((connection, rest));
    }
    for _ in 0..20 {
        client.post("/contacts", &contact("quick")).await.data(201);
        client.get("/contacts").await.data(200);
    }
    // What the server does by itself takes moments; a client that holds a connection holds it all the time.
    let free = "SELECT (count(*) = 0)::integer FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'bwp' AND state <> 'idle'";
    world.wait_until(free).await;
    // They were at it all the time.
    for (mut connection, rest) in slow {
        connection.send(&rest).await;
        assert_eq!(connection.answer().await.data(201)["companyName"], "slow");
    }
}

#[tokio::test]
async fn rubbish_for_a_key_makes_no_work_for_the_database() {
    let world = World::start_with(&FEW_CONNECTIONS).await;
    let client = world.client(&["contacts:read"]).await;
    // From here on, whoever looks for a key waits.
    let mut lock = world.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.expect("a lock");
    let unknown = unknown_key();
    let waiting = tokio::spawn({
        let client = client.with_key(&unknown);
        async move { client.get("/me").await }
    });
    world.wait_until(WAITING).await;
    let mut wrong_sum = unknown.clone();
    wrong_sum.replace_range(57.., if wrong_sum.ends_with('A') { "B" } else { "A" });
    for rubbish in ["", "x", "bwp_live_", &wrong_sum, &"k".repeat(10_000)] {
        // Whoever waits for the database is told to come again.
        client.with_key(rubbish).get("/contacts").await.problem(401, "unauthorized");
    }
    lock.batch_execute("COMMIT").await.expect("unlocked");
    let status = waiting.await.expect("an answer").status;
    assert!([401, 503].contains(&status), "{status}");
}

#[tokio::test]
async fn who_gets_no_database_connection_is_told_to_come_again() {
    let world = World::start_with(&FEW_CONNECTIONS).await;
    let client = world.client(&["contacts:read"]).await;
    let mut lock = world.database.connection().await;
    lock.batch_execute("BEGIN; LOCK TABLE api_keys").await.expect("a lock");
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get("/me").await }
    });
    world.wait_until(WAITING).await;
    let answer = client.get("/contacts").await;
    answer.problem(503, "service_unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer}");
    waiting.await.expect("an answer").problem(503, "service_unavailable");
    assert_eq!(send(world.request(Method::GET, "/healthz")).await.status, 200);
    lock.batch_execute("COMMIT").await.expect("unlocked");
    client.get("/contacts").await.data(200);
    assert_eq!(send(world.request(Method::GET, "/readyz")).await.status, 200);
}

#[tokio::test]
async fn a_long_path_or_query_is_414() {
    let world = World::start().await;
    let client = world.client(&["contacts:read"]).await;
    let path = |bytes: usize| format!("/{}", "x".repeat(bytes - "/api/v1/".len()));
    client.get(&path(2_048)).await.problem(404, "not_found");
    assert!(client.get(&path(2_049)).await.problem(414, "bad_request").contains("path"));
    let query = |bytes: usize| format!("/contacts?search={}", "x".repeat(bytes - "search=".len()));
    client.get(&query(8_192)).await.data(200);
    assert!(client.get(&query(8_193)).await.problem(414, "bad_request").contains("query"));
}

#[tokio::test]
async fn a_body_without_end_behind_a_long_path_does_not_hold_its_connection() {
    let world = World::start().await;
    let mut connection = Connection::connect(&world.server).await;
    connection.head("POST", &format!("/{}", "x".repeat(2_100)), &["Transfer-Encoding: chunked"]).await;
    connection.send(b"1\r\nx\r\n").await;
    assert_eq!(connection.answer().await.status, 414);
    let closed = timeout(PATIENCE, connection.is_closed()).await;
    assert!(closed.expect("closed in time"), "nothing more is said");
}

#[tokio::test]
async fn a_head_that_is_too_large_or_malformed_is_refused() {
    let world = World::start().await;
    let large = format!("X-Large: {}", "x".repeat(200_000));
    for line in [large.as_str(), "Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2", "No colon"] {
        let mut connection = Connection::connect(&world.server).await;
        connection.head("POST", "/contacts", &[line]).await;
        let status = connection.answer().await.status;
        assert!((400..500).contains(&status), "{status}");
    }
    let client = world.client(&[]).await;
    client.get("/me").await.data(200);
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let cursor_secret = "cursor-secret-cursor-secret-cursor-secret";
    let everything = "trace,actix_http=trace,actix_server=trace,mio=trace,tokio_postgres=trace";
    let world = World::start_with(&["--log", everything, "--cursor-secret", cursor_secret]).await;
    let key = world.key(&world.tenant, &["contacts:read", "contacts:write"], &[]).await;
    let client = Client::new(&world.server, key["key"].as_str().expect("a key"));
    client.get("/contacts").await.data(200);
    client.post("/contacts", &contact("Acme")).await.data(201);
    client.patch("/contacts/0", &json!({})).await.problem(404, "not_found");
    client.get(&format!("/contacts?access_token={}", client.key)).await.problem(400, "bad_request");
    let twice = client.request(Method::GET, "/me").bearer_auth(&client.key);
    send(twice).await.problem(401, "unauthorized");
    for other in [client.key[..57].to_owned(), format!("{}x", client.key), client.key.replace("live", "test")] {
        client.with_key(&other).get("/me").await.problem(401, "unauthorized");
    }
    let basic = world.request(Method::GET, "/api/v1/me").header("Authorization", format!("Basic {}", client.key));
    send(basic).await.problem(401, "unauthorized");
    world.bwp(&["key", "revoke", key["keyId"].as_str().expect("an id")]).await;
    client.get("/me").await.problem(401, "unauthorized");

    let log = world.server.log();
    assert!(log.contains("TRACE") && log.contains("revoked"), "it is a full log: {log}");
    // Beyond the four characters that lists show, and whatever its prefix.
    let body = &client.key["bwp_live_".len()..];
    for secret in [&body[4..24], &body[24..44], cursor_secret] {
        assert!(!log.contains(secret), "a secret was logged");
    }
}
