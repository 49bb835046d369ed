//! `/change-orders`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Client, World, insist, send};

const ALL: &[&str] = &[
    "change_orders:read",
    "change_orders:write",
    "change_orders:delete",
    "change_orders:approve",
    "change_orders:send",
    "projects:read",
    "projects:write",
    "projects:delete",
    "contacts:write",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn project(client: &Client) -> Value {
    let body = json!({ "name": "Garage", "originalContractValue": "75000" });
    client.post("/projects", &body).await.data(201).clone()
}

async fn create(client: &Client, project: &Value) -> Value {
    let body = json!({ "projectId": project["id"], "title": "Door", "reason": "customer_request" });
    client.post("/change-orders", &body).await.data(201).clone()
}

fn path(order: &Value) -> String {
    format!("/change-orders/{}", order["id"])
}

async fn add(client: &Client, order: &Value, body: &Value) -> Value {
    client.post(&format!("{}/line-items", path(order)), body).await.data(201).clone()
}

async fn get(client: &Client, order: &Value) -> Value {
    client.get(&path(order)).await.data(200).clone()
}

async fn step(client: &Client, order: &Value, name: &str, body: Option<Value>) -> Answer {
    let request = client.request(Method::POST, &format!("{}/{name}", path(order)));
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn contract_value(client: &Client, project: &Value) -> Value {
    client.get(&format!("/projects/{}", project["id"])).await.data(200)["contractValue"].clone()
}

#[tokio::test]
async fn the_recipe_moves_the_contract_and_voiding_moves_it_back() {
    let (world, client) = start().await;
    let project = project(&client).await;
    let order = create(&client, &project).await;
    assert_eq!((&order["changeOrderNumber"], &order["totalAmount"]), (&json!("CO-001"), &json!("0.00")));
    step(&client, &order, "submit", None).await.problem(409, "conflict");
    add(&client, &order, &json!({ "description": "Door", "amount": 4800 })).await;
    let removed =
        add(&client, &order, &json!({ "changeType": "remove", "quantity": "2", "unitPrice": "100.005" })).await;
    assert_eq!(removed["amount"], "-200.01");
    let shown = get(&client, &order).await;
    assert_eq!(
        (&shown["totalAmount"], &shown["total"], &shown["items"][1]["id"]),
        (&json!("4599.99"), &json!("4599.99"), &removed["id"])
    );
    assert_eq!((&shown["project"]["id"], &shown["additions"]), (&project["id"], &json!("4800.00")));
    assert_eq!(client.patch(&path(&order), &shown).await.data(200)["updatedAt"], shown["updatedAt"]);
    let submitted = step(&client, &order, "submit", None).await;
    assert_eq!(submitted.data(200)["status"], "submitted");
    client.patch(&path(&order), &json!({ "title": "x" })).await.problem(409, "conflict");
    step(&client, &order, "reject", Some(json!({}))).await.refuses_fields(&[("reason", "required")]);
    let rejected = step(&client, &order, "reject", Some(json!({ "reason": "Too expensive" }))).await;
    assert_eq!(rejected.data(200)["rejectionReason"], "Too expensive");
    let again = step(&client, &order, "submit", None).await;
    assert_eq!((&again.data(200)["rejectionReason"], &again.json["data"]["rejectedAt"]), (&Value::Null, &Value::Null));
    let told = world.events().await.len();
    let approved = step(&client, &order, "approve", None).await;
    assert!(approved.data(200)["approvedBy"].as_str().is_some_and(|name| !name.is_empty()), "the caller");
    assert_eq!(contract_value(&client, &project).await, "79599.99");
    let delta = async |query: &str| {
        let summary = client.get(&format!("/projects/summary?{query}")).await;
        summary.data(200)["totals"]["approved_co_delta_total"].clone()
    };
    assert_eq!((delta("").await, delta("contactId=1").await), (json!("4599.99"), json!("0.00")));
    let events = world.events().await.split_off(told);
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["change_order.approved", "project.updated"]);
    assert_eq!(events[1].previous_attributes.as_ref().expect("what was")["contractValue"], "75000.00");
    client.delete(&path(&order)).await.problem(409, "conflict");
    let void = step(&client, &order, "void", Some(json!({ "reason": "A mistake" }))).await;
    assert_eq!(void.data(200)["status"], "void");
    assert_eq!(contract_value(&client, &project).await, "75000.00");
    assert_eq!(client.delete(&path(&order)).await.status, 204);
}

#[tokio::test]
async fn steps_are_taken_in_their_states_and_leave_no_trace_in_others() {
    let (world, client) = start().await;
    let project = project(&client).await;
    for (name, from) in [
        ("submit", &["draft", "rejected"][..]),
        ("approve", &["submitted"]),
        ("reject", &["submitted"]),
        ("void", &["approved"]),
    ] {
        for status in ["draft", "submitted", "approved", "rejected", "void"] {
            let order = create(&client, &project).await;
            add(&client, &order, &json!({ "amount": "1" })).await;
            world.sql(&format!("UPDATE change_orders SET status = '{status}' WHERE id = {}", order["id"])).await;
            let (before, value) = (get(&client, &order).await, contract_value(&client, &project).await);
            let told = world.events().await.len();
            let answer = step(
                &client,
                &order,
                name,
                Some(json!({ "reason": "x" })).filter(|_| name != "submit" && name != "approve"),
            )
            .await;
            if from.contains(&status) {
                answer.data(200);
            } else {
                assert!(answer.problem(409, "conflict").contains(status), "{name} {status}");
                assert_eq!((get(&client, &order).await, contract_value(&client, &project).await), (before, value));
                assert_eq!(world.events().await.len(), told, "{name} {status}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let (_world, client) = start().await;
    client.post("/change-orders", &json!({})).await.refuses_fields(&[
        ("projectId", "required"),
        ("title", "required"),
        ("reason", "required"),
    ]);
    let project = project(&client).await;
    let order = create(&client, &project).await;
    for (field, value, code) in [
        ("reason", json!("because"), "invalid_value"),
        ("title", json!(""), "too_short"),
        ("status", json!("approved"), "read_only"),
        ("amount", json!("5"), "unknown_field"),
    ] {
        client.patch(&path(&order), &json!({ field: value })).await.refuses_fields(&[(field, code)]);
    }
    for (field, value, code) in [
        ("changeType", json!("double"), "invalid_value"),
        ("unitPrice", json!(5), "invalid_type"),
        ("amount", json!("five"), "invalid_format"),
        ("bidLineItemId", json!(999_999), "not_found"),
    ] {
        let answer = client.post(&format!("{}/line-items", path(&order)), &json!({ field: value })).await;
        answer.refuses_fields(&[(field, code)]);
    }
    let other = client.post("/projects", &json!({ "name": "Other" })).await.data(201)["id"].clone();
    client.patch(&path(&order), &json!({ "projectId": other })).await.refuses_fields(&[("projectId", "read_only")]);
    step(&client, &order, "send", None).await.refuses_fields(&[("recipientEmail", "required")]);
    let sent = step(&client, &order, "send", Some(json!({ "recipientEmail": "a@example.com" }))).await;
    assert_eq!((&sent.data(200)["emailSent"], &sent.json["data"]["status"]), (&json!(false), &json!("draft")));
    assert!(!sent.json["data"]["sentAt"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_project_has_its_own_numbers_without_a_gap() {
    let (_world, client) = start().await;
    let projects = [project(&client).await, project(&client).await];
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let body = json!({ "projectId": projects[n % 2]["id"], "title": "Door", "reason": "other" });
        let request = client.request(Method::POST, "/change-orders").header("Idempotency-Key", format!("co-{n}"));
        calls.spawn(insist(request.json(&body)));
    }
    let orders: Vec<Value> = calls.join_all().await.iter().map(|answer| answer.data(201).clone()).collect();
    for project in &projects {
        let of = orders.iter().filter(|order| order["projectId"] == project["id"]);
        let numbers: BTreeSet<_> = of.map(|order| order["changeOrderNumber"].to_string()).collect();
        assert_eq!(numbers, (1..=32).map(|n| format!("\"CO-{n:03}\"")).collect());
    }
    let taken =
        json!({ "projectId": projects[0]["id"], "title": "a", "reason": "other", "changeOrderNumber": "co-005" });
    client.post("/change-orders", &taken).await.problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_decisions_at_once_are_one() {
    let (world, client) = start().await;
    let project = project(&client).await;
    for round in 0..4 {
        let order = create(&client, &project).await;
        add(&client, &order, &json!({ "amount": "10" })).await;
        step(&client, &order, "submit", None).await.data(200);
        let (value, told) = (contract_value(&client, &project).await, world.events().await.len());
        let mut calls = JoinSet::new();
        for n in 0..16 {
            let name = ["approve", "reject"][n % 2];
            let request =
                client.request(Method::POST, &format!("{}/{name}", path(&order))).json(&json!({ "reason": "x" }));
            let request = if name == "approve" {
                client.request(Method::POST, &format!("{}/approve", path(&order)))
            } else {
                request
            };
            calls.spawn(send(request));
        }
        let done = calls.join_all().await.iter().filter(|answer| answer.status == 200).count();
        let events: Vec<_> = world.events().await.split_off(told).into_iter().map(|event| event.kind).collect();
        let approved = get(&client, &order).await["status"] == "approved";
        assert_eq!((done, events.len()), (1, if approved { 2 } else { 1 }), "{round}: {events:?}");
        assert_eq!(contract_value(&client, &project).await != value, approved, "{round}");
    }
}

#[tokio::test]
async fn lists_counts_and_sums_are_filtered() {
    let (_world, client) = start().await;
    let (one, other) = (project(&client).await, project(&client).await);
    for project in [&one, &other, &one] {
        let order = create(&client, project).await;
        add(&client, &order, &json!({ "amount": "10.01" })).await;
    }
    let query = format!("projectId={}", one["id"]);
    for (query, count) in
        [(query.as_str(), 2), ("status=draft", 3), ("search=garage", 3), ("search=co-002", 1), ("status=void", 0)]
    {
        assert_eq!(
            client.get(&format!("/change-orders?{query}")).await.data(200).as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
        assert_eq!(client.get(&format!("/change-orders/count?{query}")).await.data(200)["total"], count, "{query}");
    }
    client.get("/change-orders?status=voided").await.problem(400, "bad_request");
    let summary = client.get(&format!("/change-orders/summary?{query}")).await;
    assert_eq!(summary.data(200)["totals"], json!({ "count": 2, "total_amount": "20.02" }));
    let rows = summary.data(200)["by_status"].as_array().expect("rows").clone();
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["draft", "submitted", "approved", "rejected", "void"]);
}
