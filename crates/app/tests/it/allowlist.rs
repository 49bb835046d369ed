//! From where a key may be used, and whether its tenant may.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Client, World, send};

/// A client with a new key that may be used from these addresses alone.
async fn client(world: &World, allowed: &[&str]) -> Client {
    let more: Vec<&str> = allowed.iter().flat_map(|network| ["--allow-ip", network]).collect();
    let key = world.key(&world.tenant, &["contacts:write"], &more).await;
    Client::new(&world.server, key["key"].as_str().expect("a key"))
}

/// Calls with these headers.
async fn me(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let request = client.request(Method::GET, "/me");
    send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[track_caller]
fn let_in(answer: &Answer, expected: bool) {
    if expected {
        answer.data(200);
    } else {
        answer.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn the_peer_is_let_in_if_the_list_names_it() {
    let world = World::start().await;
    for (allowed, expected) in [
        (&[][..], true),
        (&["127.0.0.1"], true),
        (&["127.0.0.0/8"], true),
        (&["127.0.0.77/24"], true),
        (&["0.0.0.0/0"], true),
        (&["10.0.0.0/8", "2001:db8::/32", "127.0.0.1/32"], true),
        (&["::ffff:127.0.0.1"], true),
        (&["::ffff:127.0.0.0/104"], true),
        (&["127.0.0.2"], false),
        (&["10.0.0.0/8"], false),
        (&["::/0"], false),
        (&["::1"], false),
    ] {
        let client = client(&world, allowed).await;
        let_in(&me(&client, &[]).await, expected);
    }
}

#[tokio::test]
async fn who_is_off_the_list_changes_nothing() {
    let world = World::start().await;
    let client = client(&world, &["192.0.2.1"]).await;
    let answer = client.post("/contacts", &serde_json::json!({ "type": "other" })).await;
    answer.problem(401, "unauthorized");
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_is_not_believed() {
    for proxies in [&[][..], &["--trusted-proxies", "10.0.0.0/8"]] {
        let world = World::start_with(proxies).await;
        let (far, near) = (client(&world, &["192.0.2.1"]).await, client(&world, &["127.0.0.1"]).await);
        for header in [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1"), ("X-Real-IP", "192.0.2.1")] {
            let_in(&me(&far, &[header]).await, false);
            let_in(&me(&near, &[header]).await, true);
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is() {
    let world = World::start_with(&["--trusted-proxies", "127.0.0.1/32,10.0.0.0/8"]).await;
    let client = client(&world, &["192.0.2.0/24", "2001:db8::/32"]).await;
    for (headers, expected) in [
        (&[][..], false),
        (&[("X-Forwarded-For", "192.0.2.7")], true),
        (&[("X-Forwarded-For", "192.0.2.7:4711")], true),
        (&[("X-Forwarded-For", "::ffff:192.0.2.7")], true),
        (&[("X-Forwarded-For", "2001:db8::1")], true),
        (&[("X-Forwarded-For", "198.51.100.1")], false),
        // Only what the nearest untrusted hop is counts: what stands left of it may be forged.
        (&[("X-Forwarded-For", "192.0.2.7, 198.51.100.1")], false),
        (&[("X-Forwarded-For", "192.0.2.7, 198.51.100.1, 10.0.0.9")], false),
        (&[("X-Forwarded-For", "198.51.100.1, 192.0.2.7, 10.0.0.9")], true),
        (&[("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "192.0.2.7, 10.0.0.9")], true),
        (&[("X-Forwarded-For", "unknown")], false),
        (&[("X-Forwarded-For", "")], false),
        (&[("Forwarded", "for=192.0.2.7")], true),
        (&[("Forwarded", "proto=https;For=\"[2001:db8::1]:80\"")], true),
        (&[("Forwarded", "for=198.51.100.1, for=192.0.2.7;by=10.0.0.9, for=10.0.0.9")], true),
        (&[("Forwarded", "for=192.0.2.7, for=198.51.100.1")], false),
        (&[("Forwarded", "for=_hidden")], false),
        // A proxy writes one of them; who forges the other gains nothing.
        (&[("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "for=192.0.2.7")], false),
        (&[("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=198.51.100.1")], false),
        (&[("X-Forwarded-For", "192.0.2.7"), ("Forwarded", "for=192.0.2.7")], true),
        (&[("X-Real-IP", "192.0.2.7")], false),
    ] {
        let answer = me(&client, headers).await;
        assert_eq!(answer.status == 200, expected, "{headers:?}: {answer}");
        let_in(&answer, expected);
    }
}

#[tokio::test]
async fn a_v4_peer_of_a_v6_listener_is_a_v4_address() {
    if std::net::TcpListener::bind("[::]:0").is_err() {
        return; // This machine has no IPv6.
    }
    let mut world = World::start_with(&["--listen", "[::]:0"]).await;
    world.server.url = world.server.url.replace("[::]", "127.0.0.1");
    for (allowed, expected) in [("127.0.0.1", true), ("::ffff:127.0.0.1", true), ("::1", false), ("::/0", false)] {
        let client = client(&world, &[allowed]).await;
        let_in(&me(&client, &[]).await, expected);
    }
    world.server.url = world.server.url.replace("127.0.0.1", "[::1]");
    for (allowed, expected) in [("::1", true), ("::/0", true), ("127.0.0.1", false), ("0.0.0.0/0", false)] {
        let client = client(&world, &[allowed]).await;
        let_in(&me(&client, &[]).await, expected);
    }
}

#[tokio::test]
async fn a_tenant_is_kept_out_and_let_in_again() {
    let world = World::start().await;
    let client = world.client(&["contacts:read", "contacts:write"]).await;
    let other = world.client_of(&world.another_tenant().await, &["contacts:read"]).await;
    for (status, code) in [("suspended", "tenant_suspended"), ("subscription_inactive", "subscription_inactive")] {
        let shown: Value = world.bwp(&["tenant", "set-status", &world.tenant, status]).await;
        assert_eq!(shown["status"], status);
        client.get("/me").await.problem(403, code);
        client.get("/contacts?nonsense").await.problem(403, code);
        client.post("/contacts", &serde_json::json!({})).await.problem(403, code);
        // Before the scope, and after the key itself.
        client.delete("/contacts/1").await.problem(403, code);
        client.with_key("bwp_live_x").get("/me").await.problem(401, "unauthorized");
        other.get("/contacts").await.data(200);
        world.bwp(&["tenant", "set-status", &world.tenant, "active"]).await;
        client.get("/contacts").await.data(200);
    }
}
