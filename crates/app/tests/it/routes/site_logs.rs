//! `/site-logs`

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::projects::{each, user};
use crate::support::{Client, World};

const ALL: &[&str] =
    &["site_logs:read", "site_logs:write", "site_logs:delete", "projects:read", "projects:write", "projects:delete"];

/// Those that a compact list leaves out.
const MINOR: [&str; 3] = ["reviewedBy", "reviewedAt", "createdBy"];

async fn start() -> (World, Client, i64) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let person = user(&world, "NULL").await;
    (world, client, person)
}

pub(super) async fn project(client: &Client, name: &str) -> i64 {
    let made = client.post("/projects", &json!({ "name": name })).await;
    made.data(201)["id"].as_i64().expect("an id")
}

async fn create(client: &Client, body: &Value) -> Value {
    client.post("/site-logs", body).await.data(201).clone()
}

fn path(log: &Value) -> String {
    format!("/site-logs/{}", log["id"])
}

#[tokio::test]
async fn every_field_is_kept_and_shown() {
    let (world, client, person) = start().await;
    let project = project(&client, "Garage").await;
    let body = json!({
        "projectId": project, "logDate": "2026-05-04T22:00:00-05:00", "title": "Pour", "notes": "", "personnelCount": 6,
        "workPerformed": "Slab 🏗️", "materialsReceived": "Rebar", "visitorsOnSite": "Inspector", "issues": null,
        "tags": ["Safety", "delay"], "lat": 41.881_832, "lng": -87.623_177, "isReviewed": true, "reviewedBy": person,
        "reviewedAt": "2026-05-05T08:00:00+02:00", "createdBy": person,
    });
    let made = create(&client, &body).await;
    let mut expected = body.clone();
    for (field, value) in [
        ("id", made["id"].clone()),
        ("logDate", json!("2026-05-04T00:00:00.000Z")),
        ("reviewedAt", json!("2026-05-05T06:00:00.000Z")),
        ("createdAt", made["createdAt"].clone()),
        ("updatedAt", made["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    let fields = |row: &Value| row.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!((&made, fields(&made)), (&expected, fields(&expected)));
    assert_eq!(client.get(&path(&made)).await.data(200), &expected);
    assert_eq!(client.get("/site-logs").await.data(200), &json!([expected]));
    let compact = client.get("/site-logs?compact=true").await;
    let left_out: BTreeSet<_> = fields(&made).difference(&fields(&compact.data(200)[0])).cloned().collect();
    assert_eq!(left_out, MINOR.map(str::to_owned).into());
    // Read, edit, send back: the author stays, also when they have left and the project is gone.
    assert_eq!(client.delete(&format!("/projects/{project}")).await.status, 204);
    world.sql("UPDATE users SET deactivated_at = now()").await;
    let mut edited = made.clone();
    (edited["title"], edited["createdBy"]) = (json!("Pour, again"), json!(999));
    let changed = client.patch(&path(&made), &edited).await;
    (edited["updatedAt"], edited["createdBy"]) = (changed.data(200)["updatedAt"].clone(), json!(person));
    assert_eq!(changed.data(200), &edited);
    // A new log is of a project that is there; a former user may have written it.
    let gone = client.post("/site-logs", &body).await;
    gone.refuses_fields(&[("projectId", "not_found")]);
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client.get(&path(&made)).await.problem(404, "not_found");
    let kept = format!("SELECT count(*) FROM activity WHERE resource = 'site log' AND row_id = {}", made["id"]);
    assert_eq!(
        (world.number(&kept).await, world.events().await.iter().any(|event| event.kind.contains("log"))),
        (3, false)
    );
}

#[tokio::test]
async fn bad_values_are_refused_by_their_fields() {
    let (_world, client, person) = start().await;
    let project = project(&client, "Garage").await;
    let good = json!({ "projectId": project, "logDate": "2026-05-04", "notes": "Dry.", "createdBy": person });
    let made = create(&client, &good).await;
    for (body, field, code) in [
        (json!({ "logDate": "yesterday" }), "logDate", "invalid_format"),
        (json!({ "logDate": null }), "logDate", "not_nullable"),
        (json!({ "notes": null }), "notes", "not_nullable"),
        (json!({ "tags": "safety" }), "tags", "invalid_type"),
        (json!({ "tags": ["x".repeat(101)] }), "tags", "too_long"),
        (json!({ "personnelCount": 1.5 }), "personnelCount", "invalid_type"),
        (json!({ "lat": 91 }), "lat", "too_large"),
        (json!({ "reviewedBy": person }), "reviewedBy", "invalid_value"),
        (json!({ "isReviewed": true, "reviewedBy": 9_999 }), "reviewedBy", "not_found"),
        (json!({ "projectId": 9_999 }), "projectId", "not_found"),
        (json!({ "weather": "dry" }), "weather", "unknown_field"),
    ] {
        client.patch(&path(&made), &body).await.refuses_fields(&[(field, code)]);
    }
    client.post("/site-logs", &json!({})).await.refuses_fields(&[
        ("projectId", "required"),
        ("logDate", "required"),
        ("notes", "required"),
        ("createdBy", "required"),
    ]);
    // Whose text it is does not matter to the database.
    client.get("/site-logs?tag=%00").await.problem(400, "bad_request");
}

#[tokio::test]
async fn lists_are_filtered() {
    let (_world, client, person) = start().await;
    let (garage, shed) = (project(&client, "Garage").await, project(&client, "Shed").await);
    for (title, project, day, more) in [
        ("a", garage, "2026-05-03", json!({ "tags": ["Safety"], "isReviewed": true })),
        ("b", garage, "2026-05-04", json!({ "tags": ["safety first", "DELAY"], "issues": "Rain in the pit" })),
        ("c", shed, "2026-05-05T23:00:00-09:00", json!({ "notes": "Sunny", "visitorsOnSite": "The pit boss" })),
    ] {
        let mut body =
            json!({ "projectId": project, "logDate": day, "notes": "Dry", "createdBy": person, "title": title });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        create(&client, &body).await;
    }
    let of_garage = format!("projectId={garage}");
    for (query, expected) in [
        ("", &["c", "b", "a"][..]),
        (of_garage.as_str(), &["b", "a"]),
        ("projectId=&dateFrom=&tag=", &["c", "b", "a"]),
        ("projectId=9999", &[]),
        ("dateFrom=2026-05-04", &["c", "b"]),
        ("dateTo=2026-05-04", &["b", "a"]),
        ("dateFrom=2026-05-05T23:59:59Z&dateTo=2026-05-05T00:00:00-12:00", &["c"]),
        ("tag=SAFETY", &["a"]),
        ("tag=delay", &["b"]),
        ("tag=fire", &[]),
        ("reviewed=true", &["a"]),
        ("reviewed=false", &["c", "b"]),
        ("search=PIT", &["c", "b"]),
        ("search=sunny", &["c"]),
        ("search=garage", &["b", "a"]),
    ] {
        let listed = client.get(&format!("/site-logs?{query}")).await;
        assert_eq!(each(listed.data(200), "title"), expected, "{query}");
    }
    for query in ["reviewed=yes", "projectId=x", "dateFrom=today", "dateTo=2026-13-01", "isReviewed=true"] {
        client.get(&format!("/site-logs?{query}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn of_one_day_there_may_be_several() {
    let (_world, client, person) = start().await;
    let project = project(&client, "Garage").await;
    let body = json!({ "projectId": project, "logDate": "2026-05-04", "notes": "Dry.", "createdBy": person });
    let (one, other) = (create(&client, &body).await, create(&client, &body).await);
    assert_ne!(one["id"], other["id"]);
    assert_eq!(client.get("/site-logs").await.data(200), &json!([other, one]));
}
