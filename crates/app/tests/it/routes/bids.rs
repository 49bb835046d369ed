//! `/bids`

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Client, World, insist, send};

const ALL: &[&str] = &[
    "bids:read",
    "bids:write",
    "bids:delete",
    "bids:send",
    "bids:accept_reject",
    "projects:read",
    "projects:write",
    "leads:read",
    "leads:write",
    "contacts:write",
    "products:read",
    "products:write",
];

/// The fields that a list shows with `compact`.
const COMPACT: [&str; 21] = [
    "id",
    "bidNumber",
    "contactId",
    "leadId",
    "projectId",
    "status",
    "subtotal",
    "taxAmount",
    "total",
    "taxRate",
    "discount",
    "discountType",
    "validUntil",
    "notes",
    "terms",
    "siteAddress",
    "sentAt",
    "acceptedAt",
    "acceptedBy",
    "createdAt",
    "updatedAt",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

fn path(bid: &Value) -> String {
    format!("/bids/{}", bid["id"])
}

async fn create(client: &Client, body: &Value) -> Value {
    client.post("/bids", body).await.data(201).clone()
}

async fn add(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.data(201).clone()
}

async fn get(client: &Client, bid: &Value) -> Value {
    client.get(&path(bid)).await.data(200).clone()
}

/// Without the members that only the answer of one bid has.
fn flat(bid: &Value) -> Value {
    let mut bid = bid.clone();
    for name in ["lineItems", "distributedCosts", "changeOrderItems"] {
        bid.as_object_mut().expect("an object").remove(name);
    }
    bid
}

fn sums(bid: &Value) -> [&str; 4] {
    ["subtotal", "discountAmount", "taxAmount", "total"].map(|name| bid[name].as_str().expect("a sum"))
}

/// Example A of the rules, line by line.
async fn example_a(client: &Client) -> Value {
    let bid = create(
        client,
        &json!({
            "marginPercent": "18", "commissionPercent": "2", "companyOhPercent": "10",
            "discount": "5", "discountType": "percentage",
        }),
    )
    .await;
    let lines = format!("{}/line-items", path(&bid));
    let kit = add(client, &lines, &json!({ "markName": "M-01", "description": "Curb", "quantity": "4" })).await;
    add(client, &lines, &json!({ "markName": "M-02", "description": "Permit", "unitPrice": "1250.00" })).await;
    let sublines = format!("{lines}/{}/sublines", kit["id"]);
    for item in [
        json!({ "unitCost": "615.00", "buyTaxPercent": "7", "sellTaxPercent": "7" }),
        json!({ "quantity": "2", "unitCost": "48.50", "buyTaxPercent": "7", "sellTaxPercent": "7" }),
        json!({ "type": "labor", "quantity": "3.5", "unitCost": "85.00" }),
    ] {
        add(client, &sublines, &item).await;
    }
    let crane = add(client, &format!("{}/distributed-costs", path(&bid)), &json!({ "rate": "850" })).await;
    assert_eq!((&crane["rate"], &crane["perUnit"]), (&json!("850.00"), &json!("170.00")));
    get(client, &bid).await
}

#[tokio::test]
async fn a_bid_needs_nothing_and_has_everything_that_was_sent() {
    let (_world, client) = start().await;
    let empty = create(&client, &json!({})).await;
    assert_eq!((&empty["bidNumber"], &empty["status"]), (&json!("BID-001"), &json!("draft")));
    assert_eq!(sums(&empty), ["0.00"; 4]);
    let everything = json!({
        "bidNumber": "B-7", "name": "Garage", "dueDate": "2026-03-01", "validUntil": "2026-04-01T00:00:00.000Z",
        "taxRate": "8.125", "discountType": "percent", "discount": "12.3456", "siteAddress": "12 Elm Street",
        "siteCity": "Springfield", "siteState": "IL", "siteZipCode": "62701", "latitude": "41.881832",
        "longitude": "-87.623177", "notes": "n", "terms": "<p>t</p>", "paymentTermsText": "p", "marginPercent": "18.00",
        "companyOhPercent": "10.5", "commissionPercent": "2.00", "showSublines": true, "roundSalesAmounts": null,
        "kanbanOrder": 3,
    });
    let made = create(&client, &everything).await;
    for (name, sent) in everything.as_object().expect("an object") {
        let shown = match name.as_str() {
            "dueDate" => &json!("2026-03-01T00:00:00.000Z"),
            "companyOhPercent" => &json!("10.50"),
            _ => sent,
        };
        let shown = if name == "discount" { &json!("12.3456") } else { shown };
        assert_eq!(&made[name], shown, "{name}");
    }
    let compact = client.get("/bids?compact=true").await;
    let names: Vec<_> = compact.data(200)[0].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(names, COMPACT);
    // What was read can be sent back, and changes nothing.
    let shown = get(&client, &made).await;
    assert_eq!(flat(&shown), made);
    assert_eq!(client.patch(&path(&made), &shown).await.data(200), &made);
    for (field, value, code) in [
        ("taxRate", json!(8), "invalid_type"),
        ("taxRate", json!("100.00005"), "too_large"),
        ("taxRate", json!("-1"), "too_small"),
        ("discount", json!("$5"), "invalid_format"),
        ("discountType", json!("half"), "invalid_value"),
        ("validUntil", json!("soon"), "invalid_format"),
        ("latitude", json!("90.1"), "too_large"),
        ("name", json!("x".repeat(256)), "too_long"),
        ("status", json!("accepted"), "read_only"),
        ("contactId", json!(999_999), "not_found"),
        ("leadId", json!(999_999), "not_found"),
        ("paymentTermId", json!(999_999), "not_found"),
        ("total", json!({}), ""),
    ] {
        let answer = client.patch(&path(&made), &json!({ field: value })).await;
        if code.is_empty() {
            assert_eq!(answer.data(200), &made, "sums are ignored, whatever is said");
        } else {
            answer.refuses_fields(&[(field, code)]);
        }
    }
}

#[tokio::test]
async fn example_a_comes_out_over_http() {
    let (world, client) = start().await;
    let bid = example_a(&client).await;
    assert_eq!(sums(&bid), ["9053.37", "452.67", "329.48", "8930.18"]);
    assert_eq!(bid["lineItems"][0]["sublines"].as_array().map(Vec::len), Some(3));
    assert_eq!(bid["lineItems"][0]["total"], "7024.80");
    assert_eq!(bid["distributedCosts"][0]["rate"], "850.00");
    let lines = client.get(&format!("{}/line-items", path(&bid))).await;
    let totals: Vec<_> = lines.data(200).as_array().expect("lines").iter().map(|line| line["total"].clone()).collect();
    assert_eq!(totals, ["7024.80", "2028.57"]);
    let rated = client.patch(&path(&bid), &json!({ "taxRate": "7" })).await;
    assert_eq!(sums(rated.data(200))[2..], ["602.05", "9202.75"]);
    world.sql("UPDATE bids SET sales_tax_base = 'cost', tax_rate = NULL").await;
    let moved = client.patch(&path(&bid), &json!({ "discount": "5.0001" })).await;
    assert_eq!(sums(moved.data(200))[2..], ["199.36", "8800.05"]);
    // Each line of the tree can be sent back as it is shown.
    for line in get(&client, &bid).await["lineItems"].as_array().expect("lines") {
        let told = world.events().await.len();
        let answer = client.patch(&format!("{}/line-items/{}", path(&bid), line["id"]), line).await;
        assert_eq!(answer.data(200)["total"], line["total"]);
        assert_eq!(world.events().await.len(), told);
    }
}

#[tokio::test]
async fn lines_are_written_and_told_of_by_the_sums() {
    let (world, client) = start().await;
    let bid = create(&client, &json!({})).await;
    let lines = format!("{}/line-items", path(&bid));
    client.post(&lines, &json!({ "unitPrice": "5" })).await.refuses_fields(&[("description", "required")]);
    let free = add(&client, &lines, &json!({ "description": "Free", "quantity": null })).await;
    assert_eq!((&free["quantity"], &free["order"], &free["unitPrice"]), (&json!("1.00"), &json!(0), &json!("0.00")));
    assert_eq!(world.events().await.len(), 1, "no sum changed");
    let brick = json!({ "description": "Brick", "quantity": "3", "unitPrice": "-0.335", "deletedAt": null });
    let brick = add(&client, &lines, &brick).await;
    assert_eq!((&brick["total"], &brick["order"]), (&json!("-1.01"), &json!(1)));
    let events = world.events().await;
    assert_eq!(events.last().map(|event| event.kind.as_str()), Some("bid.updated"));
    let previous = events[1].previous_attributes.as_ref().expect("old sums");
    assert_eq!((&previous["total"], &events[1].data["total"]), (&json!("0.00"), &json!("-1.01")));
    let changed = client.patch(&format!("{lines}/{}", brick["id"]), &json!({ "quantity": "2", "order": -1 })).await;
    assert_eq!(changed.data(200)["total"], "-0.67");
    let listed = client.get(&lines).await;
    assert_eq!(listed.data(200)[0]["id"], brick["id"]);
    // A line of another bid is not there.
    let other = create(&client, &json!({})).await;
    let elsewhere = format!("{}/line-items/{}", path(&other), brick["id"]);
    client.patch(&elsewhere, &json!({ "quantity": "9" })).await.problem(404, "not_found");
    client.delete(&elsewhere).await.problem(404, "not_found");
    client.get(&format!("{elsewhere}/sublines")).await.problem(404, "not_found");
    client.post(&format!("{elsewhere}/sublines"), &json!({})).await.problem(404, "not_found");
    assert_eq!(client.delete(&format!("{lines}/{}", brick["id"])).await.status, 204);
    assert_eq!(sums(&get(&client, &bid).await)[3], "0.00");
    let answer = client.patch(&format!("{lines}/{}", free["id"]), &json!({ "deletedAt": 5 })).await;
    answer.refuses_fields(&[("deletedAt", "invalid_type")]);
}

/// Takes a step with a bid.
async fn step(client: &Client, bid: &Value, name: &str, body: Option<Value>) -> crate::support::Answer {
    let request = client.request(Method::POST, &format!("{}/{name}", path(bid)));
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

fn body_of(name: &str) -> Option<Value> {
    match name {
        "accept" => Some(json!({ "acceptedBy": "Ann" })),
        "revert-acceptance" => Some(json!({ "status": "draft" })),
        "convert-to-project" => Some(json!({ "mappingStrategy": "phases", "lineItemPhaseMapping": { "1": 2 } })),
        "send" => Some(json!({ "recipientEmail": "owner@example.com" })),
        _ => None,
    }
}

#[tokio::test]
async fn steps_are_taken_in_their_states_and_leave_no_trace_in_others() {
    let (world, client) = start().await;
    let table: [(&str, &[&str]); 7] = [
        ("send", &["draft", "sent", "expired"]),
        ("accept", &["draft", "sent", "expired", "rejected"]),
        ("reject", &["draft", "sent", "expired"]),
        ("revert-acceptance", &["accepted"]),
        ("convert-to-project", &["accepted"]),
        ("cancel", &["draft", "sent", "expired", "rejected"]),
        ("reopen", &["cancelled"]),
    ];
    for (name, from) in table {
        for status in ["draft", "sent", "accepted", "rejected", "expired", "cancelled"] {
            let bid = create(&client, &json!({})).await;
            world.sql(&format!("UPDATE bids SET status = '{status}' WHERE id = {}", bid["id"])).await;
            let (before, told) = (get(&client, &bid).await, world.events().await.len());
            let answer = step(&client, &bid, name, body_of(name)).await;
            if from.contains(&status) {
                assert_eq!(answer.status, if name == "convert-to-project" { 201 } else { 200 }, "{name} {status}");
                assert!(world.events().await.len() > told, "{name} {status}");
            } else {
                assert!(answer.problem(409, "conflict").contains(status), "{name} {status}");
                assert_eq!(get(&client, &bid).await, before, "{name} {status}");
                assert_eq!(world.events().await.len(), told, "{name} {status}");
            }
        }
    }
    assert_eq!(world.number("SELECT count(*) FROM mail_outbox").await, 3);
    let activity = "SELECT count(*) FROM activity WHERE resource = 'bid' AND previous ->> 'status' IS NOT NULL";
    assert!(world.number(activity).await >= 14);
}

#[tokio::test]
async fn bodies_of_steps_are_checked_as_the_contract_says() {
    let (_world, client) = start().await;
    let bid = create(&client, &json!({})).await;
    for (name, body, errors) in [
        ("accept", json!({}), &[("acceptedBy", "required")][..]),
        ("accept", json!({ "acceptedBy": "", "by": 1 }), &[("by", "unknown_field"), ("acceptedBy", "too_short")]),
        ("revert-acceptance", json!({ "status": "cancelled" }), &[("status", "invalid_value")]),
        (
            "convert-to-project",
            json!({ "lineItemPhaseMapping": { "a": "b" }, "templateId": "x" }),
            &[
                ("lineItemPhaseMapping", "invalid_type"),
                ("mappingStrategy", "required"),
                ("templateId", "invalid_type"),
            ],
        ),
    ] {
        let answer = step(&client, &bid, name, Some(body)).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{name}: {answer}");
        assert_eq!(answer.field_errors(), errors, "{name}");
    }
    step(&client, &bid, "send", None).await.refuses_fields(&[("contactId", "required")]);
    let sent = step(&client, &bid, "send", body_of("send")).await;
    let said = sent.data(200);
    assert_eq!(
        (&said["emailSent"], &said["emailStatus"], &said["status"]),
        (&json!(false), &json!("not_configured"), &json!("sent"))
    );
}

#[tokio::test]
async fn a_converted_project_has_the_bids_total_and_plan() {
    let (world, client) = start().await;
    let lead = {
        let stages = client.get("/lead-stages").await;
        let stage = stages.data(200)[0]["id"].clone();
        client.post("/leads", &json!({ "name": "Lead", "stageId": stage })).await.data(201).clone()
    };
    let bid = example_a(&client).await;
    client.patch(&path(&bid), &json!({ "leadId": lead["id"], "siteCity": "Springfield" })).await.data(200);
    let value = client.get(&format!("/leads/{}", lead["id"])).await.data(200)["estimatedValue"].clone();
    assert_eq!(value, "8930.18");
    step(&client, &bid, "accept", body_of("accept")).await.data(200);
    client.patch(&path(&bid), &json!({ "notes": "x" })).await.problem(409, "conflict");
    let body = json!({ "mappingStrategy": "tasks", "startDate": "2026-05-04" });
    let project = step(&client, &bid, "convert-to-project", Some(body)).await.data(201).clone();
    assert_eq!((&project["contractValue"], &project["siteCity"]), (&json!("8930.18"), &json!("Springfield")));
    assert_eq!(project["startDate"], "2026-05-04T00:00:00.000Z");
    assert_eq!(
        world.number("SELECT count(*) FROM project_tasks WHERE name IN ('M-01 - Curb', 'M-02 - Permit')").await,
        2
    );
    step(&client, &bid, "convert-to-project", body_of("convert-to-project")).await.problem(409, "conflict");
    step(&client, &bid, "revert-acceptance", body_of("revert-acceptance")).await.problem(409, "conflict");
    let copy = step(&client, &bid, "duplicate", None).await.data(201).clone();
    assert_eq!((sums(&copy), copy["bidNumber"].as_str()), (sums(&bid), Some("BID-002")));
    assert_eq!(sums(&get(&client, &copy).await), sums(&bid));
    let kinds: Vec<_> = world.events().await.into_iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds[kinds.len() - 5..],
        ["lead.updated", "bid.accepted", "project.created", "bid.updated", "bid.created"][..]
    );
}

#[tokio::test]
async fn numbers_are_unique_and_run_on() {
    let (_world, client) = start().await;
    let number = async |body: Value| create(&client, &body).await["bidNumber"].clone();
    assert_eq!(number(json!({})).await, "BID-001");
    assert_eq!(number(json!({ "bidNumber": "BID-002" })).await, "BID-002");
    assert_eq!(number(json!({ "bidNumber": "" })).await, "BID-003");
    client.post("/bids", &json!({ "bidNumber": "bid-003" })).await.problem(409, "conflict");
    let last = create(&client, &json!({})).await;
    assert_eq!(last["bidNumber"], "BID-004", "a refused one leaves no gap");
    client.patch(&path(&last), &json!({ "bidNumber": "BID-001" })).await.problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_bids_at_once_have_sixty_four_numbers() {
    let (_world, client) = start().await;
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let request =
            client.request(Method::POST, "/bids").header("Idempotency-Key", format!("bid-{n}")).json(&json!({}));
        calls.spawn(insist(request));
    }
    let answers = calls.join_all().await;
    let numbers: BTreeSet<_> = answers.iter().map(|answer| answer.data(201)["bidNumber"].to_string()).collect();
    assert_eq!(numbers, (1..=64).map(|n| format!("\"BID-{n:03}\"")).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_steps_end_in_one_state_with_one_event_each() {
    let (world, client) = start().await;
    for round in 0..4 {
        let bid = create(&client, &json!({})).await;
        let told = world.events().await.len();
        let mut calls = JoinSet::new();
        for n in 0..16 {
            let name = ["accept", "reject", "send"][n % 3];
            let request = client.request(Method::POST, &format!("{}/{name}", path(&bid)));
            let request = request.json(&body_of(name).unwrap_or_else(|| json!({})));
            let request = if name == "reject" {
                client.request(Method::POST, &format!("{}/reject", path(&bid)))
            } else {
                request
            };
            calls.spawn(async move { (name, send(request).await) });
        }
        let mut done: Vec<_> = calls.join_all().await.into_iter().filter(|(_, answer)| answer.status == 200).collect();
        done.retain(|(name, _)| *name != "send");
        let events: Vec<_> = world.events().await.split_off(told).into_iter().map(|event| event.kind).collect();
        let of = |kind: &str| events.iter().filter(|event| *event == kind).count();
        assert_eq!(of("bid.accepted"), 1, "{round}: {events:?}");
        assert!(of("bid.rejected") <= 1, "{round}: {events:?}");
        assert_eq!(done.len(), of("bid.accepted") + of("bid.rejected"), "{round}: {events:?}");
        assert_eq!(get(&client, &bid).await["status"], "accepted", "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_added_at_once_all_count() {
    let (_world, client) = start().await;
    let bid = create(&client, &json!({ "marginPercent": "10" })).await;
    let mut calls = JoinSet::new();
    for n in 0..16 {
        let request = client.request(Method::POST, &format!("{}/line-items", path(&bid)));
        let body = json!({ "description": format!("Line {n}"), "unitPrice": "9.00" });
        calls.spawn(insist(request.header("Idempotency-Key", format!("line-{n}")).json(&body)));
    }
    let lines = calls.join_all().await;
    assert!(lines.iter().all(|line| line.data(201)["total"] == "10.00"));
    let orders: BTreeSet<_> = lines.iter().map(|line| line.json["data"]["order"].as_i64()).collect();
    assert_eq!((orders.len(), sums(&get(&client, &bid).await)[3]), (16, "160.00"));
}

#[tokio::test]
async fn lists_counts_and_sums_are_filtered() {
    let (world, client) = start().await;
    let contact =
        client.post("/contacts", &json!({ "companyName": "Acme", "type": "customer" })).await.data(201)["id"].clone();
    for (name, more) in
        [("Garage", json!({ "contactId": contact })), ("Shed", json!({})), ("Pool", json!({ "contactId": contact }))]
    {
        let mut body = more;
        body["name"] = json!(name);
        let bid = create(&client, &body).await;
        add(&client, &format!("{}/line-items", path(&bid)), &json!({ "description": "a", "unitPrice": "10.01" })).await;
    }
    world.sql("UPDATE bids SET status = 'sent' WHERE name = 'Shed'").await;
    for (query, names) in [
        (String::new(), vec!["Pool", "Shed", "Garage"]),
        ("status=sent".to_owned(), vec!["Shed"]),
        (format!("contactId={contact}"), vec!["Pool", "Garage"]),
        ("search=aCME".to_owned(), vec!["Pool", "Garage"]),
        ("search=bid-002".to_owned(), vec!["Shed"]),
        ("leadId=&projectId=null".to_owned(), vec!["Pool", "Shed", "Garage"]),
    ] {
        let list = client.get(&format!("/bids?{query}")).await;
        let found: Vec<_> = list.data(200).as_array().expect("bids").iter().map(|bid| bid["name"].clone()).collect();
        assert_eq!(found, names, "{query}");
        assert_eq!(client.get(&format!("/bids/count?{query}")).await.data(200)["total"], names.len(), "{query}");
    }
    client.get("/bids?status=viewed").await.problem(400, "bad_request");
    let summary = client.get("/bids/summary").await;
    assert_eq!(summary.data(200)["totals"], json!({ "count": 3, "total_value": "30.03" }));
    let by_status = summary.data(200)["by_status"].as_array().expect("rows").clone();
    let statuses: Vec<_> = by_status.iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, ["draft", "sent", "accepted", "rejected", "expired"]);
    assert_eq!(by_status[1], json!({ "status": "sent", "count": 1, "total_value": "10.01" }));
    assert_eq!(by_status[4]["total_value"], "0.00");
    assert_eq!(client.get(&format!("/bids/summary?contactId={contact}")).await.data(200)["totals"]["count"], 2);
    client.get("/bids/summary?contactId=x").await.problem(422, "validation_failed");
}
