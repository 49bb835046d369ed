//! `/signature-requests`

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, World, send};

const ALL: &[&str] = &[
    "bids:read",
    "bids:write",
    "bids:delete",
    "bids:send",
    "bids:accept_reject",
    "change_orders:read",
    "change_orders:write",
    "change_orders:send",
    "change_orders:approve",
    "contacts:write",
    "projects:write",
    "signatures:read",
    "signatures:send",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn made(client: &Client, path: &str, body: Value) -> Value {
    client.post(path, &body).await.data(201).clone()
}

/// A bid for somebody who can be written to.
async fn bid(client: &Client) -> Value {
    let contact = json!({ "type": "customer", "firstName": "Otto", "lastName": "Brandt", "email": "otto@example.com" });
    let contact = made(client, "/contacts", contact).await;
    let bid = made(client, "/bids", json!({ "contactId": contact["id"], "name": "Tap room" })).await;
    let line = json!({ "description": "Curb", "quantity": "4", "unitPrice": "1200" });
    made(client, &format!("/bids/{}/line-items", bid["id"]), line).await;
    bid
}

async fn ask(client: &Client, bid: &Value) -> Value {
    made(client, "/signature-requests", json!({ "entityType": "bid", "entityId": bid["id"] })).await
}

async fn status(client: &Client, request: &Value) -> Value {
    client.get(&format!("/signature-requests/{}", request["id"])).await.data(200)["status"].clone()
}

async fn step(client: &Client, path: &str) -> crate::support::Answer {
    send(client.request(Method::POST, path)).await
}

#[tokio::test]
async fn a_request_sends_the_bid_and_shows_its_link_to_those_who_may_send_it() {
    let (world, client) = start().await;
    let bid = bid(&client).await;
    let request = ask(&client, &bid).await;
    assert_eq!(
        json!([
            request["entityType"],
            request["entityId"],
            request["status"],
            request["signerName"],
            request["signerEmail"]
        ]),
        json!(["bid", bid["id"], "pending", "Otto Brandt", "otto@example.com"])
    );
    assert_eq!(client.get(&format!("/bids/{}", bid["id"])).await.data(200)["status"], "sent");
    let link = request["signingUrl"].as_str().expect("a link");
    assert!(link.starts_with(&format!("{}/sign?token=", world.server.url)), "{link}");
    // The database alone opens nothing, and the link is the same each time.
    assert_eq!(world.number("SELECT count(*) FROM signing_records WHERE length(nonce) = 22").await, 1);
    let shown = client.get(&format!("/signature-requests/{}", request["id"])).await;
    assert_eq!(shown.data(200), &request);
    assert!(shown.json.get("meta").is_some());
    let listed = client.get("/signature-requests").await;
    assert_eq!(listed.data(200), &json!([request]));
    let reader = world.client(&["signatures:read"]).await;
    let shown = reader.get(&format!("/signature-requests/{}", request["id"])).await;
    assert_eq!(shown.data(200).get("signingUrl"), None);
    assert_eq!(reader.get("/signature-requests").await.data(200)[0].get("signingUrl"), None);

    // Nothing is sent on a server without mail: it waits, with what it needs for it.
    let path = format!("/signature-requests/{}", request["id"]);
    assert_eq!(step(&client, &format!("{path}/resend")).await.data(200), &json!({ "emailSent": false }));
    let waiting =
        format!("SELECT count(*) FROM mail_outbox WHERE request_id = {} AND status = 'not_configured'", request["id"]);
    assert_eq!(world.number(&waiting).await, 2);
    let voided = step(&client, &format!("{path}/void")).await;
    assert_eq!((&voided.data(200)["status"], voided.json["data"].get("signingUrl")), (&json!("voided"), None));
    for again in ["resend", "void"] {
        step(&client, &format!("{path}/{again}")).await.problem(409, "conflict");
    }
    assert_eq!(client.get(&path).await.data(200).get("signingUrl"), None);
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_same_link() {
    let (world, client) = start().await;
    let bid = bid(&client).await;
    let client = client.keyed("once");
    let first = ask(&client, &bid).await;
    assert_eq!(ask(&client, &bid).await, first);
    assert_eq!(world.number("SELECT count(*) FROM mail_outbox").await, 1);
}

#[tokio::test]
async fn one_request_of_a_document_is_open() {
    let (_world, client) = start().await;
    let bid = bid(&client).await;
    let first = ask(&client, &bid).await;
    let sent = client.post(&format!("/bids/{}/send", bid["id"]), &json!({ "requestSignature": true })).await;
    assert_eq!(sent.data(200)["status"], "sent");
    assert_eq!(status(&client, &first).await, "voided");
    let listed = client.get(&format!("/signature-requests?entityType=bid&entityId={}&status=pending", bid["id"])).await;
    assert_eq!(listed.data(200).as_array().map(Vec::len), Some(1));
    // A bid that is sent without does not touch it.
    client.post(&format!("/bids/{}/send", bid["id"]), &json!({})).await.data(200);
    assert_eq!(status(&client, &listed.json["data"][0]).await, "pending");
}

#[tokio::test]
async fn what_is_changed_or_decided_otherwise_is_not_to_be_signed() {
    let (_world, client) = start().await;
    for (change, expected) in [
        ("notes", "pending"),
        ("name", "voided"),
        ("terms", "voided"),
        ("price", "voided"),
        ("line", "voided"),
        ("unseen", "pending"),
        ("accept", "voided"),
        ("reject", "voided"),
        ("cancel", "voided"),
        ("delete", "voided"),
    ] {
        let bid = bid(&client).await;
        let request = ask(&client, &bid).await;
        let path = format!("/bids/{}", bid["id"]);
        let line = client.get(&path).await.data(200)["lineItems"][0]["id"].clone();
        let line = format!("{path}/line-items/{line}");
        match change {
            "notes" => client.patch(&path, &json!({ "notes": "For us" })).await.data(200).clone(),
            "name" => client.patch(&path, &json!({ "name": "Other" })).await.data(200).clone(),
            "terms" => client.patch(&path, &json!({ "terms": "Other" })).await.data(200).clone(),
            "price" => client.patch(&line, &json!({ "unitPrice": "1" })).await.data(200).clone(),
            "line" => client.patch(&line, &json!({ "description": "Another curb" })).await.data(200).clone(),
            "unseen" => client.patch(&line, &json!({ "width": "3" })).await.data(200).clone(),
            "accept" => client.post(&format!("{path}/accept"), &json!({ "acceptedBy": "Me" })).await.data(200).clone(),
            "delete" => json!(client.delete(&path).await.status),
            step => client.post(&format!("{path}/{step}"), &json!({})).await.data(200).clone(),
        };
        assert_eq!(status(&client, &request).await, expected, "{change}");
    }
}

#[tokio::test]
async fn a_change_order_is_submitted_by_it() {
    let (_world, client) = start().await;
    let contact = json!({ "type": "customer", "companyName": "Brew", "email": "brew@example.com" });
    let contact = made(&client, "/contacts", contact).await;
    let project = made(&client, "/projects", json!({ "name": "Garage", "contactId": contact["id"] })).await;
    let order = json!({ "projectId": project["id"], "title": "Door", "reason": "customer_request" });
    let order = made(&client, "/change-orders", order).await;
    let ask = json!({ "entityType": "change_order", "entityId": order["id"], "message": "Hello" });
    // Without items there is nothing to submit.
    client.post("/signature-requests", &ask).await.problem(409, "conflict");
    made(&client, &format!("/change-orders/{}/line-items", order["id"]), json!({ "amount": "4800" })).await;
    let request = made(&client, "/signature-requests", ask).await;
    assert_eq!((&request["signerName"], &request["message"]), (&json!("Brew"), &json!("Hello")));
    let path = format!("/change-orders/{}", order["id"]);
    assert_eq!(client.get(&path).await.data(200)["status"], "submitted");
    client.post(&format!("{path}/reject"), &json!({ "reason": "No" })).await.data(200);
    assert_eq!(status(&client, &request).await, "voided");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told() {
    let (_world, client) = start().await;
    let unreachable = made(&client, "/bids", json!({})).await;
    let ask = json!({ "entityType": "bid", "entityId": unreachable["id"] });
    client.post("/signature-requests", &ask).await.refuses_fields(&[("signerEmail", "required")]);
    let absent = json!({ "entityType": "change_order", "entityId": 999_999 });
    client.post("/signature-requests", &absent).await.refuses_fields(&[("entityId", "not_found")]);
    client.post("/signature-requests", &json!({ "entityType": "invoice", "signerEmail": "x" })).await.refuses_fields(
        &[("entityType", "invalid_value"), ("entityId", "required"), ("signerEmail", "invalid_format")],
    );
    let accepted = bid(&client).await;
    client.post(&format!("/bids/{}/accept", accepted["id"]), &json!({ "acceptedBy": "Me" })).await.data(200);
    let ask = json!({ "entityType": "bid", "entityId": accepted["id"] });
    client.post("/signature-requests", &ask).await.problem(409, "conflict");
}

#[tokio::test]
async fn pages_go_on_behind_an_id() {
    let (_world, client) = start().await;
    let bid = bid(&client).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(ask(&client, &bid).await["id"].clone());
    }
    let page = client.get("/signature-requests?limit=2").await;
    let shown: Vec<_> = page.data(200).as_array().expect("rows").iter().map(|row| row["id"].clone()).collect();
    assert_eq!(shown, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(page.json["meta"]["pagination"], json!({ "cursor": ids[1].to_string(), "has_more": true, "count": 2 }));
    let next = client.get(&format!("/signature-requests?limit=2&cursor={}", ids[1])).await;
    assert_eq!((&next.data(200)[0]["id"], &next.json["meta"]["pagination"]["cursor"]), (&ids[0], &Value::Null));
    assert_eq!(
        client.get("/signature-requests?cursor=null&entityId=").await.data(200).as_array().map(Vec::len),
        Some(3)
    );
    for wrong in ["cursor=x", "cursor=99999", "entityId=7", "status=open", "entityType=lead", "limit=0"] {
        client.get(&format!("/signature-requests?{wrong}")).await.problem(400, "bad_request");
    }
}
