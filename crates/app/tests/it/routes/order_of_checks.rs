//! What is checked first: route and method, credential, scope, idempotency header, body, the tenant's row.

use reqwest::{Method, RequestBuilder};

use super::contacts::{ABSENT, ALL, create_named, path};
use crate::support::{Answer, Client, World, send};

/// A request with everything wrong from the idempotency header on.
fn wrong(request: RequestBuilder) -> RequestBuilder {
    request.header("Idempotency-Key", "a b").header("Content-Type", "text/plain").body("{")
}

async fn with_key(client: &Client, method: Method, path: &str) -> Answer {
    send(wrong(client.request(method, path))).await
}

#[tokio::test]
async fn the_route_comes_before_the_credential() {
    let world = World::start().await;
    send(wrong(world.request(Method::POST, "/api/v1/nothing?x"))).await.problem(404, "not_found");
    send(wrong(world.request(Method::PUT, "/api/v1/contacts?x"))).await.problem(405, "bad_request");
    let long = format!("/api/v1/{}", "x".repeat(3_000));
    send(wrong(world.request(Method::POST, &long))).await.problem(414, "bad_request");
}

#[tokio::test]
async fn the_credential_comes_before_everything_in_the_request() {
    let world = World::start().await;
    for (method, path) in [
        (Method::POST, "/api/v1/contacts?x"),
        (Method::PATCH, "/api/v1/contacts/abc"),
        (Method::DELETE, "/api/v1/contacts/1?x"),
    ] {
        send(wrong(world.request(method, path))).await.problem(401, "unauthorized");
    }
    let huge = world.request(Method::POST, "/api/v1/contacts").body("x".repeat(2_000_000));
    send(huge).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn the_scope_comes_before_the_idempotency_header() {
    let world = World::start().await;
    let client = world.client(&["contacts:read"]).await;
    for (method, path) in
        [(Method::POST, "/contacts"), (Method::PATCH, "/contacts/abc"), (Method::DELETE, "/contacts/abc")]
    {
        with_key(&client, method, path).await.problem(403, "scope_insufficient");
    }
    let writer = world.client(&["contacts:write"]).await;
    writer.get("/contacts?limit=0&nonsense").await.problem(403, "scope_insufficient");
    writer.get(ABSENT).await.problem(403, "scope_insufficient");
}

#[tokio::test]
async fn the_idempotency_header_comes_before_the_body_and_the_row() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for (method, path) in [(Method::POST, "/contacts"), (Method::PATCH, ABSENT), (Method::DELETE, ABSENT)] {
        let answer = with_key(&client, method, path).await;
        assert!(answer.problem(400, "bad_request").contains("Idempotency-Key"), "{answer}");
    }
}

#[tokio::test]
async fn the_body_comes_before_the_row() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let foreign = path(create_named(&world.client_of(&world.another_tenant().await, ALL).await, "foreign").await);
    for path in [ABSENT, "/contacts/abc", &foreign] {
        let patch = |body: &'static str| client.request(Method::PATCH, path).body(body);
        send(patch("{}").header("Content-Type", "text/plain")).await.problem(415, "bad_request");
        send(patch("{")).await.problem(400, "bad_request");
        send(patch(r#"{"type":"friend"}"#)).await.problem(422, "validation_failed");
        send(patch("{}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_used_idempotency_key_comes_before_the_row() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let keyed = |method, path| client.request(method, path).header("Idempotency-Key", "k");
    send(keyed(Method::POST, "/contacts").body(r#"{"type":"other"}"#)).await.data(201);
    send(keyed(Method::DELETE, ABSENT)).await.problem(409, "idempotency_key_reused");
}
