//! `/projects`

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::contacts::create_named;
use crate::support::{Client, World};

const ALL: &[&str] =
    &["projects:read", "projects:write", "projects:delete", "contacts:read", "contacts:write", "contacts:delete"];

/// Those that a compact list leaves out.
const MINOR: [&str; 4] = ["siteCity", "siteState", "siteZipCode", "leadId"];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn create(client: &Client, body: &Value) -> Value {
    client.post("/projects", body).await.data(201).clone()
}

fn path(project: &Value) -> String {
    format!("/projects/{}", project["id"])
}

/// A user of the first tenant's.
pub(super) async fn user(world: &World, deactivated_at: &str) -> i64 {
    let make = format!(
        "WITH account AS (
             INSERT INTO accounts (email, password_hash, created_at) VALUES (gen_random_uuid(), 'x', now()) RETURNING id
         )
         INSERT INTO users (tenant_id, account_id, role, created_at, deactivated_at)
         SELECT (SELECT min(id) FROM tenants), id, 'member', now(), {deactivated_at} FROM account"
    );
    world.sql(&make).await;
    world.number("SELECT max(id) FROM accounts").await
}

/// The values of a field in a list.
pub(super) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().map(|row| row[field].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn every_field_is_kept_and_shown() {
    let (world, client) = start().await;
    let (contact, person) = (create_named(&client, "Acme").await, user(&world, "NULL").await);
    let mut body = json!({
        "name": "Garage 🏗️", "projectNumber": "2026-7", "contactId": contact, "projectType": "something else",
        "status": "closeout", "priority": "whenever", "startDate": "2026-05-04",
        "expectedEndDate": "2026-09-30T12:00:00+02:00", "actualEndDate": null, "contractValue": 250_000.5,
        "originalContractValue": "200000", "description": "", "siteAddress": "12 Elm Street", "siteCity": "Springfield",
        "siteState": "IL", "siteZipCode": "62701", "assignedTo": person,
    });
    // What only conversions set, and what the server sets, is ignored.
    for ignored in ["bidId", "leadId", "id"] {
        body[ignored] = json!(77);
    }
    let made = create(&client, &body).await;
    let mut expected = body.clone();
    for (field, value) in [
        ("id", made["id"].clone()),
        ("bidId", json!(null)),
        ("leadId", json!(null)),
        ("startDate", json!("2026-05-04T00:00:00.000Z")),
        ("expectedEndDate", json!("2026-09-30T10:00:00.000Z")),
        ("contractValue", json!("250000.50")),
        ("originalContractValue", json!("200000.00")),
        ("createdAt", made["createdAt"].clone()),
        ("updatedAt", made["createdAt"].clone()),
    ] {
        expected[field] = value;
    }
    let fields = |row: &Value| row.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!((&made, fields(&made)), (&expected, fields(&expected)));
    assert_eq!(client.get(&path(&made)).await.data(200), &expected);
    assert_eq!(client.get("/projects").await.data(200), &json!([expected]));
    let many = client.post("/projects/get-many", &json!({ "ids": [9_999, made["id"]] })).await;
    assert_eq!((many.data(200), &many.json["meta"]["returned"]), (&json!([expected]), &json!(1)));
    assert_eq!(client.get("/projects/count").await.data(200), &json!({ "total": 1 }));
    let compact = client.get("/projects?compact=true").await;
    let left_out: BTreeSet<_> = fields(&made).difference(&fields(&compact.data(200)[0])).cloned().collect();
    assert_eq!(left_out, MINOR.map(str::to_owned).into());
    // Read, edit, send back.
    let mut edited = made.clone();
    edited["name"] = json!("Shed");
    let changed = client.patch(&path(&made), &edited).await;
    edited["updatedAt"] = changed.data(200)["updatedAt"].clone();
    assert_eq!(changed.data(200), &edited);
}

#[tokio::test]
async fn bad_values_are_refused_by_their_fields() {
    let (_world, client) = start().await;
    let made = create(&client, &json!({ "name": "Garage" })).await;
    for (body, field, code) in [
        (json!({ "status": "planned" }), "status", "invalid_value"),
        (json!({ "status": "active" }), "status", "invalid_value"),
        (json!({ "status": null }), "status", "not_nullable"),
        (json!({ "name": "" }), "name", "too_short"),
        (json!({ "name": "x".repeat(501) }), "name", "too_long"),
        (json!({ "projectNumber": null }), "projectNumber", "not_nullable"),
        (json!({ "projectNumber": "" }), "projectNumber", "too_short"),
        (json!({ "contractValue": -1 }), "contractValue", "too_small"),
        (json!({ "contractValue": "1,000" }), "contractValue", "invalid_format"),
        (json!({ "startDate": "next week" }), "startDate", "invalid_format"),
        (json!({ "templateId": 1 }), "templateId", "unknown_field"),
        (json!({ "contactId": 9_999 }), "contactId", "not_found"),
        (json!({ "assignedTo": 9_999 }), "assignedTo", "not_found"),
    ] {
        client.patch(&path(&made), &body).await.refuses_fields(&[(field, code)]);
    }
    client
        .post("/projects", &json!({ "status": "planned" }))
        .await
        .refuses_fields(&[("name", "required"), ("status", "invalid_value")]);
}

#[tokio::test]
async fn numbers_run_on_without_a_gap() {
    let (world, client) = start().await;
    let number = async |body: Value| create(&client, &body).await["projectNumber"].clone();
    assert_eq!(number(json!({ "name": "a" })).await, "P00001");
    assert_eq!(number(json!({ "name": "b", "projectNumber": null })).await, "P00002");
    // What is refused takes none, and neither does a number of one's own.
    client
        .post("/projects", &json!({ "name": "c", "contactId": 9_999 }))
        .await
        .refuses_fields(&[("contactId", "not_found")]);
    assert_eq!(number(json!({ "name": "c", "projectNumber": "C-1" })).await, "C-1");
    // One that a project has is skipped, and what was sent is not looked at.
    assert_eq!(number(json!({ "name": "d", "projectNumber": "p00003" })).await, "p00003");
    assert_eq!(number(json!({ "name": "e", "projectNumber": "P00004" })).await, "P00004");
    assert_eq!(number(json!({ "name": "f", "projectNumber": "P00001" })).await, "P00001");
    let next = create(&client, &json!({ "name": "g", "projectNumber": "" })).await;
    assert_eq!(next["projectNumber"], "P00005");
    // A deleted project keeps no number from being given, and its own is not given again.
    let sixth = create(&client, &json!({ "name": "h", "projectNumber": "P00006" })).await;
    for project in [&sixth, &next] {
        assert_eq!(client.delete(&path(project)).await.status, 204);
    }
    assert_eq!(number(json!({ "name": "i" })).await, "P00006");
    // Five digits or more, after the tenant's own prefix.
    world.sql("UPDATE document_numbers SET prefix = 'JOB-', last = 99999").await;
    assert_eq!(number(json!({ "name": "j" })).await, "JOB-100000");
    let other = world.client_of(&world.another_tenant().await, ALL).await;
    assert_eq!(create(&other, &json!({ "name": "k" })).await["projectNumber"], "P00001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_at_once_have_sixty_four_numbers() {
    let (_world, client) = start().await;
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let client = client.clone();
        calls.spawn(async move { client.post("/projects", &json!({ "name": format!("Garage {n}") })).await });
    }
    let answers = calls.join_all().await;
    let numbers: BTreeSet<_> = answers.iter().map(|answer| answer.data(201)["projectNumber"].to_string()).collect();
    let expected: BTreeSet<_> = (1..=64).map(|n| format!("\"P{n:05}\"")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn references_are_live_when_they_are_set_and_may_end_later() {
    let (world, client) = start().await;
    let (acme, gone) = (create_named(&client, "Acme").await, create_named(&client, "Gone").await);
    assert_eq!(client.delete(&format!("/contacts/{gone}")).await.status, 204);
    let (active, former) = (user(&world, "NULL").await, user(&world, "now()").await);
    let refused = client.post("/projects", &json!({ "name": "a", "contactId": gone, "assignedTo": former })).await;
    refused.refuses_fields(&[("contactId", "not_found"), ("assignedTo", "not_found")]);
    let made = create(&client, &json!({ "name": "a", "contactId": acme, "assignedTo": active })).await;
    assert_eq!(client.delete(&format!("/contacts/{acme}")).await.status, 204);
    world.sql("UPDATE users SET deactivated_at = now()").await;
    let again = json!({ "name": "b", "contactId": acme, "assignedTo": active });
    let changed = client.patch(&path(&made), &again).await;
    assert_eq!((&changed.data(200)["contactId"], &changed.data(200)["name"]), (&json!(acme), &json!("b")));
    client.patch(&path(&made), &json!({ "contactId": gone })).await.refuses_fields(&[("contactId", "not_found")]);
    let cleared = client.patch(&path(&made), &json!({ "contactId": null })).await;
    assert_eq!(cleared.data(200)["contactId"], json!(null));
}

#[tokio::test]
async fn lists_and_counts_are_filtered() {
    let (_world, client) = start().await;
    let acme = create_named(&client, "Acme").await;
    for body in [
        json!({ "name": "Garage", "status": "on_hold", "contactId": acme, "description": "of bricks" }),
        json!({ "name": "Shed", "status": "on_hold", "projectNumber": "BRICK-1" }),
        json!({ "name": "Brick oven", "contactId": acme }),
        json!({ "name": "Pool", "siteAddress": "Brick Lane" }),
    ] {
        create(&client, &body).await;
    }
    let contact = format!("contactId={acme}");
    let both = format!("status=on_hold&{contact}");
    for (query, expected) in [
        ("", &["Pool", "Brick oven", "Shed", "Garage"][..]),
        ("status=on_hold", &["Shed", "Garage"]),
        ("status=completed", &[]),
        (contact.as_str(), &["Brick oven", "Garage"]),
        ("contactId=", &["Pool", "Brick oven", "Shed", "Garage"]),
        ("contactId=9999", &[]),
        (both.as_str(), &["Garage"]),
        ("search=bRICK", &["Brick oven", "Shed", "Garage"]),
        ("search=p00001", &["Garage"]),
        ("dateTo=2020-01-01T00:00:00Z", &[]),
        ("updatedFrom=2020-01-01T00:00:00Z&limit=100", &["Pool", "Brick oven", "Shed", "Garage"]),
    ] {
        let listed = client.get(&format!("/projects?{query}")).await;
        assert_eq!(each(listed.data(200), "name"), expected, "{query}");
        let counted = client.get(&format!("/projects/count?{}", query.replace("&limit=100", ""))).await;
        assert_eq!(counted.data(200)["total"], expected.len(), "{query}");
    }
    for query in ["status=active", "status=planned", "contactId=x", "assignedTo=1", "dateFrom=2026-01-01"] {
        client.get(&format!("/projects?{query}")).await.problem(400, "bad_request");
        client.get(&format!("/projects/count?{query}")).await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn changes_are_told_and_kept_as_activity() {
    let (world, client) = start().await;
    let made = create(&client, &json!({ "name": "Garage", "status": "on_hold" })).await;
    for _ in 0..2 {
        // The second time nothing changes.
        client.patch(&path(&made), &json!({ "status": "completed", "name": "Shed" })).await.data(200);
    }
    client
        .post("/projects", &json!({ "name": "Refused", "contactId": 9_999 }))
        .await
        .refuses_fields(&[("contactId", "not_found")]);
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client.delete(&path(&made)).await.problem(404, "not_found");
    let events = world.events().await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["project.created", "project.updated", "project.status_changed", "project.deleted"]);
    assert_eq!((&events[0].data, &events[0].previous_attributes), (&made, &None));
    let previous = events[1].previous_attributes.as_ref().expect("old values");
    let expected = json!({
        "name": "Garage", "status": "on_hold", "actualEndDate": null, "updatedAt": made["updatedAt"].clone(),
    });
    assert_eq!(previous, &expected);
    assert_eq!(events[2].previous_attributes, Some(json!({ "status": "on_hold" })));
    assert_eq!((&events[1].data, &events[1].data), (&events[2].data, &events[3].data));
    for (action, previous) in
        [("created", "previous IS NULL"), ("updated", "previous ->> 'name' = 'Garage'"), ("deleted", "true")]
    {
        let kept = format!(
            "SELECT count(*) FROM activity WHERE resource = 'project' AND row_id = {} AND action = '{action}'
             AND key_id = (SELECT max(id) FROM api_keys) AND account_id IS NULL AND {previous}",
            made["id"]
        );
        assert_eq!(world.number(&kept).await, 1, "{action}");
    }
    assert_eq!(world.number("SELECT count(*) FROM activity").await, 3);
}

#[tokio::test]
async fn deleting_takes_nothing_with_it() {
    let (world, client) = start().await;
    let made = create(&client, &json!({ "name": "Garage" })).await;
    let phase = format!(
        "INSERT INTO project_phases (tenant_id, project_id, name, status, \"order\", created_at, updated_at)
         SELECT tenant_id, id, 'Dig', 'pending', 1, now(), now() FROM projects WHERE id = {0};
         INSERT INTO project_tasks
             (tenant_id, project_id, phase_id, name, status, priority, \"order\", created_at, updated_at)
         SELECT tenant_id, project_id, id, 'Hole', 'todo', 'high', 1, now(), now() FROM project_phases",
        made["id"]
    );
    world.sql(&phase).await;
    assert_eq!(client.delete(&path(&made)).await.status, 204);
    client.get(&path(&made)).await.problem(404, "not_found");
    client.patch(&path(&made), &json!({ "name": "Shed" })).await.problem(404, "not_found");
    assert_eq!(client.get("/projects").await.data(200), &json!([]));
    assert_eq!(world.number("SELECT count(*) FROM project_tasks JOIN project_phases USING (project_id)").await, 1);
}

#[tokio::test]
async fn sums_are_of_what_fits() {
    let (world, client) = start().await;
    let empty = json!({
        "totals": {
            "count": 0, "contract_value_total": "0.00", "approved_co_delta_total": "0.00", "overdue_count": 0,
        },
        "by_status": [], "by_type": [],
    });
    assert_eq!(client.get("/projects/summary").await.data(200), &empty);
    let (acme, person) = (create_named(&client, "Acme").await, user(&world, "NULL").await);
    for body in [
        json!({ "name": "a", "contractValue": "0.1", "projectType": "commercial", "contactId": acme }),
        json!({ "name": "b", "contractValue": 0.2, "projectType": "residential", "status": "on_hold" }),
        json!({ "name": "c", "projectType": "residential", "status": "on_hold", "assignedTo": person }),
        json!({ "name": "d", "contractValue": "9999999999999.99", "status": "cancelled" }),
        json!({ "name": "e", "contractValue": "9999999999999.99", "status": "cancelled" }),
        json!({ "name": "f", "contractValue": 5, "status": "cancelled" }),
        json!({ "name": "gone", "contractValue": 7 }),
    ] {
        let made = create(&client, &body).await;
        if body["name"] == "gone" {
            assert_eq!(client.delete(&path(&made)).await.status, 204);
        }
    }
    let expected = json!({
        "totals": {
            "count": 6, "contract_value_total": "20000000000005.28", "approved_co_delta_total": "0.00",
            "overdue_count": 0,
        },
        "by_status": [
            { "status": "planning", "count": 1, "contract_value_total": "0.10" },
            { "status": "on_hold", "count": 2, "contract_value_total": "0.20" },
            { "status": "cancelled", "count": 3, "contract_value_total": "20000000000004.98" },
        ],
        // Without a type, and last although they are the most.
        "by_type": [
            { "project_type": "residential", "count": 2, "contract_value_total": "0.20" },
            { "project_type": "commercial", "count": 1, "contract_value_total": "0.10" },
            { "project_type": null, "count": 3, "contract_value_total": "20000000000004.98" },
        ],
    });
    assert_eq!(client.get("/projects/summary").await.data(200), &expected);
    for (query, count) in [
        (format!("contactId={acme}"), 1),
        (format!("assignedTo={person}"), 1),
        (format!("contactId={acme}&assignedTo={person}"), 0),
        ("contactId=9999".to_owned(), 0),
        ("dateFrom=2020-01-01T00:00:00Z".to_owned(), 6),
        ("dateTo=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let sums = client.get(&format!("/projects/summary?{query}")).await;
        assert_eq!(sums.data(200)["totals"]["count"], count, "{query}");
    }
    for (query, field) in
        [("contactId=x", "contactId"), ("assignedTo=0", "assignedTo"), ("dateFrom=2026-01-01", "dateFrom")]
    {
        client.get(&format!("/projects/summary?{query}")).await.refuses_fields(&[(field, "invalid_value")]);
    }
    client.get("/projects/summary?status=planning").await.problem(400, "bad_request");
}

#[tokio::test]
async fn what_is_overdue_goes_by_the_tenants_day() {
    let (world, client) = start().await;
    // Two zones of which one is a day ahead of the other, always.
    let day = async |zone: &str, days: i64| {
        let sql = format!("SELECT extract(epoch FROM (now() AT TIME ZONE '{zone}')::date + {days})");
        world.number(&sql).await
    };
    let (behind, ahead) = ("Pacific/Pago_Pago", "Pacific/Kiritimati");
    let date = |seconds: i64| chrono::DateTime::from_timestamp(seconds, 0).expect("a time").date_naive().to_string();
    let yesterday_there = date(day(ahead, -1).await);
    for (status, end) in [
        ("planning", yesterday_there.clone()),
        ("closeout", date(day(behind, -1).await)),
        ("completed", date(day(behind, -9).await)),
        ("cancelled", date(day(behind, -9).await)),
        ("planning", date(day(ahead, 0).await)),
    ] {
        create(&client, &json!({ "name": "Garage", "status": status, "expectedEndDate": end })).await;
    }
    create(&client, &json!({ "name": "No end" })).await;
    for (zone, expected) in [(ahead, 2), (behind, 1)] {
        world.bwp(&["tenant", "set-time-zone", &world.tenant, zone]).await;
        let sums = client.get("/projects/summary").await;
        assert_eq!(sums.data(200)["totals"]["overdue_count"], expected, "{zone}");
        let done = create(&client, &json!({ "name": "Done", "status": "completed" })).await;
        let today = done["actualEndDate"].as_str().expect("a date").to_owned();
        assert_eq!(today, format!("{}T00:00:00.000Z", date(day(zone, 0).await)), "{zone}");
    }
}
