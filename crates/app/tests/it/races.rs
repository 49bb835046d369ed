//! Many requests with one idempotency key, and clients that do not wait for their answers.

use std::{collections::HashSet, time::Duration};

use reqwest::{Method, RequestBuilder};
use tokio::task::JoinSet;

use crate::support::{Answer, Client, Connection, Random, Server, Sql, World, contact, insist, send};

const AT_ONCE: usize = 64;
const KEYS: usize = 6;

fn keyed(client: &Client, key: &str, company: &str) -> RequestBuilder {
    client.request(Method::POST, "/contacts").header("Idempotency-Key", key).json(&contact(company))
}

/// Sends [`AT_ONCE`] requests with one idempotency key, to the clients' servers in turn.
async fn storm<F>(clients: &[Client], key: &str, send: impl Fn(RequestBuilder) -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for client in clients.iter().cycle().take(AT_ONCE) {
        calls.spawn(send(keyed(client, key, key)));
    }
    calls.join_all().await
}

/// Asserts that every answer is the one answer, and that one of them made it.
fn assert_one_made_it(answers: &[Answer]) {
    assert_eq!(answers.len(), AT_ONCE);
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let bodies: HashSet<_> = answers.iter().map(|answer| &answer.bytes).collect();
    assert_eq!(bodies.len(), 1, "the same bytes for all");
    // A slow machine may have told the first to come again when it was done.
    let first = answers.iter().filter(|answer| answer.header("Idempotent-Replayed").is_empty()).count();
    assert!(first <= 1, "the others are replays");
}

async fn assert_one_effect(sql: &mut Sql, company: &str) {
    let contacts = format!("SELECT count(*) FROM contacts WHERE company_name = '{company}'");
    let events = format!(
        "SELECT count(*) FROM outbox WHERE kind = 'contact.created' AND body::json -> 'data' ->> 'companyName' = '{company}'"
    );
    assert_eq!((sql.number(&contacts).await, sql.number(&events).await), (1, 1), "{company}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_with_one_key_at_one_server_one_makes_the_contact() {
    let world = World::start().await;
    one_makes_the_contact(&world, &[world.client(&["contacts:write"]).await]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_with_one_key_at_two_servers_one_makes_the_contact() {
    let world = World::start().await;
    let second = Server::start(&world.database.url(), &[]).await;
    let client = world.client(&["contacts:write"]).await;
    one_makes_the_contact(&world, &[client.clone(), client.at(&second)]).await;
}

async fn one_makes_the_contact(world: &World, clients: &[Client]) {
    let mut sql = Sql::connect(&world.database.url()).await;
    for n in 0..KEYS {
        let key = format!("storm-{n}");
        assert_one_made_it(&storm(clients, &key, insist).await);
        assert_one_effect(&mut sql, &key).await;
    }
    for table in ["contacts", "outbox", "idempotency_receipts"] {
        assert_eq!(sql.number(&format!("SELECT count(*) FROM {table}")).await, i64::try_from(KEYS).unwrap(), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_key_holds_no_connection() {
    let world = World::start_with(&["--workers", "1", "--database-connections", "8"]).await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let mut sql = Sql::connect(&world.database.url()).await;
    // A transaction elsewhere is at work under the key, and does not come to an end.
    let mut elsewhere = Sql::connect(&world.database.url()).await;
    elsewhere.run("BEGIN").await;
    let claim = "INSERT INTO idempotency_receipts (tenant_id, key, fingerprint, expires_at)
        SELECT id, 'held', sha256(''), now() + interval '1 day' FROM tenants";
    elsewhere.run(claim).await;

    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { storm(&[client], "held", send).await })
    };
    sql.until_waiting(1).await;
    let mut served = 0;
    while !waiting.is_finished() {
        assert_eq!(insist(client.request(Method::GET, "/contacts")).await.status, 200);
        assert_eq!(insist(keyed(&client, &format!("free-{served}"), "free")).await.status, 201);
        assert!(sql.waiting().await <= 1, "one at most waits with a connection");
        served += 1;
    }
    let answers = waiting.await.unwrap();
    assert!(answers.iter().all(Answer::says_to_come_again), "{answers:?}");
    assert!(served > 0, "others were served meanwhile");
    println!("{AT_ONCE} waited for a key; meanwhile {served} reads and {served} writes were served");

    elsewhere.run("ROLLBACK").await;
    assert_eq!(insist(keyed(&client, "held", "held")).await.status, 201);
    assert_one_effect(&mut sql, "held").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_vanishes_leaves_no_transaction_open() {
    let world = World::start().await;
    let client = world.client(&["contacts:write"]).await;
    let mut sql = Sql::connect(&world.database.url()).await;
    let clients = 100;
    let mut vanishing = JoinSet::new();
    for n in 0..clients {
        let (mut connection, key) = (Connection::connect(&world.server).await, client.key.clone());
        vanishing.spawn(async move {
            let company = format!("gone-{n}");
            let body = contact(&company).to_string();
            connection.contact_head(&key, &company, body.len()).await;
            // A few leave in the middle of the body, the others 0 to 500 ms after it.
            let sent = if n % 10 == 0 { 10 } else { body.len() };
            connection.send(&body.as_bytes()[..sent]).await;
            tokio::time::sleep(Duration::from_millis(n * 5)).await;
            connection.vanish();
        });
    }
    vanishing.join_all().await;
    sql.until_quiet().await;

    let written = sql.number("SELECT count(*) FROM contacts").await;
    assert_eq!(sql.number("SELECT count(*) FROM outbox").await, written);
    assert_eq!(sql.number("SELECT count(*) FROM idempotency_receipts").await, written);
    println!("of {clients} clients that vanished, {written} had their request carried out");
    // Whoever repeats the request finds it done, or does it.
    for n in 0..clients {
        let company = format!("gone-{n}");
        assert_eq!(insist(keyed(&client, &company, &company)).await.status, 201);
        assert_one_effect(&mut sql, &company).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_repeats_the_request_of_a_client_that_vanishes_makes_no_second_contact() {
    let world = World::start().await;
    let client = world.client(&["contacts:write"]).await;
    let mut sql = Sql::connect(&world.database.url()).await;
    let mut random = Random::from_seed();
    for n in 0..40 {
        let company = format!("twice-{n}");
        let body = contact(&company).to_string();
        let mut connection = Connection::connect(&world.server).await;
        connection.contact_head(&client.key, &company, body.len()).await;
        connection.send(body.as_bytes()).await;
        let again = tokio::spawn(send(keyed(&client, &company, &company)));
        random.sleep(30).await;
        connection.vanish();
        let answer = again.await.unwrap();
        assert!(answer.status == 201 || answer.says_to_come_again(), "{answer:?}");
        assert_eq!(insist(keyed(&client, &company, &company)).await.status, 201);
        assert_one_effect(&mut sql, &company).await;
    }
    sql.until_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_vanishes_while_its_statement_waits_for_a_lock_ends_it() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let parent = client.post("/contacts", &contact("parent")).await.json["data"]["id"].as_i64().expect("an id");
    let mut sql = Sql::connect(&world.database.url()).await;
    let mut elsewhere = Sql::connect(&world.database.url()).await;
    elsewhere.run("BEGIN").await;
    elsewhere.run(&format!("SELECT FROM contacts WHERE id = {parent} FOR UPDATE")).await;

    let mut connection = Connection::connect(&world.server).await;
    let (authorization, body) = (format!("Authorization: Bearer {}", client.key), r#"{"companyName":"changed"}"#);
    let lines = [&authorization, "Content-Type: application/json", &format!("Content-Length: {}", body.len())];
    connection.head("PATCH", &format!("/contacts/{parent}"), &lines).await;
    connection.send(body.as_bytes()).await;
    sql.until_waiting(1).await;
    connection.vanish();
    sql.until_waiting(0).await;
    elsewhere.run("COMMIT").await;
    sql.until_quiet().await;
    let now = client.get(&format!("/contacts/{parent}")).await;
    assert_eq!(now.json["data"]["companyName"], "parent");
}
