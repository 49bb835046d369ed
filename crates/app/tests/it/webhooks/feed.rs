//! Following events.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{SCOPES, make_contact};
use crate::support::{Client, World, contact, until};

/// Follows the feed until it has had this many events, and gives them in the order in which they came.
async fn follow(client: &Client, query: &str, count: usize) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), String::new());
    while events.len() < count {
        let page = client.get(&format!("/events?limit=7{query}{after}")).await;
        let new = page.data(200).as_array().expect("events").clone();
        if new.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        events.extend(new);
        let cursor = page.json["meta"]["pagination"]["cursor"].as_str().expect("never null");
        after = format!("&after={cursor}");
    }
    events
}

#[tokio::test]
async fn a_follower_has_every_event_once_and_those_of_a_row_in_order() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let (writers, rounds) = (32, 6);
    let mut writing = JoinSet::new();
    for writer in 0..writers {
        let client = world.client(&SCOPES).await;
        writing.spawn(async move {
            let id = make_contact(&client, &format!("w{writer}-0")).await;
            for round in 1..rounds {
                let body = json!({ "companyName": format!("w{writer}-{round}") });
                // With a key and without: a transaction that claims a key has its number long before its change.
                let client = if round % 2 == 0 { client.keyed(&format!("{writer}-{round}")) } else { client.clone() };
                client.patch(&format!("/contacts/{id}"), &body).await.data(200);
            }
        });
    }
    // Transactions that are committed long after they wrote.
    let slow = world.database.connection().await;
    let held = tokio::spawn(hold_events(slow, world.number("SELECT min(id) FROM tenants").await));
    let events = follow(&client, "", writers * rounds + 5).await;
    while let Some(done) = writing.join_next().await {
        done.expect("no panic");
    }
    held.await.expect("no panic");
    let ids: BTreeSet<_> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), writers * rounds + 5, "each once");
    for writer in 0..writers {
        let of_writer = |event: &&Value| {
            event["data"]["companyName"].as_str().is_some_and(|name| name.starts_with(&format!("w{writer}-")))
        };
        let names: Vec<_> = events.iter().filter(of_writer).map(|event| event["data"]["companyName"].clone()).collect();
        let expected: Vec<_> = (0..rounds).map(|round| json!(format!("w{writer}-{round}"))).collect();
        assert_eq!(names, expected, "in order");
    }
}

/// Appends events in transactions that stay open for a while, others' events being committed meanwhile.
async fn hold_events(mut connection: diesel_async::AsyncPgConnection, tenant: i64) {
    use diesel_async::SimpleAsyncConnection;
    for n in 0..5 {
        let statement = format!(
            "BEGIN;
             INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body)
             SELECT {tenant}, id, 'contact.created', 1, now(),
                 json_build_object('id', id, 'type', 'contact.created', 'data', json_build_object('companyName', 'slow-{n}'))
             FROM gen_random_uuid() AS id;
             SELECT pg_sleep(0.05);
             COMMIT"
        );
        connection.batch_execute(&statement).await.expect("appended");
    }
}

#[tokio::test]
async fn events_are_filtered_and_their_cursors_hold() {
    let world = World::start().await;
    let client = world.client(&SCOPES).await;
    let (one, two) = (make_contact(&client, "one").await, make_contact(&client, "two").await);
    client.patch(&format!("/contacts/{one}"), &contact("changed")).await.data(200);
    client.delete(&format!("/contacts/{two}")).await;
    let kinds = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    let all = follow(&client, "", 4).await;
    assert_eq!(kinds(&all), ["contact.created", "contact.created", "contact.updated", "contact.deleted"]);
    assert!(all[2].get("previous_attributes").is_some() && all[0].get("previous_attributes").is_none());
    assert_eq!(
        kinds(&follow(&client, "&type=contact.updated,contact.deleted", 2).await),
        ["contact.updated", "contact.deleted"]
    );
    assert_eq!(
        kinds(&follow(&client, &format!("&resource=contact&resourceId={two}"), 2).await),
        ["contact.created", "contact.deleted"]
    );
    let none = client.get("/events?resource=lead").await;
    assert_eq!((none.data(200), &none.json["meta"]["pagination"]["has_more"]), (&json!([]), &json!(false)));
    for query in [
        "?type=contact.made",
        "?resource=user",
        "?resourceId=1",
        "?resource=lead&type=contact.created",
        "?after=x",
        "?limit=0",
    ] {
        client.get(&format!("/events{query}")).await.problem(400, "bad_request");
    }
    let cursor = none.json["meta"]["pagination"]["cursor"].as_str().expect("never null");
    client.get(&format!("/events?after={cursor}")).await.problem(400, "bad_request");
    world.sql("UPDATE outbox SET occurred_at = now() - interval '30 days' WHERE kind <> 'contact.deleted'").await;
    until("older ones are not shown", async || client.get("/events").await.data(200).as_array().unwrap().len() == 1)
        .await;
}
