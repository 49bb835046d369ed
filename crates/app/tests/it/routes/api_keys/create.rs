//! `POST /api-keys`

use reqwest::Method;
use serde_json::json;

use super::{FIELDS, HELD, client_of, create, new, path, start, without_secret};
use crate::support::{is_public_id, send};

#[tokio::test]
async fn a_key_is_made_and_works() {
    let (_world, client) = start().await;
    let made = create(&client, &new("nightly sync")).await;
    let names: Vec<_> = made.as_object().expect("an object").keys().collect();
    assert_eq!(names, [&["key"], FIELDS].concat());
    assert!(is_public_id("key_", made["keyId"].as_str().expect("an id")));
    for (name, expected) in [
        ("name", json!("nightly sync")),
        ("mode", json!("live")),
        ("scopes", json!(["contacts:read"])),
        ("allowlist", json!([])),
        ("rateLimit", json!(60)),
        ("status", json!("active")),
        ("expiresAt", json!(null)),
        ("lastUsedAt", json!(null)),
        ("replaces", json!(null)),
    ] {
        assert_eq!(made[name], expected, "{name}");
    }
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let maker = client.get(&format!("/api-keys/{}", me.as_str().expect("an id"))).await.data(200)["id"].clone();
    assert_eq!(made["createdBy"], json!({ "type": "key", "id": maker }));
    let own = client_of(&client, &made);
    assert_eq!(own.get("/me").await.data(200)["keyId"], made["keyId"]);
    own.get("/contacts").await.data(200);
    own.post("/contacts", &json!({ "type": "other" })).await.problem(403, "scope_insufficient");
    assert_eq!(client.get(&path(&made)).await.data(200)["id"], made["id"]);
}

#[tokio::test]
async fn everything_that_can_be_said_is_kept() {
    let (_world, client) = start().await;
    let body = json!({
        "name": "sandbox", "mode": "test", "scopes": ["contacts:write", "contacts:read", "contacts:read"],
        "allowlist": ["192.0.2.7/24", "2001:db8::1", " 127.0.0.1 "], "rateLimit": 7, "expiresAt": "2100-01-31T09:00:00+01:00",
    });
    let made = create(&client, &body).await;
    for (name, expected) in [
        ("mode", json!("test")),
        ("scopes", json!(["contacts:read", "contacts:write"])),
        ("allowlist", json!(["192.0.2.0/24", "2001:db8::1", "127.0.0.1"])),
        ("rateLimit", json!(7)),
        ("expiresAt", json!("2100-01-31T08:00:00.000Z")),
    ] {
        assert_eq!(made[name], expected, "{name}");
    }
    assert!(made["key"].as_str().is_some_and(|key| key.starts_with("bwp_test_")));
    assert_eq!(client.get(&path(&made)).await.data(200), &without_secret(&made));
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let (_world, client) = start().await;
    let wrong = json!({
        "name": " ", "mode": "sandbox", "scopes": ["contacts:read", "contacts:fly", 7, null],
        "allowlist": ["192.0.2.0/33", "127.0.0.1", "localhost"], "rateLimit": -1, "expiresAt": "2020-01-01T00:00:00Z",
        "scope": "contacts:read",
    });
    client.post("/api-keys", &wrong).await.refuses_fields(&[
        ("scope", "unknown_field"),
        ("name", "invalid_length"),
        ("mode", "invalid_value"),
        ("scopes[1]", "invalid_value"),
        ("scopes[2]", "invalid_type"),
        ("scopes[3]", "not_nullable"),
        ("allowlist[0]", "invalid_format"),
        ("allowlist[2]", "invalid_format"),
        ("rateLimit", "too_small"),
        ("expiresAt", "too_small"),
    ]);
    for (name, code) in [
        ("nightly sync\u{202e} ,daer:stcatnoc htiw “\u{202d}", "invalid_character"),
        ("a\x1b[2J", "invalid_character"),
        ("one\ntwo", "invalid_character"),
        ("\u{200b}\u{2060}", "invalid_value"),
    ] {
        client.post("/api-keys", &json!({ "name": name, "scopes": [] })).await.refuses_fields(&[("name", code)]);
    }
    client.post("/api-keys", &json!({})).await.refuses_fields(&[("name", "required"), ("scopes", "required")]);
    let much = json!({
        "name": "k", "scopes": "contacts:read", "allowlist": vec!["192.0.2.1"; 101], "rateLimit": 1_u64 << 40,
        "expiresAt": "tomorrow",
    });
    client.post("/api-keys", &much).await.refuses_fields(&[
        ("scopes", "invalid_type"),
        ("allowlist", "too_long"),
        ("rateLimit", "too_large"),
        ("expiresAt", "invalid_format"),
    ]);
    assert_eq!(client.get("/api-keys").await.data(200).as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_key_hands_on_no_more_than_it_holds_and_is_told_each_excess() {
    let (world, _) = start().await;
    let limits = ["--rate-limit", "100", "--allow-ip", "127.0.0.0/8", "--expires-in", "1h"];
    let key = world.key(&world.tenant, HELD, &limits).await;
    let client = crate::support::Client::new(&world.server, key["key"].as_str().expect("a key"));
    let much = json!({
        "name": "k", "scopes": ["contacts:delete", "api_keys:read", "bids:send"], "allowlist": ["10.0.0.0/8", "127.0.0.1"],
        "rateLimit": 0,
    });
    let answer = client.post("/api-keys", &much).await;
    let detail = answer.problem(403, "forbidden");
    let end = key["expiresAt"].as_str().expect("an end");
    for named in ["contacts:delete", "bids:send", "only an admin can give api_keys:read", "10.0.0.0/8", "100", end] {
        assert!(detail.contains(named), "{named}: {detail}");
    }
    assert!(!detail.contains("127.0.0.1"), "{detail}");
    let within = json!({ "name": "k", "scopes": ["contacts:read"], "allowlist": ["127.0.0.1"], "expiresAt": end });
    create(&client, &within).await;
}

#[tokio::test]
async fn a_repetition_is_answered_without_the_secret() {
    let (_world, client) = start().await;
    let send_once = || send(client.request(Method::POST, "/api-keys").header("Idempotency-Key", "k").json(&new("k")));
    let first = send_once().await;
    let made = first.data(201).clone();
    assert!(made["key"].is_string());
    for _ in 0..2 {
        let again = send_once().await;
        let shown = again.data(201);
        assert_eq!((&shown["key"], again.header("idempotent-replayed")), (&json!(null), "true"));
        assert_eq!(without_secret(shown), without_secret(&made));
        assert_eq!(again.header("cache-control"), "no-store");
    }
    assert_eq!(first.header("cache-control"), "no-store");
}
