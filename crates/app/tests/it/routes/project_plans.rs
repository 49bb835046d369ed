//! `/projects/{id}/phases` and `/projects/{id}/tasks`

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    projects::{each, user},
    site_logs::project,
};
use crate::support::{Client, World, send};

const ALL: &[&str] = &["projects:read", "projects:write", "projects:delete"];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn add(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.data(201).clone()
}

#[tokio::test]
async fn every_field_of_a_step_is_kept_and_shown() {
    let (world, client) = start().await;
    let (garage, person) = (project(&client, "Garage").await, user(&world, "NULL").await);
    let (phases, tasks) = (format!("/projects/{garage}/phases"), format!("/projects/{garage}/tasks"));
    let body = json!({
        "name": "Dig 🏗️", "status": "in_progress", "startDate": "2026-05-04", "endDate": "2026-05-08T12:00:00+02:00", "order": 3,
    });
    let phase = add(&client, &phases, &body).await;
    let mut expected = body;
    for (field, value) in [
        ("id", phase["id"].clone()),
        ("projectId", json!(garage)),
        ("startDate", json!("2026-05-04T00:00:00.000Z")),
        ("endDate", json!("2026-05-08T10:00:00.000Z")),
        ("createdAt", phase["createdAt"].clone()),
        ("updatedAt", phase["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(phase, expected);
    assert_eq!(client.get(&phases).await.data(200), &json!([expected]));
    let body = json!({
        "name": "Hole", "phaseId": phase["id"], "description": "Deep", "status": "done", "priority": "urgent",
        "assignedTo": person, "startDate": "2026-05-04", "dueDate": "2026-05-05", "duration": 2, "order": 1,
    });
    let task = add(&client, &tasks, &body).await;
    let mut expected = body;
    for (field, value) in [
        ("id", task["id"].clone()),
        ("projectId", json!(garage)),
        ("startDate", json!("2026-05-04T00:00:00.000Z")),
        ("dueDate", json!("2026-05-05T00:00:00.000Z")),
        ("createdAt", task["createdAt"].clone()),
        ("updatedAt", task["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(task, expected);
    assert_eq!(client.get(&tasks).await.data(200), &json!([expected]));
    for (path, field, bad, code) in [
        (&phases, "status", json!("done"), "invalid_value"),
        (&phases, "name", json!(""), "too_short"),
        (&tasks, "status", json!("pending"), "invalid_value"),
        (&tasks, "priority", json!(null), "not_nullable"),
        (&tasks, "duration", json!(-1), "too_small"),
        (&tasks, "assignedTo", json!(9_999), "not_found"),
        (&tasks, "checklist", json!([]), "unknown_field"),
    ] {
        let mut body = json!({ "name": "x" });
        body[field] = bad;
        client.post(path, &body).await.refuses_fields(&[(field, code)]);
    }
    assert_eq!(world.number("SELECT count(*) FROM activity WHERE resource LIKE 'project %'").await, 2);
    assert_eq!(world.events().await.len(), 1, "nobody is told but of the project");
}

#[tokio::test]
async fn steps_are_changed_deleted_and_put_in_order() {
    let (_world, client) = start().await;
    let (garage, shed) = (project(&client, "Garage").await, project(&client, "Shed").await);
    let tasks = format!("/projects/{garage}/tasks");
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(add(&client, &tasks, &json!({ "name": name })).await["id"].clone());
    }
    let names = async || each(client.get(&tasks).await.data(200), "name").join("");
    assert_eq!(names().await, "abc");
    let order =
        async |ids: Value| send(client.request(reqwest::Method::PUT, &format!("{tasks}/order")).json(&ids)).await;
    let ordered = order(json!({ "order": [ids[2], ids[0], ids[1]] })).await;
    assert_eq!(each(ordered.data(200), "name"), ["c", "a", "b"]);
    assert_eq!(names().await, "cab");
    for (body, field, code) in [
        (json!({}), "order", "required"),
        (json!({ "order": "cab" }), "order", "invalid_type"),
        (json!({ "order": [ids[0], "x"] }), "order", "invalid_type"),
        (json!({ "order": [ids[0]] }), "order", "invalid_value"),
        (json!({ "order": [ids[0], ids[1], ids[1]] }), "order", "invalid_value"),
        (json!({ "order": [ids[0], ids[1], ids[2]], "ids": [] }), "ids", "unknown_field"),
    ] {
        order(body).await.refuses_fields(&[(field, code)]);
    }
    let one = format!("{tasks}/{}", ids[0]);
    assert_eq!(client.patch(&one, &json!({ "order": 0, "projectId": shed })).await.data(200)["projectId"], garage);
    assert_eq!(names().await, "acb");
    // Under another project there is no such task.
    let elsewhere = format!("/projects/{shed}/tasks/{}", ids[0]);
    client.patch(&elsewhere, &json!({ "name": "x" })).await.problem(404, "not_found");
    client.delete(&elsewhere).await.problem(404, "not_found");
    assert_eq!(client.delete(&one).await.status, 204);
    client.delete(&one).await.problem(404, "not_found");
    assert_eq!(names().await, "cb");
    // The plan of a deleted project is not there.
    assert_eq!(client.delete(&format!("/projects/{garage}")).await.status, 204);
    client.get(&tasks).await.problem(404, "not_found");
    client.post(&tasks, &json!({ "name": "d" })).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_that_are_added_at_once_have_places_of_their_own() {
    let (_world, client) = start().await;
    let phases = format!("/projects/{}/phases", project(&client, "Garage").await);
    let mut calls = JoinSet::new();
    for n in 0..16 {
        let (client, phases) = (client.clone(), phases.clone());
        calls.spawn(async move {
            client.post(&phases, &json!({ "name": format!("Phase {n}") })).await.data(201)["order"].clone()
        });
    }
    let mut orders: Vec<_> = calls.join_all().await.iter().filter_map(Value::as_i64).collect();
    orders.sort_unstable();
    assert_eq!(orders, (1..=16).collect::<Vec<_>>());
}
