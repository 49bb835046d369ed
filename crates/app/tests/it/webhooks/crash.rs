//! Workers that are killed.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::process::Child;

use super::{Does, Receiver, SCOPES, make_contact};
use crate::support::{SECRET_KEY, World, bwp};

/// A worker of its own over the world's database.
fn worker(world: &World) -> Child {
    bwp()
        .args(["--database-url", &world.database.url(), "worker", "--log", "error"])
        .env("BWP_SECRET_KEY", SECRET_KEY)
        .env("BWP_WEBHOOK_ALLOW", "127.0.0.0/8")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a worker")
}

#[tokio::test]
async fn nothing_is_lost_when_workers_are_killed_and_what_comes_twice_has_the_same_ids() {
    let world = World::start_with(&["--no-worker"]).await;
    let client = world.client(&SCOPES).await;
    let mut turn = 0;
    let receiver = Receiver::start_by(move || {
        turn += 1;
        match turn % 9 {
            4 => Does::Answer(500),
            7 => Does::Close,
            _ => Does::Answer(200),
        }
    })
    .await;
    let body = json!({ "url": receiver.url(), "eventTypes": ["contact.created"] });
    client.post("/webhook-endpoints", &body).await.data(201);
    let mut made = Vec::new();
    let mut workers = vec![worker(&world), worker(&world)];
    for n in 0..90 {
        made.push(make_contact(&client, &format!("n{n}")).await);
        if n % 30 == 15 {
            // As `kill -9` does.
            workers.remove(0).kill().await.expect("killed");
            workers.push(worker(&world));
        }
        // What failed is due at once.
        world.sql("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE status = 'failed'; UPDATE webhook_queues SET due_at = now() WHERE worker IS NULL").await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = "SELECT count(*) FROM webhook_deliveries WHERE status <> 'succeeded'";
    let deadline = std::time::Instant::now() + Duration::from_mins(2);
    loop {
        world.sql("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE status = 'failed'; UPDATE webhook_queues SET due_at = now(), state = state + 1").await;
        world.sql("UPDATE webhook_endpoints SET consecutive_failures = 0").await;
        let done = world.number(left).await == 0 && world.number("SELECT count(*) FROM webhook_deliveries").await == 90;
        if done {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{} deliveries are left", world.number(left).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut ids: BTreeMap<String, (String, i64)> = BTreeMap::new();
    let mut firsts = Vec::new();
    for received in receiver.received() {
        let event: Value = serde_json::from_str(&received.body).expect("JSON");
        let contact = event["data"]["id"].as_i64().expect("an id");
        let delivery = received.headers["buildworkpro-delivery-id"].clone();
        let known = ids.entry(event["id"].to_string()).or_insert_with(|| {
            firsts.push(contact);
            (delivery.clone(), contact)
        });
        assert_eq!(*known, (delivery, contact), "the same ids");
    }
    firsts.sort_unstable();
    assert_eq!(firsts, made, "none is lost");
    for mut worker in workers {
        worker.kill().await.expect("killed");
    }
}
