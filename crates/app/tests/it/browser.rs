//! What a browser is told: pages of other origins get nothing from the API.

use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Answer, World, send};

const FOREIGN: &str = "https://evil.example";

#[track_caller]
fn allows_no_other_origin(answer: &Answer) {
    let named = |name: &header::HeaderName| name.as_str().starts_with("access-control-");
    assert!(!answer.headers.keys().any(named), "{answer}");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
}

#[tokio::test]
async fn a_preflight_is_allowed_nothing() {
    let world = World::start().await;
    let client = world.client(&["contacts:read"]).await;
    for path in
        ["/api/v1/contacts", "/api/v1/contacts/1", "/api/v1/me", "/api/v1/openapi.json", "/api/v1/nothing", "/healthz"]
    {
        for origin in [FOREIGN, "null", "http://localhost:3000"] {
            let preflight = world
                .request(Method::OPTIONS, path)
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key");
            let answer = send(preflight.try_clone().expect("no body")).await;
            allows_no_other_origin(&answer);
            assert!(answer.status >= 400, "{answer}");
            allows_no_other_origin(&send(preflight.bearer_auth(&client.key)).await);
        }
    }
}

#[tokio::test]
async fn a_cross_origin_answer_is_for_no_page_to_read() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    for path in ["/contacts", "/contacts/0", "/me", "/openapi.json", "/nothing"] {
        allows_no_other_origin(&send(client.request(Method::GET, path).header("Origin", FOREIGN)).await);
        allows_no_other_origin(&send(client.request(Method::HEAD, path).header("Origin", "null")).await);
    }
    let post = client.request(Method::POST, "/contacts").header("Origin", FOREIGN).json(&json!({ "type": "other" }));
    allows_no_other_origin(&send(post).await);
    allows_no_other_origin(&send(world.request(Method::GET, "/api/v1/me").header("Origin", FOREIGN)).await);
}

#[tokio::test]
async fn a_form_of_another_origin_does_nothing() {
    let world = World::start().await;
    let client = world.client(&["contacts:write"]).await;
    // What a page can send without a preflight: no Authorization header, and one of three media types.
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let form = |request: reqwest::RequestBuilder| {
            request.header("Origin", FOREIGN).header("Content-Type", media_type).body(r#"{"type":"other"}"#)
        };
        send(form(world.request(Method::POST, "/api/v1/contacts"))).await.problem(401, "unauthorized");
        send(form(client.request(Method::POST, "/contacts"))).await.problem(415, "bad_request");
    }
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn a_same_origin_call_works() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    for (method, body) in [(Method::GET, None), (Method::POST, Some(json!({ "type": "other" })))] {
        let request = client.request(method, "/contacts").header("Origin", &world.server.url);
        let request = request.header("Sec-Fetch-Site", "same-origin").header("Sec-Fetch-Mode", "cors");
        let answer = send(match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await;
        assert!(answer.status < 300, "{answer}");
    }
}

#[tokio::test]
async fn answers_are_kept_by_no_cache_and_framed_by_no_page() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    for path in ["/me", "/contacts", "/nothing", "/openapi.json"] {
        let answer = client.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(answer.header("server"), "");
    }
}
