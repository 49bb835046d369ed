//! `/time-entries`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    projects::{each, user},
    site_logs::project,
};
use crate::support::{Client, World, send};

const ALL: &[&str] = &[
    "time_entries:read",
    "time_entries:write",
    "time_entries:delete",
    "projects:read",
    "projects:write",
    "projects:delete",
];

/// Those that a compact list leaves out.
const MINOR: [&str; 11] = [
    "notes",
    "entryType",
    "clockIn",
    "clockOut",
    "clockInAccuracyM",
    "clockOutLat",
    "clockOutLng",
    "clockOutAccuracyM",
    "createdBy",
    "reviewedBy",
    "reviewedAt",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn create(client: &Client, body: &Value) -> Value {
    client.post("/time-entries", body).await.data(201).clone()
}

fn path(entry: &Value) -> String {
    format!("/time-entries/{}", entry["id"])
}

async fn set_rate(world: &World, more: &[&str]) -> Value {
    world.bwp(&[&["rate", "set", "--tenant", &world.tenant], more].concat()).await
}

#[tokio::test]
async fn every_field_is_kept_and_shown() {
    let (world, client) = start().await;
    let (garage, person) = (project(&client, "Garage").await, user(&world, "NULL").await);
    let phase =
        client.post(&format!("/projects/{garage}/phases"), &json!({ "name": "Dig" })).await.data(201)["id"].clone();
    let task = json!({ "name": "Hole", "phaseId": phase });
    let task = client.post(&format!("/projects/{garage}/tasks"), &task).await.data(201)["id"].clone();
    set_rate(&world, &["--from", "2026-01-01", "42.50"]).await;
    let body = json!({
        "userId": person, "projectId": garage, "taskId": task, "date": "2026-05-04T22:00:00-05:00", "hours": 7.83,
        "notes": "Dug 🏗️", "entryType": "clock", "clockIn": "2026-05-04T12:00:00Z", "clockOut": "2026-05-04T20:00:00Z",
        "lat": 41.881_832, "lng": -87.623_177, "clockInAccuracyM": 12.5, "clockOutLat": 41.88, "clockOutLng": -87.62,
        "clockOutAccuracyM": 100_000, "isReviewed": false, "reviewedBy": null, "reviewedAt": null,
    });
    let made = create(&client, &body).await;
    let mut expected = body.clone();
    for (field, value) in [
        ("id", made["id"].clone()),
        ("phaseId", phase),
        ("date", json!("2026-05-04T00:00:00.000Z")),
        ("hours", json!("7.83")),
        ("hourlyRate", json!("42.50")),
        // 332.775, half a cent away from zero.
        ("totalCost", json!("332.78")),
        ("description", body["notes"].clone()),
        ("clockIn", json!("2026-05-04T12:00:00.000Z")),
        ("clockOut", json!("2026-05-04T20:00:00.000Z")),
        ("clockOutAccuracyM", json!(100_000.0)),
        ("createdBy", json!(null)),
        ("createdAt", made["createdAt"].clone()),
        ("updatedAt", made["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    let fields = |row: &Value| row.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!((&made, fields(&made)), (&expected, fields(&expected)));
    assert_eq!(client.get("/time-entries").await.data(200), &json!([expected]));
    let compact = client.get("/time-entries?compact=true").await;
    let left_out: BTreeSet<_> = fields(&made).difference(&fields(&compact.data(200)[0])).cloned().collect();
    assert_eq!(left_out, MINOR.map(str::to_owned).into());
    // There is no reading of one.
    let one = send(client.request(Method::GET, &path(&made))).await;
    one.problem(405, "bad_request");
    assert_eq!(one.header("allow"), "DELETE, PATCH");
    // Read, edit by the name that was sent, send back.
    let mut edited = made.clone();
    edited["notes"] = json!("Dug deeper");
    let changed = client.patch(&path(&made), &edited).await;
    (edited["description"], edited["updatedAt"]) = (json!("Dug deeper"), changed.data(200)["updatedAt"].clone());
    assert_eq!(changed.data(200), &edited);
    let previous = format!(
        "SELECT count(*) FROM activity WHERE resource = 'time entry' AND row_id = {} AND previous ->> 'description' = 'Dug 🏗️'",
        made["id"]
    );
    assert_eq!(world.number(&previous).await, 1);
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client.patch(&path(&made), &json!({ "hours": 1 })).await.problem(404, "not_found");
    assert!(world.events().await.iter().all(|event| !event.kind.starts_with("time")));
}

#[tokio::test]
async fn reviewed_entries_are_locked() {
    let (world, client) = start().await;
    let (garage, person) = (project(&client, "Garage").await, user(&world, "NULL").await);
    let body = json!({ "userId": person, "projectId": garage, "date": "2026-05-04", "hours": 8, "isReviewed": true });
    let made = create(&client, &body).await;
    let change = async |body: Value| client.patch(&path(&made), &body).await;
    assert!(change(json!({ "hours": 7 })).await.problem(409, "conflict").contains("`isReviewed: false`"));
    change(json!({ "isReviewed": false, "hours": 7 })).await.problem(409, "conflict");
    assert_eq!(change(made.clone()).await.data(200), &made);
    assert_eq!(change(json!({ "isReviewed": false })).await.data(200)["reviewedAt"], json!(null));
    assert_eq!(change(json!({ "hours": 7 })).await.data(200)["hours"], "7.00");
    change(json!({ "isReviewed": true })).await.data(200);
    assert_eq!(client.delete(&path(&made)).await.status, 204);
}

#[tokio::test]
async fn bad_values_are_refused_by_their_fields() {
    let (world, client) = start().await;
    let (garage, person) = (project(&client, "Garage").await, user(&world, "now()").await);
    // A former user worked.
    let made = create(&client, &json!({ "userId": person, "projectId": garage, "date": null, "hours": 0.25 })).await;
    for (body, field, code) in [
        (json!({ "hours": 0.2 }), "hours", "too_small"),
        (json!({ "hours": 24.5 }), "hours", "too_large"),
        (json!({ "hours": null }), "hours", "not_nullable"),
        (json!({ "date": "soon" }), "date", "invalid_format"),
        (json!({ "entryType": "x".repeat(21) }), "entryType", "too_long"),
        (json!({ "clockInAccuracyM": -1 }), "clockInAccuracyM", "too_small"),
        (json!({ "notes": "a", "description": "b" }), "notes", "invalid_value"),
        (json!({ "userId": 9_999 }), "userId", "not_found"),
        (json!({ "projectId": 9_999 }), "projectId", "not_found"),
        (json!({ "taskId": 9_999 }), "taskId", "not_found"),
        (json!({ "phaseId": 9_999 }), "phaseId", "not_found"),
        (json!({ "cost": 1 }), "cost", "unknown_field"),
    ] {
        client.patch(&path(&made), &body).await.refuses_fields(&[(field, code)]);
    }
}

#[tokio::test]
async fn lists_and_sums_are_of_what_fits() {
    let (world, client) = start().await;
    let empty = json!({
        "totals": { "entry_count": 0, "hours_total": "0.00", "cost_total": "0.00" }, "by_user": [], "by_project": [],
    });
    assert_eq!(client.get("/time-entries/summary").await.data(200), &empty);
    let (garage, shed) = (project(&client, "Garage").await, project(&client, "Shed").await);
    world.user(&world.tenant, "ada@example.com", "field_crew").await;
    world.sql("UPDATE accounts SET first_name = 'Ada', last_name = 'Byron'").await;
    let ada = world.number("SELECT max(id) FROM accounts").await;
    let other = user(&world, "now()").await;
    set_rate(&world, &["--from", "2026-01-01", "20"]).await;
    set_rate(&world, &["--user", "ada@example.com", "--from", "2026-05-01", "30.10"]).await;
    let on_garage = garage.to_string();
    set_rate(&world, &["--user", "ada@example.com", "--project", &on_garage, "--from", "2026-05-05", "50"]).await;
    for (notes, user, project, date, hours, reviewed) in [
        ("a", ada, garage, "2026-05-04", json!(0.1 + 0.2 + 0.03), true),
        ("b", ada, garage, "2026-05-05T23:30:00-10:00", json!("8.00"), false),
        ("c", ada, shed, "2026-05-05", json!(8), false),
        ("d", other, shed, "2026-05-06", json!(20), false),
        ("e", other, shed, "2025-12-31", json!(1), false),
        ("gone", other, shed, "2026-05-06", json!(5), false),
    ] {
        let body = json!({
            "userId": user, "projectId": project, "date": date, "hours": hours, "notes": notes, "isReviewed": reviewed,
        });
        let made = create(&client, &body).await;
        if notes == "gone" {
            assert_eq!(client.delete(&path(&made)).await.status, 204);
        }
    }
    // What is worked stays, and its names, when the project goes and the people leave.
    assert_eq!(client.delete(&format!("/projects/{shed}")).await.status, 204);
    let expected = json!({
        // 0.33 h at 30.10, 8 h at 50, 8 h at 30.10, 20 h at 20, and one hour from before the first rate.
        "totals": { "entry_count": 5, "hours_total": "37.33", "cost_total": "1050.73" },
        "by_user": [
            { "userId": other, "firstName": null, "lastName": null, "hours_total": "21.00", "cost_total": "400.00" },
            { "userId": ada, "firstName": "Ada", "lastName": "Byron", "hours_total": "16.33", "cost_total": "650.73" },
        ],
        "by_project": [
            { "projectId": shed, "projectName": "Shed", "hours_total": "29.00", "cost_total": "640.80" },
            { "projectId": garage, "projectName": "Garage", "hours_total": "8.33", "cost_total": "409.93" },
        ],
    });
    assert_eq!(client.get("/time-entries/summary").await.data(200), &expected);
    let (at_garage, by_ada) = (format!("projectId={garage}"), format!("userId={ada}"));
    for (query, notes, hours) in [
        ("", &["e", "d", "c", "b", "a"][..], "37.33"),
        (at_garage.as_str(), &["b", "a"], "8.33"),
        (by_ada.as_str(), &["c", "b", "a"], "16.33"),
        ("dateFrom=2026-05-05&dateTo=2026-05-05", &["c", "b"], "16.00"),
        ("dateFrom=2026-05-05T23:59:59Z&userId=", &["d", "c", "b"], "36.00"),
        ("dateTo=2026-01-01&projectId=null", &["e"], "1.00"),
        ("userId=9999", &[], "0.00"),
    ] {
        let listed = client.get(&format!("/time-entries?{query}")).await;
        assert_eq!(each(listed.data(200), "notes"), notes, "{query}");
        let sums = client.get(&format!("/time-entries/summary?{query}")).await;
        assert_eq!(sums.data(200)["totals"]["hours_total"], hours, "{query}");
        assert_eq!(sums.data(200)["totals"]["entry_count"], notes.len(), "{query}");
    }
    for (query, notes) in [("isReviewed=true", &["a"][..]), ("isReviewed=false", &["e", "d", "c", "b"])] {
        assert_eq!(each(client.get(&format!("/time-entries?{query}")).await.data(200), "notes"), notes, "{query}");
    }
    for query in ["userId=x", "projectId=1.5", "dateFrom=today", "search=a"] {
        client.get(&format!("/time-entries?{query}")).await.problem(400, "bad_request");
        client.get(&format!("/time-entries/summary?{query}")).await.problem(400, "bad_request");
    }
    client.get("/time-entries?isReviewed=maybe").await.problem(400, "bad_request");
    client.get("/time-entries/summary?isReviewed=true").await.problem(400, "bad_request");
}

#[tokio::test]
async fn today_is_the_tenants() {
    let (world, client) = start().await;
    let (garage, person) = (project(&client, "Garage").await, user(&world, "NULL").await);
    // Two zones of which one is a day ahead of the other, always.
    for zone in ["Pacific/Pago_Pago", "Pacific/Kiritimati"] {
        world.bwp(&["tenant", "set-time-zone", &world.tenant, zone]).await;
        let today =
            async || world.number(&format!("SELECT extract(epoch FROM (now() AT TIME ZONE '{zone}')::date)")).await;
        let (before, body) =
            (today().await, json!({ "userId": person, "projectId": garage, "date": null, "hours": 1 }));
        let made = create(&client, &body).await;
        let day =
            chrono::DateTime::parse_from_rfc3339(made["date"].as_str().expect("a day")).expect("a day").timestamp();
        assert!((before..=today().await).contains(&day), "{zone}: {made}");
    }
}
