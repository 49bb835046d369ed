//! `/invoices`

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::contacts::create_named;
use crate::support::{Client, World};

pub(super) const ALL: &[&str] = &[
    "invoices:read",
    "invoices:write",
    "invoices:delete",
    "invoices:send",
    "invoices:mark_paid",
    "invoices:void",
    "projects:read",
    "projects:write",
    "contacts:read",
    "contacts:write",
    "bids:read",
    "bids:write",
    "bids:accept_reject",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn project(client: &Client) -> Value {
    client.post("/projects", &json!({ "name": "Garage" })).await.data(201)["id"].clone()
}

/// An invoice over 100.00, or with other lines.
async fn create(client: &Client, more: Value, lines: Value) -> Value {
    let mut invoice = json!({ "projectId": project(client).await, "contactId": null, "issueDate": null });
    invoice.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    client.post("/invoices", &json!({ "invoice": invoice, "lines": lines })).await.data(201).clone()
}

async fn of_100(client: &Client) -> Value {
    create(client, json!({}), json!([{ "description": "Work", "unitPrice": "100.00" }])).await
}

fn path(invoice: &Value) -> String {
    format!("/invoices/{}", invoice["id"])
}

async fn pay(client: &Client, invoice: &Value, amount: &str) -> crate::support::Answer {
    client.post(&format!("{}/payments", path(invoice)), &json!({ "amount": amount, "paidAt": null })).await
}

/// Example C: its lines.
fn example() -> (Value, Value) {
    let invoice = json!({ "taxRate": "7", "discountType": "percentage", "discount": "2.5" });
    let lines = json!([
        { "description": "Call", "unitPrice": "285.00" },
        { "description": "Motor", "unitPrice": "168" },
        { "description": "Labor", "quantity": "2.5", "unitPrice": "95.25", "isTaxable": false },
    ]);
    (invoice, lines)
}

#[tokio::test]
async fn an_invoice_comes_to_the_cent_and_its_ledger_follows() {
    let (_world, client) = start().await;
    let (more, lines) = example();
    let made = create(&client, more, lines).await;
    for (field, value) in [
        ("invoiceNumber", json!("INV-0001")),
        ("status", json!("draft")),
        ("subtotal", json!("691.13")),
        ("discountAmount", json!("17.28")),
        ("taxAmount", json!("30.92")),
        ("total", json!("704.77")),
        ("balanceDue", json!("704.77")),
        ("sourceType", json!("ad_hoc")),
        ("isOverdue", json!(false)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let labor = &made["lineItems"][2];
    assert_eq!((&labor["amount"], &labor["order"], &labor["position"]), (&json!("238.13"), &json!(2), &json!(2)));
    assert_eq!(client.get(&path(&made)).await.data(200), &made);

    pay(&client, &made, "1.00").await.problem(409, "conflict");
    let sent = client.post(&format!("{}/mark-sent", path(&made)), &json!({})).await;
    assert_eq!((&sent.data(200)["status"], sent.data(200)["issueDate"].is_string()), (&json!("sent"), true));
    let state = |answer: &Value| {
        let invoice = &answer["invoice"];
        let at = |field: &str| invoice[field].as_str().unwrap_or_default().to_owned();
        (at("amountPaid"), at("balanceDue"), at("status"), invoice["paidAt"].is_string())
    };
    let expected = |paid: &str, balance: &str, status: &str, done| (paid.into(), balance.into(), status.into(), done);
    let first = pay(&client, &made, "300.00").await.data(201).clone();
    assert_eq!(state(&first), expected("300.00", "404.77", "partial", false));
    pay(&client, &made, "500.00").await.refuses_fields(&[("amount", "too_large")]);
    let second = pay(&client, &made, "404.77").await.data(201).clone();
    assert_eq!(state(&second), expected("704.77", "0.00", "paid", true));
    pay(&client, &made, "0.01").await.problem(409, "conflict");
    let entry = |payment: &Value| format!("{}/payments/{}", path(&made), payment["payment"]["id"]);
    let edited = client.patch(&entry(&first), &json!({ "amount": "250.00" })).await;
    assert_eq!(state(edited.data(200)), expected("654.77", "50.00", "partial", false));
    let voided = client.delete(&entry(&second)).await;
    assert_eq!(state(voided.data(200)), expected("250.00", "454.77", "partial", false));
    assert!(voided.data(200)["payment"]["voidedAt"].is_string());
    client.delete(&entry(&second)).await.problem(409, "conflict");
    let voided = client.delete(&entry(&first)).await;
    assert_eq!(state(voided.data(200)), expected("0.00", "704.77", "sent", false));
    let ledger = client.get(&format!("{}/payments", path(&made))).await.data(200).clone();
    assert_eq!(ledger.as_array().map(Vec::len), Some(2));

    let voided = client.post(&format!("{}/void", path(&made)), &json!({ "reason": "Billed twice." })).await;
    assert_eq!((&voided.data(200)["status"], &voided.data(200)["balanceDue"]), (&json!("voided"), &json!("0.00")));
}

#[tokio::test]
async fn every_fault_of_an_invoice_and_its_lines_is_named() {
    let (_world, client) = start().await;
    let body = json!({
        "invoice": { "contactId": 9_999, "issueDate": null, "taxRate": "101", "discount": 5 },
        "lines": [{ "unitPrice": "1,000" }, { "description": "" }, 7],
        "line": [],
    });
    client.post("/invoices", &body).await.refuses_fields(&[
        ("invoice.projectId", "required"),
        ("invoice.taxRate", "too_large"),
        ("invoice.discount", "invalid_type"),
        ("lines[0].description", "required"),
        ("lines[0].unitPrice", "invalid_format"),
        ("lines[1].description", "too_short"),
        ("lines[2]", "invalid_type"),
        ("line", "unknown_field"),
    ]);
    let absent = json!({ "invoice": { "projectId": 9_999, "contactId": 9_998, "issueDate": null } });
    let refused = client.post("/invoices", &absent).await;
    refused.refuses_fields(&[("invoice.projectId", "not_found"), ("invoice.contactId", "not_found")]);
    assert_eq!(client.get("/invoices").await.data(200), &json!([]));
}

/// Every step from every state: those of the table are taken, all others answer 409 and change nothing.
#[tokio::test]
async fn steps_are_taken_from_the_states_of_the_table_alone() {
    let (_world, client) = start().await;
    for state in ["draft", "sent", "partial", "paid", "voided"] {
        for (step, body, from) in [
            ("send", json!({ "recipientEmail": "ann@example.com" }), &["draft", "sent", "partial", "paid"][..]),
            ("mark-sent", json!({}), &["draft"]),
            ("mark-paid", json!({}), &["sent", "partial", "paid"]),
            ("void", json!({ "reason": "A mistake." }), &["draft", "sent"]),
            ("payments", json!({ "amount": "1.00", "paidAt": null }), &["sent", "partial"]),
            ("lines", json!({ "description": "More" }), &["draft"]),
        ] {
            let made = of_100(&client).await;
            match state {
                "draft" => {}
                "voided" => {
                    client.post(&format!("{}/void", path(&made)), &json!({ "reason": "A mistake." })).await.data(200);
                }
                _ => {
                    client.post(&format!("{}/mark-sent", path(&made)), &json!({})).await.data(200);
                }
            }
            if state == "partial" {
                pay(&client, &made, "40.00").await.data(201);
            }
            if state == "paid" {
                client.post(&format!("{}/mark-paid", path(&made)), &json!({})).await.data(200);
            }
            let before = client.get(&path(&made)).await.data(200).clone();
            assert_eq!(before["status"], state);
            let answer = client.post(&format!("{}/{step}", path(&made)), &body).await;
            if from.contains(&state) {
                assert!(answer.status < 300, "{step} from {state}: {answer}");
            } else {
                answer.problem(409, "conflict");
                assert_eq!(client.get(&path(&made)).await.data(200), &before, "{step} from {state}");
            }
            let edited = client.patch(&path(&made), &json!({ "notesToCustomer": "New" })).await;
            let deleted = client.delete(&path(&made)).await;
            let now = client.get(&path(&made)).await;
            let is_draft = now.status == 404;
            assert_eq!((edited.status == 200, deleted.status == 204), (is_draft, is_draft), "{step} from {state}");
        }
    }
}

#[tokio::test]
async fn many_payments_at_once_never_overpay() {
    let (_world, client) = start().await;
    let made = of_100(&client).await;
    client.post(&format!("{}/mark-sent", path(&made)), &json!({})).await.data(200);
    let mut payments = JoinSet::new();
    for _ in 0..64 {
        let (client, made) = (client.clone(), made.clone());
        payments.spawn(async move {
            // A busy row is no answer: it is asked again.
            loop {
                let answer = pay(&client, &made, "2.00").await;
                if answer.status != 503 {
                    return answer.status;
                }
            }
        });
    }
    let statuses = payments.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 50, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409 | 422)), "{statuses:?}");
    let paid = client.get(&path(&made)).await.data(200).clone();
    assert_eq!(
        (&paid["status"], &paid["amountPaid"], &paid["balanceDue"]),
        (&json!("paid"), &json!("100.00"), &json!("0.00"))
    );
}

/// An accepted bid of 9,999.99 with a discount and tax.
async fn accepted_bid(client: &Client) -> Value {
    let body = json!({ "name": "Roof", "taxRate": "8.125", "discount": "5", "discountType": "percentage" });
    let bid = client.post("/bids", &body).await.data(201)["id"].clone();
    for (quantity, price) in [("3", "1111.11"), ("7", "952.38"), ("1", "0.01")] {
        let line = json!({ "description": "Part", "quantity": quantity, "unitPrice": price });
        client.post(&format!("/bids/{bid}/line-items"), &line).await.data(201);
    }
    client.post(&format!("/bids/{bid}/accept"), &json!({ "acceptedBy": "Ann" })).await.data(200).clone()
}

async fn from_bid(client: &Client, bid: &Value, mode: &str, value: Option<f64>) -> crate::support::Answer {
    let mut body = json!({ "bidId": bid["id"], "mode": mode });
    if let Some(value) = value {
        body["value"] = json!(value);
    }
    client.post("/invoices/from-bid", &body).await
}

#[tokio::test]
async fn a_whole_bid_is_billed_at_its_total_once() {
    let (_world, client) = start().await;
    let bid = accepted_bid(&client).await;
    let invoice = from_bid(&client, &bid, "full", None).await.data(201).clone();
    assert_eq!(
        (&invoice["total"], &invoice["sourceType"], &invoice["sourceBidId"]),
        (&bid["total"], &json!("bid"), &bid["id"])
    );
    from_bid(&client, &bid, "full", None).await.problem(409, "conflict");
    from_bid(&client, &bid, "fixed", Some(0.01)).await.problem(409, "conflict");
    client.post(&format!("{}/void", path(&invoice)), &json!({ "reason": "Again." })).await.data(200);
    assert_eq!(from_bid(&client, &bid, "full", None).await.data(201)["total"], bid["total"]);
}

#[tokio::test]
async fn percents_of_a_bid_add_up_to_its_total() {
    let (_world, client) = start().await;
    let bid = accepted_bid(&client).await;
    from_bid(&client, &bid, "percent", None).await.refuses_fields(&[("value", "required")]);
    from_bid(&client, &bid, "percent", Some(100.5)).await.refuses_fields(&[("value", "too_large")]);
    let mut cents = 0;
    for percent in [33.3333, 33.3333, 33.3334] {
        let invoice = from_bid(&client, &bid, "percent", Some(percent)).await.data(201).clone();
        cents += in_cents(&invoice["total"]);
    }
    assert_eq!(cents, in_cents(&bid["total"]));
    from_bid(&client, &bid, "percent", Some(1.0)).await.problem(409, "conflict");
    let absent = client.post("/invoices/from-bid", &json!({ "bidId": 9_999, "mode": "full" })).await;
    absent.problem(404, "not_found");
}

pub(super) fn in_cents(amount: &Value) -> i64 {
    amount.as_str().expect("an amount").replace('.', "").parse().expect("digits")
}

#[tokio::test]
async fn pages_have_numbers_and_filters() {
    let (_world, client) = start().await;
    let contact = create_named(&client, "Granite Masonry").await;
    let mut made = Vec::new();
    for n in 0..5 {
        let more = if n == 3 { json!({ "contactId": contact, "dueDate": "2026-01-31" }) } else { json!({}) };
        made.push(create(&client, more, json!([])).await);
    }
    client.post(&format!("{}/mark-sent", path(&made[0])), &json!({})).await.data(200);
    let numbers = |answer: &crate::support::Answer| {
        let rows = answer.data(200).as_array().expect("a list");
        rows.iter().map(|row| row["invoiceNumber"].as_str().expect("a number").to_owned()).collect::<Vec<_>>()
    };
    let page = client.get("/invoices?page=2&pageSize=2").await;
    assert_eq!(numbers(&page), ["INV-0003", "INV-0002"]);
    assert_eq!(page.json["meta"]["pagination"], json!({ "page": 2, "pageSize": 2, "total": 5 }));
    assert_eq!(client.get("/invoices?page=9").await.data(200), &json!([]));
    for (query, expected) in [
        ("status=sent,paid", vec!["INV-0001"]),
        ("status=draft&pageSize=1", vec!["INV-0005"]),
        ("q=granite", vec!["INV-0004"]),
        ("q=inv-0002", vec!["INV-0002"]),
        ("dueBefore=2026-02-01T00:00:00Z", vec!["INV-0004"]),
        ("dueBefore=2026-01-31T00:00:00Z", vec![]),
        ("dueAfter=2026-01-31T00:00:00Z", vec!["INV-0004"]),
    ] {
        assert_eq!(numbers(&client.get(&format!("/invoices?{query}")).await), expected, "{query}");
    }
    assert_eq!(numbers(&client.get(&format!("/invoices?contactId={contact}&projectId=")).await), ["INV-0004"]);
    for query in ["page=0", "pageSize=201", "status=open", "cursor=x", "dueAfter=soon"] {
        client.get(&format!("/invoices?{query}")).await.problem(400, "bad_request");
    }
    let summary = client.get("/invoices/summary").await.data(200).clone();
    assert_eq!((&summary["totals"]["count"], summary["by_status"].as_array().map(Vec::len)), (&json!(5), Some(5)));
}

#[tokio::test]
async fn lines_are_put_in_order_and_never_make_a_total_negative() {
    let (_world, client) = start().await;
    let lines = json!([{ "description": "A", "unitPrice": "10" }, { "description": "B", "unitPrice": "-4" }]);
    let made = create(&client, json!({}), lines).await;
    let ids: Vec<_> = made["lineItems"].as_array().expect("lines").iter().map(|line| line["id"].clone()).collect();
    let reorder = format!("{}/lines/reorder", path(&made));
    let ordered = client.post(&reorder, &json!({ "orderedIds": [ids[1], ids[0]] })).await;
    assert_eq!((&ordered.data(200)[0]["id"], &ordered.data(200)[1]["order"]), (&ids[1], &json!(1)));
    client.post(&reorder, &json!({ "orderedIds": [ids[1]] })).await.refuses_fields(&[("orderedIds", "invalid_value")]);
    let line = |id: &Value| format!("{}/lines/{id}", path(&made));
    client.patch(&line(&ids[1]), &json!({ "unitPrice": "-11" })).await.refuses_fields(&[("unitPrice", "too_small")]);
    client.delete(&line(&ids[0])).await.problem(409, "conflict");
    assert_eq!(client.delete(&line(&ids[1])).await.status, 204);
    assert_eq!(client.get(&path(&made)).await.data(200)["total"], "10.00");
}
