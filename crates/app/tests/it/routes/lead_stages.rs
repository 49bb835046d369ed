//! `/lead-stages`

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Client, Sql, World};

/// Every scope of leads and their stages.
pub(super) const ALL: &[&str] = &["leads:read", "leads:write", "leads:delete"];

/// The stages of a tenant, as they are listed.
pub(super) async fn stages(client: &Client) -> Vec<Value> {
    client.get("/lead-stages").await.data(200).as_array().expect("a list").clone()
}

/// The id of the stage of this name.
pub(super) async fn stage(client: &Client, name: &str) -> i64 {
    let stages = stages(client).await;
    let found = stages.iter().find(|stage| stage["name"] == name).expect("a stage of this name");
    found["id"].as_i64().expect("an id")
}

/// Makes a stage, and gives its id.
pub(super) async fn create(client: &Client, name: &str) -> i64 {
    client.post("/lead-stages", &json!({ "name": name })).await.data(201)["id"].as_i64().expect("an id")
}

/// Makes a lead in a stage, and gives its id.
async fn lead(client: &Client, stage: i64) -> i64 {
    let body = json!({ "name": "Garage", "stageId": stage });
    client.post("/leads", &body).await.data(201)["id"].as_i64().expect("an id")
}

fn names(stages: &[Value]) -> Vec<&str> {
    stages.iter().map(|stage| stage["name"].as_str().expect("a name")).collect()
}

fn path(id: i64) -> String {
    format!("/lead-stages/{id}")
}

const FIRST: [&str; 7] = ["New Lead", "Contacted", "Site Visit Scheduled", "Bid Sent", "Negotiation", "Won", "Lost"];

#[tokio::test]
async fn every_tenant_begins_with_seven_in_their_order() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let answer = client.get("/lead-stages").await;
    assert!(answer.json["meta"].get("pagination").is_none(), "{answer}");
    let own = stages(&client).await;
    assert_eq!(names(&own), FIRST);
    let flagged = |flag: &str| own.iter().position(|stage| stage[flag] == true);
    assert_eq!((flagged("isDefault"), flagged("isWon"), flagged("isLost")), (Some(0), Some(5), Some(6)));
    let fields: Vec<_> = own[0].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["id", "name", "color", "order", "isDefault", "isWon", "isLost", "createdAt"]);
    // Another tenant has its own.
    let foreigner = world.client_of(&world.another_tenant().await, ALL).await;
    assert_eq!(names(&stages(&foreigner).await), FIRST);
    let taken = path(stage(&foreigner, "Contacted").await);
    client.patch(&taken, &json!({ "name": "Stolen" })).await.problem(404, "not_found");
    client.delete(&taken).await.problem(404, "not_found");
    assert_eq!(names(&stages(&foreigner).await), FIRST);
    for query in ["limit=5", "cursor=x", "compact=true", "search=a"] {
        client.get(&format!("/lead-stages?{query}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn are_shown_by_order_and_then_by_age() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let made = client.post("/lead-stages", &json!({ "name": "Archive" })).await;
    let mut shown = made.data(201).clone();
    for (name, value) in [("color", json!(null)), ("order", json!(8)), ("isDefault", json!(false))] {
        assert_eq!(shown[name], value, "{made}");
    }
    let id = shown["id"].as_i64().expect("an id");
    // No other row is renumbered, and two may have the same place.
    assert_eq!(client.patch(&path(id), &json!({ "order": 2 })).await.data(200)["order"], 2);
    let listed = stages(&client).await;
    assert_eq!(names(&listed)[..4], ["New Lead", "Contacted", "Archive", "Site Visit Scheduled"]);
    assert_eq!(listed[3]["order"], 3);
    // Equal names are allowed, and `null` empties the colour.
    let body = json!({ "name": "Contacted", "color": "teal" });
    shown = client.patch(&path(id), &body).await.data(200).clone();
    assert_eq!((&shown["name"], &shown["color"]), (&json!("Contacted"), &json!("teal")));
    assert_eq!(client.patch(&path(id), &json!({ "color": null })).await.data(200)["color"], json!(null));
    let refused = client.post("/lead-stages", &json!({ "orderIndex": 1, "order": "1", "isWon": null })).await;
    refused.refuses_fields(&[
        ("orderIndex", "unknown_field"),
        ("name", "required"),
        ("order", "invalid_type"),
        ("isWon", "not_nullable"),
    ]);
    assert!(world.events().await.is_empty(), "nobody is told of stages");
}

#[tokio::test]
async fn a_stage_that_is_needed_stays_and_says_why() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for name in ["New Lead", "Won", "Lost"] {
        client.delete(&path(stage(&client, name).await)).await.problem(409, "conflict");
    }
    let id = create(&client, "Archive").await;
    let leads = [lead(&client, id).await, lead(&client, id).await];
    let refused = client.delete(&path(id)).await;
    assert!(refused.problem(409, "conflict").contains("2 leads"), "{refused}");
    // Deleted leads are in nobody's way, and those that move on neither.
    assert_eq!(client.delete(&format!("/leads/{}", leads[0])).await.status, 204);
    let refused = client.delete(&path(id)).await;
    assert!(refused.problem(409, "conflict").contains("1 lead "), "{refused}");
    let moved = json!({ "stageId": stage(&client, "Contacted").await });
    client.patch(&format!("/leads/{}", leads[1]), &moved).await.data(200);
    assert_eq!(client.delete(&path(id)).await.status, 204);
    client.delete(&path(id)).await.problem(404, "not_found");
    client.patch(&path(id), &json!({ "name": "Back" })).await.problem(404, "not_found");
    assert_eq!(names(&stages(&client).await), FIRST);
    let refused = client.post("/leads", &json!({ "name": "Late", "stageId": id })).await;
    refused.refuses_fields(&[("stageId", "not_found")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_become_the_default_at_once_one_is_left() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let ids: Vec<i64> = stages(&client).await[..5].iter().map(|stage| stage["id"].as_i64().expect("an id")).collect();
    for _ in 0..6 {
        let mut calls = JoinSet::new();
        for id in ids.iter().copied().chain(ids.iter().copied().rev()) {
            let client = client.clone();
            calls.spawn(async move { client.patch(&path(id), &json!({ "isDefault": true })).await });
        }
        // None fails: they take turns, and nobody waits in a circle.
        for answer in calls.join_all().await {
            assert_eq!(answer.status, 200, "{answer}");
        }
        let defaults = stages(&client).await.iter().filter(|stage| stage["isDefault"] == true).count();
        assert_eq!(defaults, 1);
    }
    let mut sql = Sql::connect(&world.database.url()).await;
    assert_eq!(sql.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_lead_is_left_in_a_stage_that_is_deleted_while_leads_move_into_it() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let home = stage(&client, "Contacted").await;
    let mut deleted = 0;
    for round in 0..12_usize {
        let target = create(&client, "Short-lived").await;
        let mut leads = Vec::new();
        for _ in 0..4 {
            leads.push(lead(&client, home).await);
        }
        let mut calls = JoinSet::new();
        for (n, id) in leads.into_iter().enumerate() {
            // Before, between and behind them.
            if n == round % 5 {
                delete(&mut calls, &client, target);
            }
            let client = client.clone();
            calls.spawn(async move {
                let moved = if n % 2 == 0 {
                    client.patch(&format!("/leads/{id}"), &json!({ "stageId": target })).await
                } else {
                    client.post("/leads", &json!({ "name": "New", "stageId": target })).await
                };
                match moved.status {
                    200 | 201 => true,
                    _ => {
                        moved.refuses_fields(&[("stageId", "not_found")]);
                        false
                    }
                }
            });
        }
        if round % 5 == 4 {
            delete(&mut calls, &client, target);
        }
        let done = calls.join_all().await.into_iter().filter(|moved| *moved).count();
        let gone = !stages(&client).await.iter().any(|stage| stage["id"] == target);
        assert!(!(gone && done > 0), "{done} leads are in a deleted stage");
        assert!(gone || done > 0, "it was kept for no lead");
        deleted += usize::from(gone);
    }
    let lost = "SELECT count(*) FROM leads JOIN lead_stages AS stage ON (stage.tenant_id, stage.id) = (leads.tenant_id, stage_id)
                WHERE leads.deleted_at IS NULL AND stage.deleted_at IS NOT NULL";
    assert_eq!(world.number(lost).await, 0);
    println!("of 12 stages {deleted} were deleted, the others kept their leads");
}

/// Deletes a stage, or finds that leads are in it. No lead moved by that.
fn delete(calls: &mut JoinSet<bool>, client: &Client, stage: i64) {
    let client = client.clone();
    calls.spawn(async move {
        let answer = client.delete(&path(stage)).await;
        if answer.status != 204 {
            assert!(answer.problem(409, "conflict").contains("lead"), "{answer}");
        }
        false
    });
}

/// The same, step by step: a lead that is about to be stored holds its stage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_waits_for_a_lead_that_is_being_moved_and_counts_it() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let target = create(&client, "Archive").await;
    let id = lead(&client, stage(&client, "Contacted").await).await;
    let mut elsewhere = Sql::connect(&world.database.url()).await;
    elsewhere.run("BEGIN").await;
    elsewhere.run(&format!("SELECT FROM lead_stages WHERE id = {target} FOR KEY SHARE")).await;
    elsewhere.run(&format!("UPDATE leads SET stage_id = {target} WHERE id = {id}")).await;
    let deleting = {
        let client = client.clone();
        tokio::spawn(async move { client.delete(&path(target)).await })
    };
    Sql::connect(&world.database.url()).await.until_waiting(1).await;
    elsewhere.run("COMMIT").await;
    let refused = deleting.await.expect("no panic");
    assert!(refused.problem(409, "conflict").contains("1 lead"), "{refused}");
}
