//! What answers show and requests cannot set: the same for every operation that changes one row, whoever adds it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Operation, World, operations};

/// Ids, times of record and sums: a request may say of them what it likes.
const IGNORED: &[&str] = &[
    "id",
    "keyId",
    "prefix",
    "createdAt",
    "updatedAt",
    "lastUsedAt",
    "lastDeliveredAt",
    "consecutiveFailures",
    "convertedProjectId",
    "leadId",
    "bidId",
];

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
    let collection = patch.path.strip_suffix("/{id}").expect("an operation on one row");
    let create = all.iter().find(|other| other.method == Method::POST && other.path == collection);
    let example = create.expect("a way to make one").body(client).await.expect("a body");
    let made = client.post(collection, &example).await;
    let row = patch.path_of(made.data(201)["id"].as_i64().expect("an id"));
    let shown = read(client, all, patch, &row).await;
    (row, shown)
}

/// What is shown under this path: by itself, or in the list of a family whose rows are not read one by one.
async fn read(client: &Client, all: &[Operation], patch: &Operation, row: &str) -> Value {
    if all.iter().any(|other| other.method == Method::GET && other.path == patch.path) {
        return client.get(row).await.data(200).clone();
    }
    let (collection, id) = row.rsplit_once('/').expect("a path of a row");
    let list = client.get(collection).await;
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
    let changes: Vec<_> = all.iter().filter(|operation| operation.method == Method::PATCH).collect();
    assert!(changes.len() >= 2, "contacts and keys are changed");
    for operation in changes {
        let (path, shown) = row(&client, &all, operation).await;
        let name = &operation.name;
        assert_eq!(client.patch(&path, &shown).await.data(200), &shown, "{name}");
        assert!(operation.read_only.iter().any(|field| field == "id"), "{name}");
        let mut guarded = json!({});
        for field in &operation.read_only {
            let body = json!({ field: another(&shown[field]) });
            let answer = client.patch(&path, &body).await;
            if IGNORED.contains(&field.as_str()) {
                assert_eq!(answer.data(200), &shown, "{name} {field}");
            } else {
                answer.refuses_fields(&[(field, "read_only")]);
                assert!(answer.json["errors"][0]["message"].as_str().is_some_and(|text| text.len() > 50), "{answer}");
                guarded[field] = another(&shown[field]);
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
