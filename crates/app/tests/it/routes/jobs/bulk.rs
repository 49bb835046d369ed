//! Bulk changes.

use serde_json::{Value, json};

use super::{done, start};
use crate::support::Client;

async fn project(client: &Client, name: &str) -> i64 {
    client.post("/projects", &json!({ "name": name })).await.data(201)["id"].as_i64().expect("an id")
}

async fn bulk(client: &Client, operation: &str, ids: &[i64]) -> Value {
    let job = done(client, "/projects/bulk", &json!({ "operation": operation, "ids": ids })).await;
    assert_eq!((&job["status"], &job["type"]), (&json!("succeeded"), &json!("bulk")), "{job}");
    job["result"].clone()
}

#[tokio::test]
async fn many_rows_are_deleted_and_restored_and_others_are_skipped() {
    let (world, client) = start().await;
    let foreign = world.client_of(&world.another_tenant().await, super::ALL).await;
    let (one, two) = (project(&client, "One").await, project(&client, "Two").await);
    let theirs = project(&foreign, "Theirs").await;
    let skipped = |ids: &[i64]| ids.iter().map(|id| json!({ "id": id, "code": "not_found" })).collect::<Vec<_>>();
    let expected = |requested: usize, succeeded: usize, ids: &[i64]| json!({ "requested": requested, "succeeded": succeeded, "skipped": ids.len(), "reasons": skipped(ids) });
    let before = world.events().await.len();
    let deleted = bulk(&client, "delete", &[two, theirs, one, two]).await;
    assert_eq!(deleted, expected(3, 2, &[theirs]));
    assert_eq!(client.get("/projects/count").await.data(200)["total"], 0);
    assert_eq!(foreign.get("/projects/count").await.data(200)["total"], 1);
    assert_eq!(bulk(&client, "delete", &[one]).await, expected(1, 0, &[one]));
    let restored = bulk(&client, "restore", &[one, two, theirs]).await;
    assert_eq!(restored, expected(3, 2, &[theirs]));
    assert_eq!(client.get("/projects/count").await.data(200)["total"], 2);
    let events = world.events().await;
    let told: Vec<_> = events[before..].iter().map(|event| (event.kind.as_str(), event.data["id"].as_i64())).collect();
    assert_eq!(
        told,
        [
            ("project.deleted", Some(one)),
            ("project.deleted", Some(two)),
            ("project.updated", Some(one)),
            ("project.updated", Some(two)),
        ]
    );
}
