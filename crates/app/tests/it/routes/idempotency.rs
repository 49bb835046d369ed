//! `Idempotency-Key`

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::contacts::{ALL, create_named, id, path};
use crate::support::{Answer, Client, World, contact, send};

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

fn keyed(client: &Client, method: Method, path: &str, key: &str) -> RequestBuilder {
    client.request(method, path).header("Idempotency-Key", key)
}

/// Sends this text as the body of a new contact.
async fn post(client: &Client, key: &str, body: &str) -> Answer {
    send(keyed(client, Method::POST, "/contacts", key).body(body.to_owned())).await
}

async fn count(client: &Client) -> i64 {
    client.get("/contacts/count").await.data(200)["total"].as_i64().expect("a number")
}

#[track_caller]
fn is_replay(again: &Answer, first: &Answer) {
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes), "{again}");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert!(!again.header("x-request-id").is_empty());
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test]
async fn the_same_request_again_is_given_the_same_bytes() {
    let (world, client) = start().await;
    let first = post(&client, "co-import-2026-04-R-001", r#"{"type":"other"}"#).await;
    first.data(201);
    for _ in 0..3 {
        is_replay(&post(&client, "co-import-2026-04-R-001", r#"{"type":"other"}"#).await, &first);
    }
    assert_eq!((count(&client).await, world.events().await.len()), (1, 1));
}

#[tokio::test]
async fn a_replay_is_of_the_time_of_the_first_request() {
    let (_world, client) = start().await;
    let first = post(&client, "k", r#"{"type":"other"}"#).await;
    let contact = path(id(first.data(201)));
    client.patch(&contact, &json!({ "notes": "later" })).await.data(200);
    assert_eq!(client.delete(&contact).await.status, 204);
    is_replay(&post(&client, "k", r#"{"type":"other"}"#).await, &first);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_409() {
    let (_world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    post(&client, "k", r#"{"type":"other"}"#).await.data(201);
    for (method, path, body) in [
        (Method::POST, "/contacts", r#"{"type":"vendor"}"#),
        (Method::PATCH, contact.as_str(), r#"{"type":"other"}"#),
        (Method::DELETE, contact.as_str(), ""),
    ] {
        let answer = send(keyed(&client, method, path, "k").body(body)).await;
        answer.problem(409, "idempotency_key_reused");
        assert_eq!(answer.header("retry-after"), "");
    }
    client.get(&contact).await.data(200);
}

#[tokio::test]
async fn white_space_makes_no_other_request_and_the_order_of_keys_does() {
    let (_world, client) = start().await;
    let first = post(&client, "k", r#"{"type":"other","notes":"a b"}"#).await;
    is_replay(&post(&client, "k", " {\n\t\"type\" : \"other\",\r\n\"notes\":\"a b\" } ").await, &first);
    for body in [r#"{"notes":"a b","type":"other"}"#, r#"{"type":"other","notes":"ab"}"#] {
        post(&client, "k", body).await.problem(409, "idempotency_key_reused");
    }
}

#[tokio::test]
async fn a_refused_request_may_be_put_right_under_the_same_key() {
    let (_world, client) = start().await;
    post(&client, "k", r#"{"type":"friend"}"#).await.problem(422, "validation_failed");
    post(&client, "k", r#"{"type":"other","parentContactId":99}"#).await.problem(422, "validation_failed");
    post(&client, "k", "{").await.problem(400, "bad_request");
    send(keyed(&client, Method::DELETE, "/contacts/99", "k")).await.problem(404, "not_found");
    let first = post(&client, "k", r#"{"type":"other"}"#).await;
    first.data(201);
    is_replay(&post(&client, "k", r#"{"type":"other"}"#).await, &first);
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn a_change_and_a_deletion_are_given_again() {
    let (world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    let patch = || send(keyed(&client, Method::PATCH, &contact, "patch").body(r#"{"notes":"x"}"#));
    let patched = patch().await;
    patched.data(200);
    is_replay(&patch().await, &patched);
    let delete = || send(keyed(&client, Method::DELETE, &contact, "delete"));
    let deleted = delete().await;
    assert_eq!((deleted.status, deleted.bytes.len()), (204, 0));
    is_replay(&delete().await, &deleted);
    is_replay(&patch().await, &patched);
    send(keyed(&client, Method::DELETE, &contact, "another")).await.problem(404, "not_found");
    assert_eq!(world.events().await.len(), 3);
}

#[tokio::test]
async fn a_key_is_the_tenants_whoever_sends_it() {
    let (world, client) = start().await;
    let first = post(&client, "k", r#"{"type":"other"}"#).await;
    let colleague = world.client(ALL).await;
    is_replay(&post(&colleague, "k", r#"{"type":"other"}"#).await, &first);
    let foreigner = world.client_of(&world.another_tenant().await, ALL).await;
    let theirs = post(&foreigner, "k", r#"{"type":"other"}"#).await;
    assert_eq!((theirs.status, theirs.header("idempotent-replayed")), (201, ""));
    assert_ne!(theirs.data(201)["id"], first.data(201)["id"]);
}

#[tokio::test]
async fn any_visible_text_of_1_to_255_characters_is_a_key() {
    let (_world, client) = start().await;
    let longest = "k".repeat(255);
    for key in ["k", "!~\"',;=/\\", longest.as_str()] {
        let first = post(&client, key, r#"{"type":"other"}"#).await;
        first.data(201);
        is_replay(&post(&client, key, r#"{"type":"other"}"#).await, &first);
    }
    // Keys differ by the case of their letters.
    assert_eq!(post(&client, "K", r#"{"type":"other"}"#).await.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn another_text_is_400_on_every_change() {
    let (world, client) = start().await;
    let contact = path(create_named(&client, "Acme").await);
    let long = "k".repeat(256);
    for (method, path, body) in [
        (Method::POST, "/contacts", r#"{"type":"other"}"#),
        (Method::PATCH, contact.as_str(), "{}"),
        (Method::DELETE, contact.as_str(), ""),
    ] {
        for key in ["", "a b", "a\tb", "é", long.as_str()] {
            let request = client.request(method.clone(), path).header("Idempotency-Key", key.as_bytes()).body(body);
            let answer = send(request).await;
            assert!(answer.problem(400, "bad_request").contains("Idempotency-Key"), "{method} {key:?}");
        }
        let twice = keyed(&client, method, path, "a").header("Idempotency-Key", "a").body(body);
        send(twice).await.problem(400, "bad_request");
    }
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn reads_ignore_it() {
    let (_world, client) = start().await;
    let contact = create_named(&client, "Acme").await;
    for key in ["k", "a b"] {
        for path in ["/contacts", "/me", &path(contact)] {
            send(keyed(&client, Method::GET, path, key)).await.data(200);
        }
        for (ids, returned) in [(vec![contact], 1), (vec![contact + 1], 0), (vec![contact], 1)] {
            let request = keyed(&client, Method::POST, "/contacts/get-many", key).json(&json!({ "ids": ids }));
            let answer = send(request).await;
            assert_eq!(answer.data(200).as_array().map(Vec::len), Some(returned));
            assert_eq!(answer.header("idempotent-replayed"), "");
        }
    }
    // It was not used up.
    post(&client, "k", r#"{"type":"other"}"#).await.data(201);
}

#[tokio::test]
async fn who_may_not_any_more_is_given_no_replay() {
    let (world, client) = start().await;
    let body = contact("Acme").to_string();
    post(&client, "k", &body).await.data(201);
    post(&world.client(&["contacts:read"]).await, "k", &body).await.problem(403, "scope_insufficient");
    world.sql("UPDATE api_keys SET scopes = '{contacts:read}'").await;
    post(&client, "k", &body).await.problem(403, "scope_insufficient");
    world.sql("UPDATE api_keys SET scopes = '{contacts:write}', allowlist = '{192.0.2.0/24}'").await;
    post(&client, "k", &body).await.problem(401, "unauthorized");
    world.sql("UPDATE api_keys SET allowlist = '{}'").await;
    world.bwp(&["tenant", "set-status", &world.tenant, "suspended"]).await;
    post(&client, "k", &body).await.problem(403, "tenant_suspended");
    world.bwp(&["tenant", "set-status", &world.tenant, "active"]).await;
    assert_eq!(post(&client, "k", &body).await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn after_24_hours_a_key_is_free_again() {
    let (world, client) = start().await;
    let first = post(&client, "k", r#"{"type":"other"}"#).await;
    let day = "expires_at BETWEEN now() + interval '23 h 59 min' AND now() + interval '24 h'";
    let kept = crate::support::Sql::connect(&world.database.url())
        .await
        .number(&format!("SELECT count(*) FROM idempotency_receipts WHERE {day}"))
        .await;
    assert_eq!(kept, 1);
    world.sql("UPDATE idempotency_receipts SET expires_at = now()").await;
    let second = post(&client, "k", r#"{"type":"vendor"}"#).await;
    assert_ne!(second.data(201)["id"], first.data(201)["id"]);
    is_replay(&post(&client, "k", r#"{"type":"vendor"}"#).await, &second);
}
