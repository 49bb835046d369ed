//! `POST /api-keys/{id}/rotate`

use reqwest::Method;
use serde_json::{Value, json};

use super::{client_of, create, new, path, start, without_secret};
use crate::support::{Answer, Client, send};

async fn rotate(client: &Client, key: &Value, body: Value) -> Answer {
    client.post(&format!("{}/rotate", path(key)), &body).await
}

#[tokio::test]
async fn both_work_for_the_overlap() {
    let (_world, client) = start().await;
    let made = create(&client, &json!({ "name": "k", "scopes": ["contacts:read"], "rateLimit": 9 })).await;
    let answer = rotate(&client, &made, json!({ "overlapSeconds": 3600 })).await;
    let successor = answer.data(201);
    for same in ["name", "mode", "scopes", "allowlist", "rateLimit", "expiresAt"] {
        assert_eq!(successor[same], made[same], "{same}");
    }
    assert_eq!((&successor["replaces"], &successor["replacedBy"]), (&made["id"], &json!(null)));
    assert_ne!(successor["key"], made["key"]);
    let old = client.get(&path(&made)).await.data(200).clone();
    assert_eq!((&old["replacedBy"], &old["status"]), (&successor["id"], &json!("active")));
    assert!(old["expiresAt"].is_string());
    for key in [&made, successor] {
        client_of(&client, key).get("/contacts").await.data(200);
    }
}

#[tokio::test]
async fn without_an_overlap_the_old_key_ends_at_once() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let answer = rotate(&client, &made, json!({ "overlapSeconds": 0 })).await;
    client_of(&client, &made).get("/contacts").await.problem(401, "unauthorized");
    client_of(&client, answer.data(201)).get("/contacts").await.data(200);
    assert_eq!(client.get(&path(&made)).await.data(200)["status"], "revoked");
}

#[tokio::test]
async fn the_old_key_never_works_longer_than_it_would_have() {
    let (_world, client) = start().await;
    let end = "2100-01-01T00:00:00.000Z";
    let soon = (chrono::Utc::now() + chrono::TimeDelta::seconds(90)).to_rfc3339();
    for (expiry, is_kept) in [(end, false), (soon.as_str(), true)] {
        let made = create(&client, &json!({ "name": "k", "scopes": [], "expiresAt": expiry })).await;
        let answer = rotate(&client, &made, json!({ "overlapSeconds": 604_800 })).await;
        assert_eq!(answer.data(201)["expiresAt"], made["expiresAt"]);
        let old = client.get(&path(&made)).await.data(200).clone();
        assert_eq!(old["expiresAt"] == made["expiresAt"], is_kept, "{old}");
    }
}

#[tokio::test]
async fn a_key_is_replaced_once_and_the_successor_is_named() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let answer = rotate(&client, &made, json!({ "overlapSeconds": 60 })).await;
    let successor = answer.data(201).clone();
    let again = rotate(&client, &made, json!({ "overlapSeconds": 60 })).await;
    assert!(again.problem(409, "conflict").contains(&successor["id"].to_string()), "{again}");
    rotate(&client, &successor, json!({})).await.data(201);
}

#[tokio::test]
async fn an_overlap_is_0_to_7_days() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    for (sent, code) in [
        (json!(-1), "too_small"),
        (json!(604_801), "too_large"),
        (json!(1e30), "too_large"),
        (json!("60"), "invalid_type"),
        (json!(null), "not_nullable"),
    ] {
        rotate(&client, &made, json!({ "overlapSeconds": sent })).await.refuses_fields(&[("overlapSeconds", code)]);
    }
    rotate(&client, &made, json!({ "overlap": 60 })).await.refuses_fields(&[("overlap", "unknown_field")]);
    rotate(&client, &made, json!({ "overlapSeconds": 604_800.0 })).await.data(201);
}

#[tokio::test]
async fn a_repetition_is_answered_without_the_secret() {
    let (_world, client) = start().await;
    let made = create(&client, &new("k")).await;
    let path = format!("{}/rotate", path(&made));
    let send_once = || send(client.request(Method::POST, &path).header("Idempotency-Key", "k").body("{}"));
    let first = send_once().await.data(201).clone();
    let again = send_once().await;
    assert_eq!((&again.data(201)["key"], without_secret(again.data(201))), (&json!(null), without_secret(&first)));
}

#[tokio::test]
async fn a_key_rotates_itself() {
    let (_world, client) = start().await;
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let path = format!("/api-keys/{}/rotate", me.as_str().expect("an id"));
    let answer = client.post(&path, &json!({ "overlapSeconds": 60 })).await;
    let successor = client_of(&client, answer.data(201));
    assert_eq!(successor.get("/me").await.data(200)["scopes"], client.get("/me").await.data(200)["scopes"]);
    create(&successor, &new("by the successor")).await;
}
