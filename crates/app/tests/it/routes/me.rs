//! `GET /me`

use serde_json::json;

use crate::support::{Client, World, is_public_id};

#[tokio::test]
async fn tells_which_key_it_is() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:write", "contacts:read"], &[]).await;
    let answer = Client::new(&world.server, key["key"].as_str().expect("a key")).get("/me").await;
    let expected = json!({
        "keyId": key["keyId"],
        "keyName": "test",
        "tenantId": world.tenant,
        "scopes": ["contacts:read", "contacts:write"],
    });
    assert_eq!(answer.data(200), &expected);
    assert_eq!(answer.json["meta"].as_object().expect("an object").len(), 1);
    assert!(is_public_id("key_", key["keyId"].as_str().expect("an id")));
    assert!(is_public_id("tnt_", &world.tenant));
}

#[tokio::test]
async fn needs_no_scope() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    assert_eq!(client.get("/me").await.data(200)["scopes"], json!([]));
}

#[tokio::test]
async fn a_test_key_is_like_a_live_one() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:read"], &["--test"]).await;
    let text = key["key"].as_str().expect("a key");
    assert!(text.starts_with("bwp_test_"));
    let client = Client::new(&world.server, text);
    assert_eq!(client.get("/me").await.data(200)["keyId"], key["keyId"]);
    client.get("/contacts").await.data(200);
}
