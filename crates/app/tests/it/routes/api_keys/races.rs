//! Many at once.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::{create, new, path, start};
use crate::support::{Answer, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_100_creations_with_one_idempotency_key_one_makes_a_key_and_shows_it() {
    let (world, client) = start().await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(send(client.request(Method::POST, "/api-keys").header("Idempotency-Key", "k").json(&new("one"))));
    }
    let answers = calls.join_all().await;
    let (done, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert!(busy.iter().all(|answer| (answer.status, answer.code()) == (409, "conflict")), "{busy:?}");
    let shown: Vec<_> = done.iter().filter(|answer| !answer.data(201)["key"].is_null()).collect();
    assert_eq!(shown.len(), 1);
    let ids: HashSet<_> = done.iter().map(|answer| answer.data(201)["id"].to_string()).collect();
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
            at_once(8, || send(client.request(Method::POST, &path).json(&json!({ "overlapSeconds": overlap })))).await;
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
    let answers = at_once(2, || send(client.request(Method::POST, &path).json(&json!({ "overlapSeconds": 60 })))).await;
    assert_one_won(&answers);
}

async fn at_once<F: Future<Output = Answer> + Send + 'static>(times: usize, call: impl Fn() -> F) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for _ in 0..times {
        calls.spawn(call());
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
