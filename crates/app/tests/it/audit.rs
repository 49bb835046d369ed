//! The audit log: each request of a caller who was let in is there once, whatever becomes of it and of the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{process::Command, task::JoinSet};

use crate::support::{
    Client, Connection, DataFolder, PATIENCE, Server, Sql, World, contact, run_bwp, send, unknown_key, until,
};

const ALL: &[&str] = &["contacts:read", "contacts:write", "audit:read"];

/// The entry of the request with this id, when it is there.
async fn entry(client: &Client, request_id: &str) -> Value {
    let began = Instant::now();
    loop {
        let list = client.get("/api-audit-logs?limit=100").await;
        if let Some(found) = list.data(200).as_array().into_iter().flatten().find(|row| row["requestId"] == request_id)
        {
            return found.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{request_id} is not in the log: {list}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn every_kind_of_answer_is_one_entry() {
    let world = World::start().await;
    let key = world.key(&world.tenant, ALL, &[]).await;
    let client = Client::new(&world.server, key["key"].as_str().expect("a key"));
    let weak = world.client(&[]).await;
    let post = |body: &Value| client.request(Method::POST, "/contacts").json(body);
    let keyed = |body: &Value| post(body).header("Idempotency-Key", "k");
    let requests = [
        (client.request(Method::GET, "/me"), "GET", "/me", 200, None),
        (client.request(Method::HEAD, "/me"), "HEAD", "/me", 200, None),
        (client.request(Method::GET, "/contacts?limit=1"), "GET", "/contacts", 200, None),
        (client.request(Method::GET, "/contacts?limit=0"), "GET", "/contacts", 400, Some("bad_request")),
        (client.request(Method::GET, "/contacts/999999"), "GET", "/contacts/999999", 404, Some("not_found")),
        (client.request(Method::GET, "/contacts/%00%ff"), "GET", "/contacts/%00%ff", 404, Some("not_found")),
        (client.request(Method::DELETE, "/contacts/1"), "DELETE", "/contacts/1", 403, Some("scope_insufficient")),
        (weak.request(Method::GET, "/contacts"), "GET", "/contacts", 403, Some("scope_insufficient")),
        (keyed(&contact("one")), "POST", "/contacts", 201, None),
        (keyed(&contact("one")), "POST", "/contacts", 201, None),
        (keyed(&contact("two")), "POST", "/contacts", 409, Some("idempotency_key_reused")),
        (post(&json!({})), "POST", "/contacts", 422, Some("validation_failed")),
        (
            client.request(Method::POST, "/contacts").header("Content-Type", "text/plain").body("{}"),
            "POST",
            "/contacts",
            415,
            Some("bad_request"),
        ),
        (post(&json!("x".repeat(2_000_000))), "POST", "/contacts", 413, Some("bad_request")),
    ];
    let expected = i64::try_from(requests.len()).expect("few");
    for (request, method, path, status, code) in requests {
        let began = Instant::now();
        let answer = send(request.header("User-Agent", "test/1")).await;
        let took = began.elapsed().as_millis();
        assert_eq!(answer.status, status, "{method} {path}: {answer}");
        let found = entry(&client, answer.header("x-request-id")).await;
        let names: Vec<_> = found.as_object().expect("an object").keys().map(String::as_str).collect();
        let all = "id tenantId apiKeyId oauthTokenId userId method path status durationMs requestId ip userAgent errorCode \
                   createdAt";
        assert_eq!(names, all.split_whitespace().collect::<Vec<_>>());
        assert_eq!([&found["method"], &found["path"]], [method, &format!("/api/v1{path}")]);
        assert_eq!([&found["status"], &found["errorCode"]], [&json!(status), &json!(code)], "{method} {path}");
        assert_eq!([&found["ip"], &found["userAgent"]], ["127.0.0.1", "test/1"]);
        assert_eq!([&found["oauthTokenId"], &found["userId"]], [&Value::Null, &Value::Null]);
        assert!(found["durationMs"].as_u64().is_some_and(|millis| u128::from(millis) <= took), "{found}");
        assert!(found["createdAt"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == 24), "{found}");
    }
    let of_requests = "SELECT count(*) FROM api_audit_logs WHERE path <> '/api/v1/api-audit-logs'";
    assert_eq!(world.number(of_requests).await, expected, "each once");
    let number = world.number("SELECT min(id) FROM api_keys").await;
    let mine = client.get(&format!("/api-audit-logs?apiKeyId={number}&method=post&status=422")).await;
    assert_eq!(mine.data(200).as_array().map(Vec::len), Some(1));
    let others = client.get(&format!("/api-audit-logs?apiKeyId={}", number + 1)).await;
    assert_eq!(others.data(200).as_array().map(Vec::len), Some(1), "the weak key's");
}

#[tokio::test]
async fn who_is_not_let_in_is_in_no_log() {
    let world = World::start().await;
    let client = world.client(&["audit:read"]).await;
    let elsewhere = world.key(&world.tenant, &["audit:read"], &["--allow-ip", "192.0.2.1"]).await;
    let revoked = world.key(&world.tenant, &["audit:read"], &[]).await;
    world.bwp(&["key", "revoke", revoked["keyId"].as_str().expect("an id")]).await;
    for key in [elsewhere["key"].as_str(), revoked["key"].as_str(), Some(&unknown_key()), Some("x"), Some("")] {
        client.with_key(key.expect("a key")).get("/me").await.problem(401, "unauthorized");
    }
    send(world.request(Method::GET, "/api/v1/me")).await.problem(401, "unauthorized");
    client.get("/nothing").await.problem(404, "not_found");
    send(client.request(Method::PUT, "/me")).await.problem(405, "bad_request");
    world.bwp(&["tenant", "set-status", &world.tenant, "suspended"]).await;
    client.get("/me").await.problem(403, "tenant_suspended");
    world.bwp(&["tenant", "set-status", &world.tenant, "active"]).await;
    let last = client.get("/me").await;
    entry(&client, last.header("x-request-id")).await;
    assert_eq!(world.number("SELECT count(*) FROM api_audit_logs WHERE path LIKE '%/me'").await, 1);
}

#[tokio::test]
async fn a_client_that_goes_away_is_in_the_log_without_an_answer() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let mut connection = Connection::connect(&world.server).await;
    connection.awaited_contact_head(&client.key, "k", 100).await;
    connection.send(b"{").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    connection.vanish();
    world.wait_until("SELECT count(*) FROM api_audit_logs").await;
    let list = client.get("/api-audit-logs?status=499").await;
    let [found] = list.data(200).as_array().map(Vec::as_slice).unwrap_or_default() else { panic!("one: {list}") };
    assert_eq!([&found["method"], &found["errorCode"]], [&json!("POST"), &Value::Null]);
    assert!(found["durationMs"].as_u64().is_some_and(|millis| millis >= 250), "{found}");
}

#[tokio::test]
async fn other_tenants_see_nothing_of_it() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let stranger = world.client_of(&world.another_tenant().await, ALL).await;
    stranger.get("/me").await.data(200);
    let (mine, theirs) = (client.get("/me").await, stranger.get("/me").await);
    entry(&client, mine.header("x-request-id")).await;
    entry(&stranger, theirs.header("x-request-id")).await;
    let list = client.get("/api-audit-logs").await;
    assert!(!list.json.to_string().contains(theirs.header("x-request-id")));
    // Naming the other's key finds what naming no key finds.
    let foreign = world.number("SELECT max(id) FROM api_keys").await;
    assert_eq!(client.get(&format!("/api-audit-logs?apiKeyId={foreign}")).await.data(200), &json!([]));
    let cursor = stranger.get("/api-audit-logs?limit=1").await.json["meta"]["pagination"]["cursor"].clone();
    let cursor = cursor.as_str().expect("two requests at least");
    client.get(&format!("/api-audit-logs?limit=1&cursor={cursor}")).await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_walk_sees_every_entry_once() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for _ in 0..25 {
        client.get("/me").await.data(200);
    }
    world.wait_until("SELECT (count(*) = 25)::int FROM api_audit_logs").await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api-audit-logs?limit=7&method=GET&cursor={cursor}")).await;
        let rows = page.data(200).as_array().expect("rows").clone();
        seen.extend(rows.iter().map(|row| row["requestId"].as_str().expect("an id").to_owned()));
        match page.json["meta"]["pagination"]["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), different.len()), (25, 25));
}

/// Clients who send one request after the other.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    /// Answers from behind the credential check.
    answered: Arc<AtomicI64>,
}

impl Load {
    fn start(clients: impl IntoIterator<Item = Client>) -> Self {
        let mut load = Self { stop: Arc::default(), tasks: JoinSet::new(), answered: Arc::default() };
        for (n, client) in clients.into_iter().enumerate() {
            let (stop, answered) = (Arc::clone(&load.stop), Arc::clone(&load.answered));
            load.tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let request = match n % 3 {
                        0 => client.request(Method::POST, "/contacts").json(&contact("load")),
                        1 => client.request(Method::GET, "/contacts?limit=1"),
                        _ => client.request(Method::GET, "/contacts/0"),
                    };
                    // The server may be gone by now.
                    let Ok(response) = request.send().await else { continue };
                    assert!([200, 201, 404].contains(&response.status().as_u16()), "{response:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }

    async fn end(self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.answered.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_under_load_loses_nothing() {
    let mut world = World::start().await;
    let clients: Vec<_> = [world.client(ALL).await, world.client(ALL).await].into_iter().cycle().take(8).collect();
    let load = Load::start(clients);
    until("a load", async || load.answered.load(Ordering::Relaxed) > 50).await;
    assert_eq!(world.server.stop().await.code(), Some(0));
    let answered = load.end().await;
    println!("{answered} requests answered");
    let rows = world.number("SELECT count(*) FROM api_audit_logs WHERE status <> 499").await;
    assert_eq!(rows, answered, "{}", world.server.log().lines().last().unwrap_or_default());
    assert!(world.server.log().contains("audit_entries_lost=0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing() {
    let mut world = World::start().await;
    let client = world.client(ALL).await;
    let mut sql = Sql::connect(&world.database.url()).await;
    let (mut admitted, mut cut) = (0, 0);
    let cut_all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name LIKE 'bwp%'";
    let began = Instant::now();
    while admitted <= 50 || cut <= 10 {
        assert!(began.elapsed() < PATIENCE, "{admitted} requests, {cut} connections cut");
        for _ in 0..10 {
            // A request whose own connection is cut may be let in or not.
            let answer = client.get("/me").await;
            admitted += i64::from(answer.status == 200);
        }
        cut += sql.number(cut_all).await;
    }
    println!("{admitted} requests, {cut} connections cut");
    assert_eq!(world.server.stop().await.code(), Some(0));
    assert_eq!(world.number("SELECT count(*) FROM api_audit_logs WHERE status = 200").await, admitted);
    assert_eq!(
        world.number("SELECT count(DISTINCT request_id) FROM api_audit_logs WHERE status = 200").await,
        admitted
    );
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_the_database_went_away_is_written_when_it_is_back() {
    let folder = DataFolder::new();
    let database = folder.arguments();
    let database = database.each_ref().map(String::as_str);
    let mut server = Server::start_as(&database, &[]).await;
    let tenants = run_bwp(&[&database[..], &["--json", "tenant", "list"]].concat()).await;
    let tenant = tenants[0]["publicId"].as_str().expect("the first start made a tenant");
    let create = ["--json", "key", "create", "--tenant", tenant, "--name", "k", "--rate-limit", "0"];
    let create = [&create[..], &["--scope", "audit:read"]].concat();
    let key = run_bwp(&[&database[..], &create].concat()).await;
    let client = Client::new(&server, key["key"].as_str().expect("a key"));
    let mut ids = Vec::new();
    for _ in 0..20 {
        let answer = client.get("/me").await;
        answer.data(200);
        ids.push(answer.header("x-request-id").to_owned());
    }
    // The last of them wait in memory: they are written a quarter of a second later.
    let processes = folder.postgres_processes();
    let numbers = processes.iter().map(ToString::to_string);
    Command::new("kill").arg("-9").args(numbers).stderr(std::process::Stdio::null()).status().await.expect("kill runs");
    let began = Instant::now();
    while client.get("/me").await.status != 200 {
        assert!(began.elapsed() < PATIENCE, "PostgreSQL is started again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for id in &ids {
        entry(&client, id).await;
    }
    assert!(server.stop().await.success());
    assert!(server.log().contains("audit_entries_lost=0"), "{}", server.log());
}

#[tokio::test]
async fn while_the_log_cannot_be_written_requests_are_answered_as_ever() {
    let mut world = World::start().await;
    let client = world.client(ALL).await;
    client.get("/me").await.data(200);
    world.wait_until("SELECT count(*) FROM api_audit_logs").await;
    let mut blocker = world.database.connection().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut blocker, "BEGIN; LOCK TABLE api_audit_logs IN SHARE MODE")
        .await
        .expect("a lock");
    for n in 0..30 {
        client.post("/contacts", &contact(&format!("{n}"))).await.data(201);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let posts = "SELECT count(*) FROM api_audit_logs WHERE method = 'POST'";
    assert_eq!(world.number(posts).await, 0);
    diesel_async::SimpleAsyncConnection::batch_execute(&mut blocker, "COMMIT").await.expect("unlocked");
    // At its end a server has written all.
    assert_eq!(world.server.stop().await.code(), Some(0));
    assert_eq!(world.number(posts).await, 30);
}

#[tokio::test]
async fn keys_are_listed_with_when_they_were_last_used() {
    let world = World::start().await;
    let used = world.key(&world.tenant, &[], &[]).await;
    let unused = world.key(&world.tenant, &[], &[]).await;
    let list = ["key", "list", "--tenant", &world.tenant];
    let shown = world.bwp(&list).await;
    assert_eq!([&shown[0]["lastUsedAt"], &shown[1]["lastUsedAt"]], [&Value::Null, &Value::Null]);
    Client::new(&world.server, used["key"].as_str().expect("a key")).get("/me").await.data(200);
    world.wait_until("SELECT count(*) FROM key_usage").await;
    let shown = world.bwp(&list).await;
    assert_eq!([&shown[0]["keyId"], &shown[1]["keyId"]], [&unused["keyId"], &used["keyId"]]);
    assert_eq!(shown[0]["lastUsedAt"], Value::Null);
    assert!(shown[1]["lastUsedAt"].as_str() > used["createdAt"].as_str(), "{shown}");
}
