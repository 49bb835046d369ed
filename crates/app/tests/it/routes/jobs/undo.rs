//! Undoing imports.

use serde_json::{Value, json};

use super::{ALL, done, import, start, wrong};
use crate::support::Client;

async fn undo(client: &Client, job: &Value) -> Value {
    let path = format!("/jobs/{}/undo", job["id"].as_str().expect("an id"));
    let undone = done(client, &path, &json!({})).await;
    assert_eq!((&undone["status"], &undone["type"]), (&json!("succeeded"), &json!("bulk")), "{undone}");
    undone
}

async fn named(client: &Client, name: &str) -> Value {
    let found = client.get(&format!("/contacts?search={name}")).await.data(200).clone();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{name}: {found}");
    found[0].clone()
}

#[tokio::test]
async fn an_import_is_undone_but_for_what_changed_since() {
    let (world, _) = start().await;
    let client = world.client(&[ALL, &["contacts:delete"]].concat()).await;
    let kept = json!({ "type": "customer", "firstName": "Kept", "companyName": "Old" });
    let kept = client.post("/contacts", &kept).await.data(201).clone();
    let file = format!("id,Name,Company\r\n{},Kept,New\r\n,Made,\r\n,Edited,\r\n,Gone,\r\n", kept["id"]);
    let mapping = json!({ "id": "id", "Name": "firstName", "Company": "companyName" });
    let imported = import(&client, "contacts", file.as_bytes(), &mapping, true).await;
    assert_eq!(imported["result"], json!({ "created": 3, "updated": 1, "errors": 0 }), "{imported}");
    assert_eq!(named(&client, "Kept").await["companyName"], "New");
    let (edited, gone) = (named(&client, "Edited").await, named(&client, "Gone").await);
    client.patch(&format!("/contacts/{}", edited["id"]), &json!({ "companyName": "Theirs" })).await.data(200);
    client.delete(&format!("/contacts/{}", gone["id"])).await;

    let undone = undo(&client, &imported).await;
    assert_eq!(undone["result"], json!({ "requested": 4, "succeeded": 2, "skipped": 2 }), "{undone}");
    assert_eq!(undone["progress"], json!({ "processed": 4, "total": 4, "errorsCount": 2 }), "{undone}");
    let codes: Vec<_> = wrong(&client, &undone).await.into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["not_found", "changed"]);
    let left = named(&client, "Kept").await;
    assert_eq!((&left["firstName"], &left["companyName"]), (&json!("Kept"), &json!("Old")));
    assert_eq!(named(&client, "Edited").await["companyName"], "Theirs");
    assert_eq!(client.get("/contacts/count").await.data(200)["total"], 2);

    // Nothing is left that it could undo.
    let again = undo(&client, &imported).await;
    assert_eq!(again["result"], json!({ "requested": 4, "succeeded": 0, "skipped": 4 }), "{again}");
    // What undoes is no import.
    let path = format!("/jobs/{}/undo", again["id"].as_str().expect("an id"));
    client.post(&path, &json!({})).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_row_that_an_import_changed_in_many_batches_is_as_before() {
    let (world, client) = start().await;
    let first = json!({ "type": "customer", "email": "a@example.com", "firstName": "First" });
    client.post("/contacts", &first).await.data(201);
    // More rows than a batch has.
    let two = |n: usize| format!("a@example.com,Name {n}\r\nn{n}@example.com,N\r\n");
    let rows = (0..2_500).map(two).collect::<Vec<_>>().concat();
    let file = format!("Email,Name\r\n{rows}");
    let imported =
        import(&client, "contacts", file.as_bytes(), &json!({ "Email": "email", "Name": "firstName" }), true).await;
    assert_eq!(imported["result"], json!({ "created": 2_500, "updated": 2_500, "errors": 0 }), "{imported}");
    let batches = world.number("SELECT count(*) FROM job_changes").await;
    assert!(batches > 1, "{batches} batches");
    let with_delete = world.client(&[ALL, &["contacts:delete"]].concat()).await;
    let path = format!("/jobs/{}/undo", imported["id"].as_str().expect("an id"));
    client.post(&path, &json!({})).await.problem(403, "scope_insufficient");
    let undone = undo(&with_delete, &imported).await;
    assert_eq!(undone["result"]["skipped"], 0, "{undone}");
    let left = client.get("/contacts").await.data(200).clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["firstName"], "First");
}
