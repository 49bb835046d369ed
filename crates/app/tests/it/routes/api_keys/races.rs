//! Many at once.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use super::{HELD, create, new, path, start};
use crate::support::{Answer, insist};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_100_creations_with_one_idempotency_key_one_makes_a_key_and_shows_it() {
    let (world, client) = start().await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(insist(client.request(Method::POST, "/api-keys").header("Idempotency-Key", "k").json(&new("one"))));
    }
    let answers = calls.join_all().await;
    // A slow machine may have told the first to come again when it was done.
    assert!(answers.iter().filter(|answer| !answer.data(201)["key"].is_null()).count() <= 1);
    let ids: HashSet<_> = answers.iter().map(|answer| answer.data(201)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.number("SELECT count(*) FROM api_keys WHERE name = 'one'").await, 1);
    assert_eq!(
        world.number("SELECT count(*) FROM security_log WHERE key_id IS NOT NULL AND actor_kind = 'key'").await,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_rotations_of_one_key_one_makes_the_successor() {
    let (world, client) = start().await;
    for overlap in [0, 60] {
        let made = create(&client, &new("k")).await;
        let path = format!("{}/rotate", path(&made));
        let answers =
            at_once(8, || client.request(Method::POST, &path).json(&json!({ "overlapSeconds": overlap }))).await;
        assert_one_won(&answers);
        let successors = format!("SELECT count(*) FROM api_keys WHERE replaces = {}", made["id"]);
        assert_eq!(world.number(&successors).await, 1);
    }
}

/// Each holds the key by which it asks, and wants it alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_rotates_itself_many_times_at_once_has_one_successor() {
    let (_world, client) = start().await;
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let path = format!("/api-keys/{}/rotate", me.as_str().expect("an id"));
    let answers = at_once(30, || client.request(Method::POST, &path).json(&json!({ "overlapSeconds": 60 }))).await;
    assert_one_won(&answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_changes_itself_many_times_at_once_waits_its_turn() {
    let (world, client) = start().await;
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let path = format!("/api-keys/{}", me.as_str().expect("an id"));
    let turn = AtomicU32::new(0);
    let rename = || {
        let name = format!("turn {}", turn.fetch_add(1, Ordering::Relaxed));
        client.request(Method::PATCH, &path).json(&json!({ "name": name }))
    };
    for answer in at_once(30, rename).await {
        answer.data(200);
    }
    let noted = "SELECT count(*) FROM security_log WHERE actor_kind = 'key'";
    assert_eq!(world.number(noted).await, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_change_each_other_wait_their_turn() {
    let (world, one) = start().await;
    let other = world.client(HELD).await;
    let mut paths = Vec::new();
    for client in [&other, &one] {
        let me = client.get("/me").await.data(200)["keyId"].clone();
        paths.push(format!("/api-keys/{}", me.as_str().expect("an id")));
    }
    let turn = AtomicUsize::new(0);
    let rename = || {
        let n = turn.fetch_add(1, Ordering::Relaxed);
        let client = [&one, &other][n % 2];
        client.request(Method::PATCH, &paths[n % 2]).json(&json!({ "name": format!("turn {n}") }))
    };
    for answer in at_once(40, rename).await {
        answer.data(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_revocations_of_a_key_by_itself_one_is_done_and_the_others_come_too_late() {
    let (world, client) = start().await;
    let me = client.get("/me").await.data(200)["keyId"].clone();
    let path = format!("/api-keys/{}", me.as_str().expect("an id"));
    let answers = at_once(30, || client.request(Method::DELETE, &path)).await;
    let (done, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status < 300);
    // A slow machine may have told it to come again when it was done, and then it is too late as well.
    assert!(done.len() <= 1, "{answers:?}");
    assert_eq!(world.number("SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL").await, 1);
    for answer in late {
        answer.problem(401, "unauthorized");
    }
}

/// Sends so many requests, each under an idempotency key of its own.
async fn at_once(times: usize, request: impl Fn() -> RequestBuilder) -> Vec<Answer> {
    static KEYS: AtomicUsize = AtomicUsize::new(0);
    let mut calls = JoinSet::new();
    for _ in 0..times {
        let key = KEYS.fetch_add(1, Ordering::Relaxed).to_string();
        calls.spawn(insist(request().header("Idempotency-Key", key)));
    }
    calls.join_all().await
}

#[track_caller]
fn assert_one_won(answers: &[Answer]) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in lost {
        assert!(answer.problem(409, "conflict").contains(&won[0].data(201)["id"].to_string()), "{answer}");
    }
}
