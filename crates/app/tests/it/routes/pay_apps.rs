//! `/pay-apps`

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::invoices::in_cents;
use crate::support::{Client, World};

const ALL: &[&str] = &[
    "pay_apps:read",
    "pay_apps:write",
    "pay_apps:delete",
    "pay_apps:approve",
    "pay_apps:mark_paid",
    "pay_apps:send",
    "projects:read",
    "projects:write",
    "bids:read",
    "bids:write",
    "bids:accept_reject",
    "change_orders:read",
    "change_orders:write",
    "change_orders:approve",
    "invoices:read",
    "invoices:write",
    "invoices:void",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

async fn project(client: &Client, signed: &str) -> Value {
    let body = json!({ "name": "House", "projectNumber": "2026-7", "originalContractValue": signed });
    client.post("/projects", &body).await.data(201)["id"].clone()
}

async fn create(client: &Client, project: &Value) -> Value {
    client.post("/pay-apps", &json!({ "projectId": project })).await.data(201).clone()
}

fn path(app: &Value) -> String {
    format!("/pay-apps/{}", app["id"])
}

async fn step(client: &Client, app: &Value, step: &str) -> crate::support::Answer {
    client.post(&format!("{}/{step}", path(app)), &json!({})).await
}

async fn get(client: &Client, app: &Value) -> Value {
    client.get(&path(app)).await.data(200).clone()
}

/// Bills on the line that stands at this place.
async fn bill(client: &Client, app: &Value, place: usize, columns: &Value) -> crate::support::Answer {
    let line = get(client, app).await["lineItems"][place]["id"].clone();
    client.patch(&format!("{}/line-items/{line}", path(app)), columns).await
}

/// The schedule of example B: three lines written by hand, in place of the whole contract.
async fn schedule(client: &Client, app: &Value) {
    let whole = get(client, app).await["lineItems"][0]["id"].clone();
    assert_eq!(client.delete(&format!("{}/line-items/{whole}", path(app))).await.status, 204);
    for (description, value) in [("Mobilization", "5000"), ("Rough-in", "42000"), ("Fixtures", "28000")] {
        let line = json!({ "description": description, "scheduledValue": value });
        client.post(&format!("{}/line-items", path(app)), &line).await.data(201);
    }
}

fn sums(app: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| app[*field].as_str().unwrap_or("-").to_owned()).collect()
}

/// Example B: a change order, stored material that is installed in the next period, and an invoice of what is due.
#[tokio::test]
async fn two_periods_come_to_the_cent() {
    let (_world, client) = start().await;
    let project = project(&client, "75000").await;
    let first = create(&client, &project).await;
    assert_eq!((&first["payAppNumber"], &first["retainagePercent"]), (&json!("2026-7-PA001"), &json!("10.00")));
    schedule(&client, &first).await;

    let order = json!({ "projectId": project, "title": "Skylight", "reason": "customer_request" });
    let order = client.post("/change-orders", &order).await.data(201)["id"].clone();
    let item = json!({ "description": "Skylight", "amount": "4800" });
    client.post(&format!("/change-orders/{order}/line-items"), &item).await.data(201);
    client.post(&format!("/change-orders/{order}/submit"), &json!({})).await.data(200);
    client.post(&format!("/change-orders/{order}/approve"), &json!({})).await.data(200);
    let followed = get(&client, &first).await;
    assert_eq!(sums(&followed, &["changeOrdersTotal", "revisedContractSum"]), ["4800.00", "79800.00"]);
    assert_eq!(followed["lineItems"][3]["scheduledValue"], "4800.00");

    bill(&client, &first, 0, &json!({ "currentBilled": "5000" })).await.data(200);
    bill(&client, &first, 1, &json!({ "currentBilled": "21000" })).await.data(200);
    bill(&client, &first, 2, &json!({ "materialsStored": "4500" })).await.data(200);
    let sheet = ["totalCompleted", "retainageAmount", "currentPaymentDue"];
    assert_eq!(sums(&get(&client, &first).await, &sheet), ["30500.00", "3050.00", "27450.00"]);
    step(&client, &first, "submit").await.data(200);
    step(&client, &first, "approve").await.data(200);

    let second = create(&client, &project).await;
    assert_eq!(
        sums(&second, &["previouslyBilled", "materialsStored", "currentPaymentDue"]),
        ["26000.00", "4500.00", "0.00"]
    );
    bill(&client, &second, 1, &json!({ "currentBilled": "8400" })).await.data(200);
    bill(&client, &second, 2, &json!({ "currentBilled": "6000", "materialsStored": "2500" })).await.data(200);
    bill(&client, &second, 3, &json!({ "currentBilled": "1200" })).await.data(200);
    let app = get(&client, &second).await;
    let sheet = [
        "totalCompleted",
        "retainageAmount",
        "retainageThisPeriod",
        "previousCertificates",
        "currentPaymentDue",
        "balanceToFinish",
        "percentComplete",
    ];
    assert_eq!(sums(&app, &sheet), ["44100.00", "4410.00", "1360.00", "27450.00", "12240.00", "40110.00", "55.26"]);
    let lines = app["lineItems"].as_array().expect("lines").iter();
    let percents: Vec<_> = lines.map(|line| line["percentComplete"].as_str().expect("percents")).collect();
    assert_eq!(percents, ["100.00", "70.00", "30.36", "25.00"]);
    let at_five = client.patch(&path(&second), &json!({ "retainagePercent": "5" })).await;
    assert_eq!(sums(at_five.data(200), &["retainageAmount", "currentPaymentDue"]), ["2205.00", "14445.00"]);
    client.patch(&path(&second), &json!({ "retainagePercent": null })).await.data(200);
    step(&client, &second, "approve").await.data(200);

    let invoice = client.post("/invoices/from-pay-app", &json!({ "payAppId": second["id"] })).await.data(201).clone();
    let amounts: Vec<_> =
        invoice["lineItems"].as_array().expect("lines").iter().map(|line| in_cents(&line["amount"])).collect();
    assert_eq!((amounts, &invoice["total"]), (vec![1_560_000, -200_000, -136_000], &json!("12240.00")));
    client.post("/invoices/from-pay-app", &json!({ "payAppId": second["id"] })).await.problem(409, "conflict");
    let reason = json!({ "reason": "A mistake." });
    client.post(&format!("{}/void", path(&second)), &reason).await.problem(409, "conflict");
    client.post(&format!("/change-orders/{order}/void"), &reason).await.problem(409, "conflict");
    step(&client, &second, "mark-paid").await.data(200);
    let summary = client.get(&format!("/pay-apps/summary?projectId={project}")).await.data(200).clone();
    let totals = json!({
        "count": 2, "invoiced_total": "39690.00", "paid_total": "12240.00", "outstanding_total": "27450.00",
    });
    assert_eq!(summary["totals"], totals);
}

#[tokio::test]
async fn later_applications_follow_earlier_ones_until_they_are_approved() {
    let (_world, client) = start().await;
    let project = project(&client, "1000").await;
    let first = create(&client, &project).await;
    bill(&client, &first, 0, &json!({ "currentBilled": "300" })).await.data(200);
    let second = create(&client, &project).await;
    let carried = async || sums(&get(&client, &second).await, &["previouslyBilled", "previousCertificates"]);
    assert_eq!(carried().await, ["300.00", "270.00"]);
    bill(&client, &first, 0, &json!({ "currentBilled": "500" })).await.data(200);
    assert_eq!(carried().await, ["500.00", "450.00"]);
    client.patch(&path(&first), &json!({ "retainagePercent": "0" })).await.data(200);
    assert_eq!(carried().await, ["500.00", "500.00"]);
    step(&client, &second, "approve").await.problem(409, "conflict");
    step(&client, &first, "submit").await.data(200);
    bill(&client, &first, 0, &json!({ "currentBilled": "1" })).await.problem(409, "conflict");
    let reason = json!({ "reason": "Not half done." });
    client.post(&format!("{}/reject", path(&first)), &reason).await.data(200);
    assert_eq!(carried().await, ["0.00", "0.00"], "a rejected one does not count");
    step(&client, &first, "submit").await.data(200);
    assert_eq!(carried().await, ["500.00", "500.00"]);
    bill(&client, &second, 0, &json!({ "currentBilled": "501" }))
        .await
        .refuses_fields(&[("currentBilled", "too_large")]);
    bill(&client, &second, 0, &json!({ "previousBilled": "1" }))
        .await
        .refuses_fields(&[("previousBilled", "read_only")]);
    bill(&client, &second, 0, &json!({ "currentBilled": "500" })).await.data(200);
    client.post(&format!("{}/void", path(&first)), &json!({ "reason": "Wrong period." })).await.data(200);
    assert_eq!(carried().await, ["0.00", "0.00"]);
    let deleted = create(&client, &project).await;
    assert_eq!(client.delete(&path(&deleted)).await.status, 204);
}

/// Every step from every state.
#[tokio::test]
async fn steps_are_taken_from_the_states_of_the_table_alone() {
    let (_world, client) = start().await;
    for (state, steps) in [
        ("draft", &[][..]),
        ("submitted", &["submit"]),
        ("approved", &["approve"]),
        ("rejected", &["submit", "reject"]),
        ("paid", &["approve", "mark-paid"]),
        ("voided", &["submit", "void"]),
    ] {
        for (name, from) in [
            ("submit", &["draft", "rejected"][..]),
            ("approve", &["draft", "submitted"]),
            ("reject", &["submitted"]),
            ("mark-paid", &["approved"]),
            ("void", &["submitted", "approved"]),
        ] {
            let app = create(&client, &project(&client, "100").await).await;
            let take = async |name: &str| {
                client.post(&format!("{}/{name}", path(&app)), &json!({ "reason": "So it is." })).await
            };
            let plain = async |name: &str| {
                if matches!(name, "reject" | "void") { take(name).await } else { step(&client, &app, name).await }
            };
            for earlier in steps {
                plain(earlier).await.data(200);
            }
            let before = get(&client, &app).await;
            assert_eq!(before["status"], state);
            let answer = plain(name).await;
            if from.contains(&state) {
                answer.data(200);
            } else {
                answer.problem(409, "conflict");
                assert_eq!(get(&client, &app).await, before, "{name} from {state}");
            }
        }
    }
}

#[tokio::test]
async fn applications_made_at_once_have_numbers_without_a_gap() {
    let (_world, client) = start().await;
    let project = project(&client, "1000").await;
    let mut made = JoinSet::new();
    for _ in 0..32 {
        let (client, project) = (client.clone(), project.clone());
        made.spawn(async move {
            loop {
                let answer = client.post("/pay-apps", &json!({ "projectId": project })).await;
                if answer.status != 503 {
                    return answer.data(201)["payAppNumber"].as_str().expect("a number").to_owned();
                }
            }
        });
    }
    let numbers: BTreeSet<_> = made.join_all().await.into_iter().collect();
    assert_eq!(numbers, (1..=32).map(|n| format!("2026-7-PA{n:03}")).collect());
}

#[tokio::test]
async fn what_the_contract_lets_be_sent_is_taken() {
    let (_world, client) = start().await;
    let body = json!({
        "projectId": project(&client, "1000").await, "payAppNumber": "7", "periodStart": "2026-03-01", "periodEnd": "2026-03-31",
        "contractSum": "1200.5", "changeOrdersTotal": "-100", "retainagePercent": "8.125", "changeOrders": [{ "any": "thing" }],
        "voidedBy": null, "voidedAt": "2026-01-01", "voidReason": "none", "sentAt": "2026-04-01", "sentBy": null, "notes": "So.",
    });
    let made = client.post("/pay-apps", &body).await.data(201).clone();
    for (field, value) in [
        ("payAppNumber", json!("7")),
        ("contractSum", json!("1200.50")),
        ("changeOrdersTotal", json!("-100.00")),
        ("revisedContractSum", json!("1100.50")),
        ("retainagePercent", json!("8.125")),
        ("changeOrders", json!([{ "any": "thing" }])),
        ("voidedAt", json!(null)),
        ("sentAt", json!("2026-04-01T00:00:00.000Z")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let same = client.patch(&path(&made), &made).await.data(200).clone();
    assert_eq!(same, made, "what was read can be sent back");
    let follows = client.patch(&path(&made), &json!({ "changeOrdersTotal": null })).await.data(200).clone();
    assert_eq!((&follows["changeOrdersTotal"], &follows["changeOrdersTotalFollows"]), (&json!("0.00"), &json!(true)));
    let period = json!({ "periodEnd": "2026-02-01" });
    client.patch(&path(&made), &period).await.refuses_fields(&[("periodEnd", "invalid_value")]);
}

/// It goes to the contact of its project, or to whom the body says; its status stays.
#[tokio::test]
async fn one_is_sent_as_it_is() {
    let (world, client) = start().await;
    let app = create(&client, &project(&client, "1000.00").await).await;
    step(&client, &app, "send").await.refuses_fields(&[("recipientEmail", "required")]);
    let to = json!({ "recipientEmail": "owner@example.com", "requestSignature": true });
    client.post(&format!("{}/send", path(&app)), &to).await.refuses_fields(&[("requestSignature", "invalid_value")]);
    assert_eq!(get(&client, &app).await["sentAt"], json!(null));
    let to = json!({ "recipientEmail": "owner@example.com" });
    let sent = client.post(&format!("{}/send", path(&app)), &to).await;
    assert_eq!((&sent.data(200)["emailSent"], &sent.json["data"]["status"]), (&json!(false), &json!("draft")));
    assert!(!sent.json["data"]["sentAt"].is_null());
    let mails = "SELECT count(*) FROM mail_outbox WHERE enclosed = 'pay_app' AND recipient = 'owner@example.com'";
    assert_eq!(world.number(mails).await, 1);
}
