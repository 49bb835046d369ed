//! What answers show and requests cannot set: the same for every operation that changes one row, whoever adds it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Operation, World, operations, send};

/// The fields that are refused where another value is sent, by operation. Whatever else is read-only is ignored: ids, times of record,
/// sums, and what belongs to other rows.
const GUARDED: &[(&str, &[&str])] = &[
    ("patchBidsById", &["status"]),
    ("patchBidsByIdLineItemsByItemId", &["sellTaxPercent"]),
    ("patchInvoicesById", &["status", "voidReason", "qboSyncStatus"]),
    ("patchInvoicesByIdPaymentsByPaymentId", &["voidedAt", "source"]),
    ("patchPayAppsById", &["status", "rejectionReason"]),
    ("patchPayAppsByIdLineItemsByLineId", &["changeOrderId", "origin", "firstLineId"]),
    ("patchChangeOrdersById", &["status"]),
    (
        "patchApiKeysById",
        &["createdBy", "expiresAt", "mode", "rateLimit", "replacedBy", "replaces", "revokedAt", "scopes", "status"],
    ),
    ("patchWebhookEndpointsById", &["disabledAt", "disabledReason"]),
];

/// What the answer to a read shows of other rows. Answers to changes do not.
const BESIDE: &[&str] = &[
    "kitItems",
    "lineItems",
    "payments",
    "tenantId",
    "isOverdue",
    "contact",
    "approver",
    "distributedCosts",
    "changeOrderItems",
    "emailSent",
    "emailStatus",
    "sublines",
    "items",
    "project",
    "creator",
];

/// The row that an answer shows: a payment is shown beside its invoice.
fn row_in(data: &Value) -> &Value {
    data.get("payment").unwrap_or(data)
}

fn without_beside(row: &Value) -> Value {
    let mut row = row_in(row).clone();
    row.as_object_mut().expect("an object").retain(|name, _| !BESIDE.contains(&name.as_str()));
    row
}

/// Another value than this one, of the same kind where there is one.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => json!("2027-01-31T08:00:00.000Z"),
        Value::Bool(is) => json!(!is),
        Value::Number(number) => json!(number.as_f64().expect("a number") + 1.0),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(items) if items.is_empty() => json!(["x"]),
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({ "id": -1 }),
    }
}

/// A new row of what the operation changes, as it is read: its path and what is shown.
async fn row(client: &Client, all: &[Operation], patch: &Operation) -> (String, Value) {
    let make = async |collection: &str| {
        let create = all.iter().find(|other| other.makes(collection)).expect("a way to make one");
        let make = async || {
            // What it names, if that is made without naming others.
            for named in create.refers_to.iter().map(|(_, named)| named) {
                let make = all.iter().find(|other| other.method == Method::POST && other.path == *named);
                if let Some(make) = make.filter(|make| make.refers_to.is_empty() || named == "/projects") {
                    client.post(named, make.example.as_ref().expect("a body")).await.data(201);
                }
            }
            let example = create.body(client, collection).await.expect("a body");
            if let Some((invoice, "")) = collection.split_once("/payments") {
                // Drafts are not paid.
                client.post(&format!("{invoice}/mark-sent"), &json!({})).await.data(200);
            }
            {
                let made = send(create.request(client, collection, Some(&example))).await;
                row_in(made.data(201))["id"].as_i64().expect("an id")
            }
        };
        if !collection[1..].contains('/') {
            // Another one, which what is made below may name.
            make().await;
        }
        make().await
    };
    let row = patch.path_to_new(make).await;
    let shown = read(client, all, patch, &row).await;
    (row, shown)
}

/// What is shown under this path: by itself, or in the list of a family whose rows are not read one by one.
async fn read(client: &Client, all: &[Operation], patch: &Operation, row: &str) -> Value {
    if all.iter().any(|other| other.method == Method::GET && other.path == patch.path) {
        return client.get(row).await.data(200).clone();
    }
    let (collection, id) = row.rsplit_once('/').expect("a path of a row");
    let list = match collection {
        // They are shown on what they are about: the contact that was made for it.
        "/comments" => {
            let contact = client.get("/contacts?limit=1").await.data(200)[0]["id"].clone();
            client.get(&format!("/comments/contact/{contact}")).await
        }
        // They are shown with it.
        _ if collection.starts_with("/invoices/") && collection.ends_with("/lines") => {
            let invoice = client.get(collection.trim_end_matches("/lines")).await;
            let mut rows = invoice.data(200)["lineItems"].as_array().expect("lines").iter();
            let id: i64 = id.parse().expect("a number");
            return rows.find(|row| row["id"] == id).expect("the row").clone();
        }
        _ => client.get(collection).await,
    };
    let mut rows = list.data(200).as_array().expect("rows").iter();
    let id: i64 = id.parse().expect("a number");
    rows.find(|row| row["id"] == id).expect("the row").clone()
}

#[tokio::test]
async fn what_was_read_can_be_sent_back_and_nothing_else_seems_to_change() {
    let world = World::start().await;
    let all = operations(&world).await;
    let mut scopes: Vec<&str> = all.iter().flat_map(|operation| &operation.scopes).map(String::as_str).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let client = world.client(&scopes).await;
    // Of what rows name that are made.
    world.user(&world.tenant, "ada@example.com", "member").await;
    client.post("/projects", &json!({ "name": "Garage" })).await.data(201);
    let changes: Vec<_> = all.iter().filter(|operation| operation.method == Method::PATCH).collect();
    assert!(changes.len() >= 2, "contacts and keys are changed");
    for operation in changes {
        let (path, shown) = row(&client, &all, operation).await;
        let name = &operation.name;
        let own = without_beside(&shown);
        assert_eq!(without_beside(client.patch(&path, &shown).await.data(200)), own, "{name}");
        assert!(operation.read_only.iter().any(|field| field == "id"), "{name}");
        let mut guarded = json!({});
        for field in &operation.read_only {
            let mut body = json!({ field: another(&shown[field]) });
            for always in &operation.required {
                body[always] = shown[always].clone();
            }
            let answer = client.patch(&path, &body).await;
            let guarded_here =
                GUARDED.iter().find(|(operation, _)| operation == name).map_or(&[][..], |(_, fields)| fields);
            if guarded_here.contains(&field.as_str()) {
                answer.refuses_fields(&[(field, "read_only")]);
                assert!(answer.json["errors"][0]["message"].as_str().is_some_and(|text| text.len() > 50), "{answer}");
                guarded[field] = another(&shown[field]);
            } else {
                assert_eq!(without_beside(answer.data(200)), own, "{name} {field}");
            }
            assert_eq!(read(&client, &all, operation, &path).await, shown, "{name} {field}");
        }
        // All of them are told at once, and what could be changed beside them is not.
        let expected: Vec<_> = guarded.as_object().expect("an object").keys().cloned().collect();
        let mut body = guarded.clone();
        for (field, value) in operation.example.as_ref().and_then(Value::as_object).into_iter().flatten() {
            body[field] = value.clone();
        }
        if !expected.is_empty() {
            let expected: Vec<_> = expected.iter().map(|field| (field.as_str(), "read_only")).collect();
            client.patch(&path, &body).await.refuses_fields(&expected);
            assert_eq!(read(&client, &all, operation, &path).await, shown, "{name}");
        }
    }
}
