//! Who is let in.

use reqwest::{Method, RequestBuilder};

use super::contacts::ALL;
use crate::support::{Answer, Client, World, send, unknown_key};

async fn me(world: &World, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Answer {
    send(change(world.request(Method::GET, "/api/v1/me"))).await
}

#[tokio::test]
async fn no_credential_is_401() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    let basic = format!("Basic {}", client.key);
    for value in ["", "Bearer", &client.key, &basic, "Bearer,", "Token x"] {
        let answer = me(&world, |request| request.header("Authorization", value)).await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{value}");
    }
    me(&world, |request| request).await.problem(401, "unauthorized");
    // Where a key does not belong, it does not count.
    let in_query = world.request(Method::GET, &format!("/api/v1/me?access_token={}", client.key));
    send(in_query).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn malformed_unknown_and_revoked_ones_are_answered_alike() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &[], &[]).await;
    let client = Client::new(&world.server, key["key"].as_str().expect("a key"));
    client.get("/me").await.data(200);
    world.bwp(&["key", "revoke", key["keyId"].as_str().expect("an id")]).await;
    let revoked = client.get("/me").await;
    revoked.problem(401, "unauthorized");
    assert_eq!(revoked.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    for text in [unknown_key().as_str(), "rubbish", &client.key[..57], &client.key.replace("bwp_live_", "bwp_test_")] {
        let answer = Client::new(&world.server, text).get("/me").await;
        assert_eq!(answer.without_request_id(), revoked.without_request_id(), "{text}");
        assert_eq!(answer.header("www-authenticate"), revoked.header("www-authenticate"));
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        me(&world, |request| request.header("Authorization", format!("{scheme} {}", client.key))).await.data(200);
    }
}

#[tokio::test]
async fn two_credentials_are_none() {
    let world = World::start().await;
    let client = world.client(&[]).await;
    me(&world, |request| request.bearer_auth(&client.key).bearer_auth(&client.key)).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn an_expired_key_is_401() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    client.get("/me").await.data(200);
    world.sql("UPDATE api_keys SET expires_at = now()").await;
    client.get("/me").await.problem(401, "unauthorized");
    world.sql("UPDATE api_keys SET expires_at = now() + interval '1 hour'").await;
    client.get("/me").await.data(200);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let answer = client.delete("/contacts/1").await;
    assert!(answer.problem(403, "scope_insufficient").contains("contacts:delete"));
    assert!(answer.header("www-authenticate").contains("scope=\"contacts:delete\""));
}
