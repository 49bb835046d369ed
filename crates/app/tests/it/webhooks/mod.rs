//! Webhooks, from an event to a receiver.

#![expect(clippy::similar_names, reason = "a receiver has received what was sent to it")]

mod crash;
mod endpoints;
mod feed;
mod listen;
mod receiver;

use bwp_domain::webhooks::SigningSecret;
use serde_json::{Value, json};

use self::receiver::{Does, Received, Receiver};
use crate::support::{Client, World, contact, until};

const SCOPES: [&str; 4] = ["contacts:read", "contacts:write", "contacts:delete", "webhooks:manage"];

/// Makes an endpoint, and gives its answer's data.
async fn endpoint(client: &Client, receiver: &Receiver, types: &[&str]) -> Value {
    let body = json!({ "url": receiver.url(), "eventTypes": types });
    client.post("/webhook-endpoints", &body).await.data(201).clone()
}

async fn make_contact(client: &Client, company: &str) -> i64 {
    client.post("/contacts", &contact(company)).await.data(201)["id"].as_i64().expect("an id")
}

fn path(endpoint: &Value) -> String {
    format!("/webhook-endpoints/{}", endpoint["id"])
}

/// Waits until the latest delivery has this status, and gives it.
async fn latest(client: &Client, status: &str) -> Value {
    let read = async || client.get("/webhook-deliveries?limit=1").await.data(200)[0].clone();
    until(&format!("a delivery that is {status}"), async || read().await["status"] == status).await;
    read().await
}

/// The times and signatures in a header.
fn signatures(received: &Received) -> (i64, Vec<String>) {
    let header = &received.headers["buildworkpro-signature"];
    let mut parts = header.split(',');
    let t = parts.next().and_then(|t| t.strip_prefix("t=")).expect("a time").parse().expect("seconds");
    (t, parts.map(|part| part.strip_prefix("v1=").expect("a signature").to_owned()).collect())
}

fn signed(secret: &Value, t: i64, body: &str) -> String {
    SigningSecret::kept(secret.as_str().expect("a secret").to_owned()).sign(t, body.as_bytes())
}

#[tokio::test]
async fn an_event_reaches_the_endpoint_that_wants_it_signed() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let (wanted, other) = (Receiver::start(Does::Answer(204)).await, Receiver::start(Does::Answer(204)).await);
    let made = endpoint(&client, &wanted, &["contact.created", "contact.updated"]).await;
    endpoint(&client, &other, &["lead.created"]).await;
    let id = make_contact(&client, "Brüder Æsir & Søn").await;
    let received = wanted.wait_for(1).await.remove(0);
    let (t, v1) = signatures(&received);
    assert_eq!(v1, [signed(&made["signingSecret"], t, &received.body)]);
    let headers = |name: &str| received.headers[name].as_str();
    assert_eq!(headers("content-type"), "application/json");
    assert_eq!(headers("user-agent"), "BuildWorkPro-Webhooks/1.0");
    assert_eq!(headers("buildworkpro-event"), "contact.created");
    let body: Value = serde_json::from_str(&received.body).expect("JSON");
    let members: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "type", "created_at", "tenant_id", "data"]);
    assert_eq!(headers("buildworkpro-event-id"), body["id"]);
    assert_eq!(&body["data"], client.get(&format!("/contacts/{id}")).await.data(200), "as lists show it");
    let delivery = latest(&client, "succeeded").await;
    assert_eq!(headers("buildworkpro-delivery-id"), delivery["id"].to_string());
    assert_eq!((&delivery["responseStatus"], &delivery["responseBody"]), (&json!(204), &json!(null)));
    assert_eq!(delivery["responseHeaders"], json!({ "content-type": "application/json", "x-request-id": "r1" }));
    let one = client.get(&format!("/webhook-deliveries/{}", delivery["id"])).await;
    assert_eq!(one.data(200)["payload"], body);
    let of_endpoint = client.get(&format!("{}/deliveries", path(&made))).await;
    assert_eq!(of_endpoint.data(200), &json!([delivery]));
    client.patch(&format!("/contacts/{id}"), &json!({ "notes": "x" })).await.data(200);
    client.patch(&format!("/contacts/{id}"), &json!({ "notes": "x" })).await.data(200);
    client.delete(&format!("/contacts/{id}")).await;
    let updated: Value = serde_json::from_str(&wanted.wait_for(2).await[1].body).expect("JSON");
    assert_eq!((&updated["type"], &updated["previous_attributes"]["notes"]), (&json!("contact.updated"), &json!(null)));
    latest(&client, "succeeded").await;
    assert_eq!((wanted.received().len(), other.received().len()), (2, 0));
    until("the last success", async || !client.get(&path(&made)).await.data(200)["lastDeliveredAt"].is_null()).await;
}

#[tokio::test]
async fn both_secrets_sign_after_a_rotation_and_only_the_last_two() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(200)).await;
    let made = endpoint(&client, &receiver, &["contact.created"]).await;
    let rotate = async || {
        let rotated = client.post(&format!("{}/rotate-secret", path(&made)), &json!({})).await;
        rotated.data(200)["signingSecret"].clone()
    };
    let second = rotate().await;
    make_contact(&client, "one").await;
    let received = receiver.wait_for(1).await.remove(0);
    let (t, v1) = signatures(&received);
    assert_eq!(v1, [&second, &made["signingSecret"]].map(|secret| signed(secret, t, &received.body)));
    let third = rotate().await;
    make_contact(&client, "two").await;
    let received = receiver.wait_for(2).await.remove(1);
    let (t, v1) = signatures(&received);
    assert_eq!(v1, [&third, &second].map(|secret| signed(secret, t, &received.body)));
    world.sql("UPDATE webhook_endpoints SET previous_secret_until = now()").await;
    latest(&client, "succeeded").await;
    make_contact(&client, "three").await;
    assert_eq!(signatures(&receiver.wait_for(3).await[2]).1.len(), 1, "a day later");
}

#[tokio::test]
async fn a_failure_is_tried_again_and_a_replay_sends_the_same_bytes() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(500)).await;
    endpoint(&client, &receiver, &["contact.created"]).await;
    make_contact(&client, "one").await;
    let failed = latest(&client, "failed").await;
    assert_eq!(
        (&failed["attemptCount"], &failed["responseStatus"], &failed["responseBody"], &failed["completedAt"]),
        (&json!(1), &json!(500), &json!(r#"{"note":"token=[redacted]"}"#), &json!(null))
    );
    let pause = "SELECT (extract(epoch FROM next_attempt_at - last_attempted_at) BETWEEN 23 AND 40)::integer::bigint
                 FROM webhook_deliveries";
    assert_eq!(world.number(pause).await, 1, "30 seconds, more or less");
    // The time comes.
    world.sql("UPDATE webhook_deliveries SET next_attempt_at = now(); UPDATE webhook_queues SET due_at = now()").await;
    receiver.does(Does::Answer(200));
    let again = receiver.wait_for(2).await;
    assert_eq!(again[0].body, again[1].body);
    assert_eq!(again[0].headers["buildworkpro-delivery-id"], again[1].headers["buildworkpro-delivery-id"]);
    let succeeded = latest(&client, "succeeded").await;
    assert_eq!(succeeded["attemptCount"], 2);
    let replay = format!("/webhook-deliveries/{}/replay", succeeded["id"]);
    for n in 1..=2 {
        let replayed = client.post(&replay, &json!({})).await;
        let data = replayed.data(200);
        assert_eq!(
            (&data["status"], &data["attemptCount"], &data["responseStatus"]),
            (&json!("pending"), &json!(0), &json!(null))
        );
        let received = receiver.wait_for(2 + n).await.remove(1 + n);
        assert_eq!(received.body, again[0].body);
        assert_eq!(received.headers["buildworkpro-event-id"], again[0].headers["buildworkpro-event-id"]);
        assert_eq!(received.headers["buildworkpro-delivery-id"], format!("{}-r{n}", succeeded["id"]));
        assert_eq!(latest(&client, "succeeded").await["attemptCount"], 1);
    }
}

#[tokio::test]
async fn what_a_receiver_refuses_for_good_is_not_tried_again() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(410)).await;
    endpoint(&client, &receiver, &["contact.created"]).await;
    make_contact(&client, "one").await;
    let exhausted = latest(&client, "exhausted").await;
    assert_eq!((&exhausted["attemptCount"], &exhausted["nextAttemptAt"]), (&json!(1), &json!(null)));
    assert!(exhausted["completedAt"].is_string());
}

#[tokio::test]
async fn without_an_answer_it_says_why() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Close).await;
    endpoint(&client, &receiver, &["contact.created"]).await;
    make_contact(&client, "one").await;
    let failed = latest(&client, "failed").await;
    assert_eq!((&failed["errorMessage"], &failed["responseStatus"]), (&json!("protocol"), &json!(null)));
    drop(receiver);
}

#[tokio::test]
async fn twenty_failures_in_a_row_disable_an_endpoint_and_what_waits_is_sent_when_it_is_enabled() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(503)).await;
    let made = endpoint(&client, &receiver, &["contact.created"]).await;
    for n in 0..20 {
        make_contact(&client, &format!("n{n}")).await;
    }
    let read = async || client.get(&path(&made)).await.data(200).clone();
    until("disabled", async || read().await["isActive"] == false).await;
    let disabled = read().await;
    assert_eq!(disabled["disabledReason"], "20 consecutive failures, the last: HTTP 503");
    assert!(disabled["disabledAt"].is_string());
    world
        .wait_until(
            "SELECT count(*) FROM security_log WHERE action ->> 'kind' = 'webhook_disabled' AND actor_kind = 'server'",
        )
        .await;
    assert_eq!(latest(&client, "failed").await["nextAttemptAt"], json!(null), "it waits");
    make_contact(&client, "for nobody").await;
    receiver.does(Does::Answer(200));
    let enabled = client.patch(&path(&made), &json!({ "isActive": true })).await;
    let data = enabled.data(200);
    assert_eq!(
        (&data["isActive"], &data["consecutiveFailures"], &data["disabledAt"], &data["disabledReason"]),
        (&json!(true), &json!(0), &json!(null), &json!(null))
    );
    receiver.wait_for(40).await;
    world
        .wait_until("SELECT (count(*) = 20)::integer::bigint FROM webhook_deliveries WHERE status = 'succeeded'")
        .await;
    assert_eq!(world.number("SELECT count(*) FROM webhook_deliveries").await, 20, "none while it was disabled");
}

#[tokio::test]
async fn nothing_is_sent_to_a_paused_endpoint() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(500)).await;
    let made = endpoint(&client, &receiver, &["contact.created"]).await;
    make_contact(&client, "before").await;
    latest(&client, "failed").await;
    let paused = client.patch(&path(&made), &json!({ "isActive": false })).await;
    assert_eq!((&paused.data(200)["isActive"], &paused.data(200)["disabledAt"]), (&json!(false), &json!(null)));
    make_contact(&client, "meanwhile").await;
    world.wait_until("SELECT (count(*) = 0)::integer::bigint FROM outbox WHERE position IS NULL").await;
    let delivery = latest(&client, "failed").await;
    let replayed = client.post(&format!("/webhook-deliveries/{}/replay", delivery["id"]), &json!({})).await;
    assert_eq!(replayed.data(200)["nextAttemptAt"], json!(null), "it waits");
    receiver.does(Does::Answer(200));
    client.patch(&path(&made), &json!({ "isActive": true })).await.data(200);
    make_contact(&client, "behind").await;
    let received = receiver.wait_for(3).await;
    let company = |received: &Received| {
        serde_json::from_str::<Value>(&received.body).expect("JSON")["data"]["companyName"].clone()
    };
    let mut companies: Vec<_> = received[1..].iter().map(company).collect();
    companies.sort_by_key(ToString::to_string);
    assert_eq!(companies, ["before", "behind"]);
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other_and_first_attempts_are_in_order() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let hanging = Receiver::start(Does::Hang).await;
    let healthy = Receiver::start(Does::Answer(200)).await;
    for _ in 0..20 {
        endpoint(&client, &hanging, &["contact.created"]).await;
    }
    endpoint(&client, &healthy, &["contact.created"]).await;
    let mut made = Vec::new();
    for n in 0..50 {
        made.push(make_contact(&client, &format!("n{n}")).await);
    }
    let received = healthy.wait_for(50).await;
    let id = |received: &Received| serde_json::from_str::<Value>(&received.body).expect("JSON")["data"]["id"].as_i64();
    let mut ids: Vec<_> = received.iter().filter_map(id).collect();
    assert_eq!(
        world.number("SELECT count(*) FROM webhook_deliveries WHERE status IN ('failed', 'exhausted')").await,
        0,
        "they hang still"
    );
    // Some are under way at once: begun in this order, they may arrive a little out of it.
    let displaced = ids.iter().zip(&made).filter(|(one, other)| one != other).count();
    assert!(displaced < 25, "{ids:?}");
    ids.sort_unstable();
    assert_eq!(ids, made);
}
