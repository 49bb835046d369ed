//! Endpoints: what is asked of them, what they show, and what they never do.

use serde_json::json;

use super::{Does, Receiver, SCOPES, endpoint, latest, make_contact, path};
use crate::support::World;

#[tokio::test]
async fn every_fault_of_a_new_endpoint_is_told_at_once() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let create = async |body| client.post("/webhook-endpoints", &body).await;
    create(json!({})).await.refuses_fields(&[("url", "required"), ("eventTypes", "required")]);
    let wrong = json!({ "url": "ftp://example.com", "eventTypes": ["contact.created", "pay_app.created", 7], "description": "x".repeat(2_001) });
    create(wrong).await.refuses_fields(&[
        ("url", "https_required"),
        ("eventTypes[1]", "invalid_value"),
        ("eventTypes[2]", "invalid_type"),
        ("description", "too_long"),
    ]);
    let inside = json!({ "url": "https://10.0.0.1/", "eventTypes": [] });
    create(inside).await.refuses_fields(&[("eventTypes", "too_short"), ("url", "address_not_allowed")]);
    let one = |url: &str| json!({ "url": url, "eventTypes": ["contact.created"] });
    for url in ["http://93.184.215.14/", "http://10.0.0.1/", "example.com"] {
        create(one(url)).await.refuses_fields(&[("url", "https_required")]);
    }
    let mut said = Vec::new();
    for url in [
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://user:password@93.184.215.14/",
        "https://93.184.215.14/#there",
        "https://no-such-name.invalid/",
    ] {
        let refused = create(one(url)).await;
        refused.refuses_fields(&[("url", "address_not_allowed")]);
        said.push(refused.json["errors"].clone());
    }
    assert!(said.iter().all(|errors| *errors == said[0]), "one text: {said:?}");
    assert_eq!(world.number("SELECT count(*) FROM webhook_endpoints").await, 0);
}

#[tokio::test]
async fn a_secret_is_shown_at_its_making_and_to_its_repetition_and_lies_nowhere_open() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(200)).await;
    let body =
        json!({ "url": receiver.url(), "eventTypes": ["contact.created", "contact.created"], "description": null });
    let create = async || client.keyed("make").post("/webhook-endpoints", &body).await;
    let (made, again) = (create().await, create().await);
    assert_eq!((made.bytes.clone(), again.header("idempotent-replayed")), (again.bytes.clone(), "true"));
    let secret = made.data(201)["signingSecret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("bwh_secret_") && secret.len() == 11 + 64, "{secret}");
    assert_eq!(made.data(201)["eventTypes"], json!(["contact.created"]), "each once");
    let rotate = format!("{}/rotate-secret", path(made.data(201)));
    let keyed = client.keyed("rotate");
    let (rotated, repeated) = (keyed.post(&rotate, &json!({})).await, keyed.post(&rotate, &json!({})).await);
    assert_eq!(rotated.bytes, repeated.bytes);
    let other = rotated.data(200)["signingSecret"].as_str().expect("a secret").to_owned();
    for shown in [client.get(&path(made.data(201))).await, client.get("/webhook-endpoints").await] {
        assert!(!shown.to_string().contains("bwh_secret_"), "{shown}");
    }
    for secret in [secret, other] {
        let dump = format!(
            "SELECT count(*) FROM (
                 SELECT receipt::text FROM idempotency_receipts AS receipt
                 UNION ALL SELECT encode(body, 'escape') FROM idempotency_receipts
                 UNION ALL SELECT endpoint::text FROM webhook_endpoints AS endpoint
                 UNION ALL SELECT entry::text FROM security_log AS entry
             ) AS all_of_it WHERE receipt LIKE '%{}%' OR receipt LIKE '%{secret}%'",
            secret.trim_start_matches("bwh_secret_")
        );
        assert_eq!(world.number(&dump).await, 0);
        assert!(!world.server.log().contains(&secret));
    }
}

#[tokio::test]
async fn a_deleted_endpoint_is_gone_and_its_deliveries_are_not() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(500)).await;
    let made = endpoint(&client, &receiver, &["contact.created"]).await;
    make_contact(&client, "one").await;
    let failed = latest(&client, "failed").await;
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client.delete(&path(&made)).await.problem(404, "not_found");
    client.get(&format!("{}/deliveries", path(&made))).await.problem(404, "not_found");
    let ended = latest(&client, "exhausted").await;
    assert_eq!((&ended["id"], &ended["errorMessage"]), (&failed["id"], &json!("endpoint deleted")));
    client.post(&format!("/webhook-deliveries/{}/replay", ended["id"]), &json!({})).await.problem(409, "conflict");
    let of_it = client.get(&format!("/webhook-deliveries?endpointId={}", made["id"])).await;
    assert_eq!(of_it.data(200).as_array().map(Vec::len), Some(1));
    make_contact(&client, "two").await;
    world.wait_until("SELECT (count(*) = 0)::integer::bigint FROM outbox WHERE position IS NULL").await;
    assert_eq!(world.number("SELECT count(*) FROM webhook_deliveries").await, 1);
}

#[tokio::test]
async fn a_tenant_has_200_endpoints_at_most_however_many_are_made_at_once() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(200)).await;
    endpoint(&client, &receiver, &["contact.created"]).await;
    world
        .sql(
            "INSERT INTO webhook_endpoints (tenant_id, url, event_types, secret, active_since, created_at, updated_at)
             SELECT tenant_id, url, event_types, secret, now(), now(), now() FROM webhook_endpoints, generate_series(1, 197)",
        )
        .await;
    let body = json!({ "url": receiver.url(), "eventTypes": ["contact.created"] });
    let create = || client.post("/webhook-endpoints", &body);
    let (a, b, c, d) = tokio::join!(create(), create(), create(), create());
    let mut statuses = [a, b, c, d].map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409]);
    assert_eq!(client.get("/webhook-endpoints").await.data(200).as_array().map(Vec::len), Some(200));
}

#[tokio::test]
async fn a_new_url_is_guarded_and_takes_what_waits() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let (old, new) = (Receiver::start(Does::Answer(500)).await, Receiver::start(Does::Answer(200)).await);
    let made = endpoint(&client, &old, &["contact.created"]).await;
    make_contact(&client, "one").await;
    latest(&client, "failed").await;
    client
        .patch(&path(&made), &json!({ "url": "https://127.1/" }))
        .await
        .refuses_fields(&[("url", "address_not_allowed")]);
    let same = json!({ "url": old.url(), "description": "the same", "disabledAt": null, "consecutiveFailures": 99 });
    assert_eq!(client.patch(&path(&made), &same).await.data(200)["description"], "the same");
    let disabled = client.patch(&path(&made), &json!({ "disabledReason": "me" })).await;
    disabled.refuses_fields(&[("disabledReason", "read_only")]);
    client.patch(&path(&made), &json!({ "url": new.url() })).await.data(200);
    world.sql("UPDATE webhook_deliveries SET next_attempt_at = now(); UPDATE webhook_queues SET due_at = now()").await;
    new.wait_for(1).await;
    latest(&client, "succeeded").await;
}

#[tokio::test]
async fn deliveries_are_listed_by_pages_and_filters() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let receiver = Receiver::start(Does::Answer(200)).await;
    let made = endpoint(&client, &receiver, &["contact.created", "contact.deleted"]).await;
    for n in 0..5 {
        make_contact(&client, &format!("n{n}")).await;
    }
    let last = make_contact(&client, "last").await;
    client.delete(&format!("/contacts/{last}")).await;
    receiver.wait_for(7).await;
    world.wait_until("SELECT (count(*) = 7)::integer::bigint FROM webhook_deliveries WHERE status = 'succeeded'").await;
    let count = async |query: &str| {
        let (mut rows, mut next) = (Vec::new(), format!("?limit=3{query}"));
        loop {
            let page = client.get(&format!("/webhook-deliveries{next}")).await;
            rows.extend(page.data(200).as_array().expect("rows").iter().map(|row| row["id"].as_i64()));
            let Some(cursor) = page.json["meta"]["pagination"]["cursor"].as_str() else { break };
            next = format!("?limit=3{query}&cursor={cursor}");
        }
        assert!(rows.is_sorted_by(|one, other| one > other), "newest first");
        rows.len()
    };
    assert_eq!(count("").await, 7);
    assert_eq!(count("&eventType=contact.deleted").await, 1);
    assert_eq!(count("&status=succeeded&eventType=contact.created").await, 6);
    assert_eq!(count("&status=pending").await, 0);
    assert_eq!(count(&format!("&endpointId={}", made["id"])).await, 7);
    assert_eq!(count("&endpointId=999999").await, 0);
    assert_eq!(count("&dateTo=2020-01-01T00:00:00Z").await, 0);
    assert_eq!(count("&dateFrom=2020-01-01T00:00:00Z").await, 7);
    client.get("/webhook-deliveries?status=done").await.problem(400, "bad_request");
}
