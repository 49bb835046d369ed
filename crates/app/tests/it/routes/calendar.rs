//! `/calendar`

use serde_json::{Value, json};

use super::{projects::user, site_logs::project};
use crate::support::{Client, World};

const ALL: &[&str] =
    &["projects:read", "projects:write", "projects:delete", "leads:read", "leads:write", "leads:delete"];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

/// The titles of what is on the calendar.
async fn titles(client: &Client, query: &str) -> Vec<String> {
    let events = client.get(&format!("/calendar/events?{query}")).await;
    let events = events.data(200).as_array().expect("a list").clone();
    events.iter().map(|event| event["title"].as_str().expect("a title").to_owned()).collect()
}

async fn id(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.data(201)["id"].clone()
}

#[tokio::test]
async fn what_has_a_date_is_there() {
    let (world, client) = start().await;
    let person = user(&world, "NULL").await;
    let garage = json!({
        "name": "Garage", "startDate": "2026-05-04", "expectedEndDate": "2026-09-30T12:00:00Z", "assignedTo": person,
    });
    let garage = id(&client, "/projects", &garage).await;
    let phase = json!({ "name": "Dig", "startDate": "2026-05-06", "endDate": "2026-05-05" });
    let phase = id(&client, &format!("/projects/{garage}/phases"), &phase).await;
    let task = json!({ "name": "Hole", "dueDate": "2026-05-05", "assignedTo": person });
    let task = id(&client, &format!("/projects/{garage}/tasks"), &task).await;
    let stage = id(&client, "/lead-stages", &json!({ "name": "Open" })).await;
    let lead = json!({ "name": "Shed", "stageId": stage, "expectedCloseDate": "2026-05-05", "assignedTo": person });
    let lead = id(&client, "/leads", &lead).await;
    let event = |kind: &str, id: &Value, title: &str, [start, end]: [&str; 2], mine: bool, project: &Value| {
        let [start, end] = [start, end].map(|date| format!("2026-{date}:00.000Z"));
        let assigned_to = if mine { json!(person) } else { json!(null) };
        json!({
            "id": id, "type": kind, "title": title, "start": start, "end": end, "projectId": project, "assignedTo": assigned_to,
        })
    };
    let none = json!(null);
    let expected = json!([
        event("project", &garage, "Garage", ["05-04T00:00", "09-30T12:00"], true, &garage),
        // Of those that begin at once, the larger first; and the earlier of two dates is the beginning.
        event("phase", &phase, "Garage: Dig", ["05-05T00:00", "05-06T00:00"], false, &garage),
        event("task", &task, "Hole", ["05-05T00:00", "05-05T00:00"], true, &garage),
        event("lead", &lead, "Lead: Shed", ["05-05T00:00", "05-05T00:00"], true, &none),
    ]);
    let events = client.get("/calendar/events?start=2026-05-01&end=2026-06-01").await;
    assert_eq!(events.data(200), &expected);
    for (query, expected) in [
        // Both ends count, and what spans all of the window.
        ("start=2026-05-05&end=2026-05-05", &["Garage", "Garage: Dig", "Hole", "Lead: Shed"][..]),
        ("start=2026-05-06&end=2026-05-06T00:00:00Z", &["Garage", "Garage: Dig"]),
        ("start=2026-07-01&end=2026-07-02", &["Garage"]),
        ("start=2026-09-30T12:00:00.001Z&end=2026-12-01", &[]),
        ("start=2026-01-01&end=2026-05-03T23:59:59Z", &[]),
        ("start=2026-05-01&end=2026-06-01&types=lead,phase", &["Garage: Dig", "Lead: Shed"]),
        ("start=2026-05-01&end=2026-06-01&types=activity,bid", &[]),
        ("start=2026-05-01&end=2026-06-01&assignedTo=9999", &[]),
        (
            "start=2026-05-01&end=2026-06-01&assignedTo=&projectId=null",
            &["Garage", "Garage: Dig", "Hole", "Lead: Shed"],
        ),
    ] {
        assert_eq!(titles(&client, query).await, expected, "{query}");
    }
    let may = "start=2026-05-01&end=2026-06-01";
    // A filter leaves out the types that have no such value.
    assert_eq!(titles(&client, &format!("{may}&assignedTo={person}")).await, ["Garage", "Hole", "Lead: Shed"]);
    assert_eq!(titles(&client, &format!("{may}&projectId={garage}")).await, ["Garage", "Garage: Dig", "Hole"]);
    // Without their scope leads are left out, also when they are asked for.
    let without = world.client(&["projects:read"]).await;
    assert_eq!(titles(&without, may).await, ["Garage", "Garage: Dig", "Hole"]);
    assert_eq!(titles(&without, &format!("{may}&types=lead")).await, [""; 0]);
    // What is won, lost, cancelled or deleted is not there, nor what belongs to it.
    for flag in ["isWon", "isLost"] {
        let closed = id(&client, "/lead-stages", &json!({ "name": "Closed", flag: true })).await;
        client.patch(&format!("/leads/{lead}"), &json!({ "stageId": closed })).await.data(200);
        assert_eq!(titles(&client, &format!("{may}&types=lead")).await, [""; 0], "{flag}");
    }
    client.patch(&format!("/leads/{lead}"), &json!({ "stageId": stage })).await.data(200);
    client.patch(&format!("/projects/{garage}"), &json!({ "status": "cancelled" })).await.data(200);
    assert_eq!(titles(&client, may).await, ["Lead: Shed"]);
    client.patch(&format!("/projects/{garage}"), &json!({ "status": "on_hold" })).await.data(200);
    assert_eq!(client.delete(&format!("/projects/{garage}/tasks/{task}")).await.status, 204);
    assert_eq!(titles(&client, may).await, ["Garage", "Garage: Dig", "Lead: Shed"]);
    for path in [format!("/projects/{garage}"), format!("/leads/{lead}")] {
        assert_eq!(client.delete(&path).await.status, 204);
    }
    assert_eq!(titles(&client, may).await, [""; 0]);
}

#[tokio::test]
async fn windows_have_two_ends_and_a_length() {
    let (_world, client) = start().await;
    for (query, named) in [
        ("", "`start`"),
        ("start=2026-05-01", "`end`"),
        ("start=2026-05-01&end=", "`end`"),
        ("start=May&end=2026-05-02", "`start`"),
        ("start=2026-05-02&end=2026-05-01", "`end` is before `start`"),
        ("start=2026-01-01&end=2027-01-02T00:00:00.001Z", "366"),
        ("start=2026-05-01&end=2026-05-02&types=task,milestone", "`types`"),
        ("start=2026-05-01&end=2026-05-02&assignedTo=me", "`assignedTo`"),
        ("start=2026-05-01&end=2026-05-02&limit=5", "`limit`"),
    ] {
        let refused = client.get(&format!("/calendar/events?{query}")).await;
        assert!(refused.problem(400, "bad_request").contains(named), "{query}: {refused}");
    }
    assert_eq!(titles(&client, "start=2026-01-01&end=2027-01-02").await, [""; 0]);
}

#[tokio::test]
async fn more_than_ten_thousand_are_too_many() {
    let (world, client) = start().await;
    let garage = project(&client, "Garage").await;
    let tasks = |from: i64, to: i64| {
        format!(
            "INSERT INTO project_tasks (tenant_id, project_id, name, status, priority, \"order\", due_date, created_at, updated_at)
             SELECT tenant_id, id, 'Task', 'todo', 'low', n, '2026-05-04', now(), now()
             FROM projects, generate_series({from}, {to}) AS n WHERE id = {garage}"
        )
    };
    world.sql(&tasks(1, 10_000)).await;
    let may = "/calendar/events?start=2026-05-01&end=2026-06-01";
    assert_eq!(client.get(may).await.data(200).as_array().map(Vec::len), Some(10_000));
    world.sql(&tasks(10_001, 10_001)).await;
    assert!(client.get(may).await.problem(400, "bad_request").contains("10000"));
}
