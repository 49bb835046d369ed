//! Documents as PDFs: three families by jobs, invoices at once.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use super::jobs::{begin, location, over};
use crate::support::{Answer, Client, World, send};

const ALL: &[&str] = &[
    "bids:read",
    "bids:write",
    "bids:accept_reject",
    "change_orders:read",
    "change_orders:write",
    "change_orders:approve",
    "pay_apps:read",
    "pay_apps:write",
    "invoices:read",
    "invoices:write",
    "invoices:send",
    "invoices:mark_paid",
    "invoices:void",
    "projects:read",
    "projects:write",
    "contacts:read",
    "contacts:write",
    "jobs:read",
    "jobs:write",
];

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

/// The text of a PDF, which is sound, with one blank between two words.
async fn text_of(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("it.pdf");
    std::fs::write(&path, pdf).expect("written");
    let checked = Command::new("qpdf").arg("--check").arg(&path).output().await.expect("qpdf, from scripts/test");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let read = Command::new("pdftotext").arg("-raw").arg(&path).arg("-").output().await.expect("poppler-utils");
    let text = String::from_utf8(read.stdout).expect("UTF-8");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The document of a row, by a job: its text, and what the file is called.
async fn printed(client: &Client, row: &str) -> (String, String) {
    let job = begin(client, &format!("{row}/pdf"), &json!({})).await;
    let job = over(client, &job).await;
    assert_eq!((&job["status"], &job["type"]), (&json!("succeeded"), &json!("pdf")), "{job}");
    let answer = send(reqwest::Client::new().get(location(client, &path(&job)).await)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"), "{answer}");
    assert_eq!(job["result"]["bytes"], json!(answer.bytes.len()));
    let name = job["result"]["fileName"].as_str().expect("a name").to_owned();
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with(&format!("attachment; filename=\"{name}\"")), "{disposition}");
    (text_of(&answer.bytes).await, name)
}

fn path(job: &Value) -> String {
    format!("/jobs/{}/download", job["id"].as_str().expect("an id"))
}

async fn invoice(client: &Client, invoice: &Value) -> (Answer, String) {
    let answer = client.get(&format!("/invoices/{}/pdf", invoice["id"])).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"), "{answer}");
    let text = text_of(&answer.bytes).await;
    (answer, text)
}

fn has_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test]
async fn a_bid_is_printed_as_the_customer_sees_it() {
    let (world, client) = start().await;
    world
        .bwp(&[
            "tenant",
            "set-letterhead",
            &world.tenant,
            "--company-name",
            "Byron Masonry",
            "--phone",
            "+1 555 0100",
            "--license-number",
            "MC-1042",
            "--footer",
            "Thank you for your business.",
            "--layout",
            "band",
            "--accent-color",
            "#b45309",
        ])
        .await;
    let contact = json!({ "type": "customer", "companyName": "王小明建筑公司", "firstName": "محمد", "email": "owner@example.com" });
    let contact = client.post("/contacts", &contact).await.data(201)["id"].clone();
    let body = json!({
        "name": "Garage \u{1f3d7}", "contactId": contact, "discount": "5", "discountType": "percentage", "taxRate": "7",
        "siteAddress": "12 Elm Street", "siteCity": "Springfield", "siteState": "IL", "siteZipCode": "62701",
        "validUntil": "2027-03-31", "terms": "<p>Work is <b>guaranteed</b>.</p><script>alert(1)</script>",
        "paymentTermsText": "Net 30", "notes": "margin is thin", "marginPercent": "30", "showSublines": true,
    });
    let bid = client.post("/bids", &body).await.data(201).clone();
    let row = format!("/bids/{}", bid["id"]);
    let line = json!({ "markName": "M-01", "description": "Curb adapter", "quantity": "4", "unitPrice": "700" });
    let line = client.post(&format!("{row}/line-items"), &line).await.data(201)["id"].clone();
    let item = json!({ "description": "Connector", "quantity": "2", "unitCost": "350" });
    client.post(&format!("{row}/line-items/{line}/sublines"), &item).await.data(201);

    let (text, name) = printed(&client, &row).await;
    assert_eq!(name, "Bid-BID-001.pdf");
    let bid = client.get(&row).await.data(200).clone();
    assert_eq!((&bid["subtotal"], &bid["total"]), (&json!("4000.00"), &json!("4066.00")));
    has_all(
        &text,
        &[
            "Byron Masonry",
            "+1 555 0100",
            "License MC-1042",
            "Thank you for your business.",
            "BID-001",
            "Garage \u{1f3d7}",
            "王小明建筑公司",
            "محمد",
            "owner@example.com",
            "12 Elm Street",
            "Springfield, IL 62701",
            "M-01 Curb adapter 4 $1,000.00 $4,000.00",
            "Connector 2",
            "Subtotal $4,000.00",
            "Discount (5%) -$200.00",
            "Sales tax (7%) $266.00",
            "Bid total, valid until March 31, 2027 $4,066.00",
            "Net 30",
            "Work is guaranteed.",
            "accepts this bid of $4,066.00",
            "DRAFT",
            "Page 1 of",
        ],
    );
    for secret in ["margin", "30%", "350", "700", "alert", "2,800"] {
        assert!(!text.contains(secret), "{secret:?} is printed: {text}");
    }

    let accept = json!({ "acceptedBy": "Ada Example" });
    client.post(&format!("{row}/accept"), &accept).await.data(200);
    let (text, _) = printed(&client, &row).await;
    has_all(&text, &["Ada Example"]);
    assert!(!text.contains("DRAFT"), "{text}");
}

#[tokio::test]
async fn a_change_order_shows_how_the_contract_sum_flows() {
    let (_world, client) = start().await;
    let project = json!({ "name": "Garage", "originalContractValue": "75000" });
    let project = client.post("/projects", &project).await.data(201)["id"].clone();
    let order = async |title: &str, amount: &str| {
        let body = json!({ "projectId": project, "title": title, "reason": "customer_request" });
        let order = client.post("/change-orders", &body).await.data(201)["id"].clone();
        let item = json!({ "description": title, "amount": amount });
        client.post(&format!("/change-orders/{order}/line-items"), &item).await.data(201);
        client.post(&format!("/change-orders/{order}/submit"), &json!({})).await.data(200);
        format!("/change-orders/{order}")
    };
    let (first, second) = (order("A second door", "4800").await, order("A third door", "1000.5").await);
    client.post(&format!("{first}/approve"), &json!({ "approvedBy": "Grace Example" })).await.data(200);
    client.post(&format!("{second}/approve"), &json!({})).await.data(200);
    let (text, name) = printed(&client, &first).await;
    assert_eq!(name, "ChangeOrder-CO-001.pdf");
    has_all(
        &text,
        &[
            "A second door",
            "Customer request",
            "+$4,800.00",
            "Original contract sum $75,000.00",
            "Change orders approved before $0.00",
            "New contract sum $79,800.00",
            "Grace Example",
        ],
    );
    let (text, _) = printed(&client, &second).await;
    has_all(
        &text,
        &[
            "Change orders approved before $4,800.00",
            "Contract sum before this change $79,800.00",
            "New contract sum $80,800.50",
        ],
    );
    client.post(&format!("{second}/void"), &json!({ "reason": "By mistake." })).await.data(200);
    has_all(&printed(&client, &second).await.0, &["VOID"]);
}

#[tokio::test]
async fn a_pay_application_has_its_lines_and_its_schedule() {
    let (_world, client) = start().await;
    let project = json!({ "name": "Garage", "originalContractValue": "75000" });
    let project = client.post("/projects", &project).await.data(201).clone();
    let body = json!({ "projectId": project["id"], "periodStart": "2026-03-01", "periodEnd": "2026-03-31" });
    let app = client.post("/pay-apps", &body).await.data(201).clone();
    let row = format!("/pay-apps/{}", app["id"]);
    let line = json!({ "description": "Mobilization", "scheduledValue": "5000", "currentBilled": "333.33" });
    client.post(&format!("{row}/line-items"), &line).await.data(201);
    let (text, name) = printed(&client, &row).await;
    assert_eq!(name, format!("PayApp-{}.pdf", app["payAppNumber"].as_str().expect("a number")));
    let app = client.get(&row).await.data(200).clone();
    assert_eq!(app["currentPaymentDue"], "300.00");
    has_all(
        &text,
        &[
            "March 1, 2026 to March 31, 2026",
            "1 Original contract sum $75,000.00",
            "5 Retainage to date (10% of line 4) $33.33",
            "8 Current payment due (6 - 7) $300.00",
            "9 Balance to finish, retainage included (3 - 6) $74,700.00",
            "Notary public",
            "Mobilization $5,000.00 $0.00 $333.33 $0.00 $333.33 6.67% $4,666.67 $33.33",
            "Total $80,000.00",
            "they differ by $5,000.00",
            "DRAFT",
            "Page 3 of 3",
        ],
    );
}

#[tokio::test]
async fn an_invoice_is_printed_at_once_with_its_payments() {
    let (_world, client) = start().await;
    let project = client.post("/projects", &json!({ "name": "Garage" })).await.data(201)["id"].clone();
    let body = json!({
        "invoice": { "projectId": project, "contactId": null, "issueDate": "2026-04-01", "dueDate": "2026-05-01",
                     "taxRate": "7", "discountType": "percentage", "discount": "2.5", "notesToCustomer": "Thank you." },
        "lines": [
            { "description": "Call", "unitPrice": "285.00" },
            { "description": "Motor", "unitPrice": "168" },
            { "description": "Labor", "quantity": "2.5", "unitPrice": "95.25", "isTaxable": false },
        ],
    });
    let made = client.post("/invoices", &body).await.data(201).clone();
    let row = format!("/invoices/{}", made["id"]);
    let (answer, text) = invoice(&client, &made).await;
    assert!(answer.header("content-disposition").starts_with("inline; filename=\"Invoice-INV-0001.pdf\""), "{answer}");
    has_all(
        &text,
        &[
            "Issue date April 1, 2026",
            "Due date May 1, 2026",
            "Labor 2.5 $95.25 $238.13",
            "Subtotal $691.13",
            "Discount (2.5%) -$17.28",
            "Sales tax (7%) $30.92",
            "Total $704.77",
            "Balance due $704.77",
            "Thank you.",
            "DRAFT",
        ],
    );
    client.post(&format!("{row}/mark-sent"), &json!({})).await.data(200);
    let pay = async |amount: &str, reference: &str| {
        let payment = json!({ "amount": amount, "paidAt": "2026-04-12", "method": "check", "reference": reference });
        client.post(&format!("{row}/payments"), &payment).await.data(201)["payment"]["id"].clone()
    };
    let first = pay("300.00", "1042").await;
    client.delete(&format!("{row}/payments/{first}")).await.data(200);
    pay("704.77", "1043").await;
    let (_, text) = invoice(&client, &made).await;
    has_all(&text, &["Paid April 12, 2026, Check, 1043 -$704.77", "Balance due $0.00", "PAID"]);
    assert!(!text.contains("1042") && !text.contains("DRAFT"), "{text}");
    client.get("/invoices/999999/pdf").await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_not_there_is_not_printed() {
    let (_world, client) = start().await;
    for family in ["bids", "change-orders", "pay-apps"] {
        for id in ["999999", "x"] {
            let answer = send(client.request(Method::POST, &format!("/{family}/{id}/pdf"))).await;
            answer.problem(404, "not_found");
        }
    }
    let bid = client.post("/bids", &json!({})).await.data(201)["id"].clone();
    let keyed = async || {
        let request = client.request(Method::POST, &format!("/bids/{bid}/pdf")).header("idempotency-key", "print-once");
        send(request).await.data(202)["job_id"].clone()
    };
    assert_eq!(keyed().await, keyed().await, "a repetition starts no other job");
}
