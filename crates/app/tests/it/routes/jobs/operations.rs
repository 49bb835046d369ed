//! Following jobs and calling them off.

use serde_json::json;

use super::{ALL, begin, done, file, job, over, start, upload};

#[tokio::test]
async fn a_job_is_shown_listed_and_deleted() {
    let (_world, client) = start().await;
    let export = done(&client, "/projects/exports", &json!({ "filters": { "status": "planning" } })).await;
    assert_eq!(
        export,
        json!({
            "id": export["id"],
            "type": "csv_export",
            "resourceType": "projects",
            "status": "succeeded",
            "progress": { "processed": 0, "total": 0, "errorsCount": 0 },
            "params": { "filters": { "status": "planning" } },
            "result": { "rows": 0, "bytes": export["result"]["bytes"] },
            "errorMessage": null,
            "createdAt": export["createdAt"],
            "startedAt": export["startedAt"],
            "completedAt": export["completedAt"],
            "expiresAt": export["expiresAt"],
        })
    );
    let bulk = done(&client, "/leads/bulk", &json!({ "operation": "delete", "ids": [7] })).await;
    assert_eq!(client.get("/jobs").await.data(200), &json!([bulk, export]));
    for (query, found) in [
        ("type=bulk", json!([bulk])),
        ("status=succeeded&resourceType=projects", json!([export])),
        ("status=failed", json!([])),
    ] {
        assert_eq!(client.get(&format!("/jobs?{query}")).await.data(200), &found, "{query}");
    }
    for query in ["type=import", "status=done", "resourceType=lead", "state=queued"] {
        client.get(&format!("/jobs?{query}")).await.problem(400, "bad_request");
    }
    let page = client.get("/jobs?limit=1").await;
    let cursor = page.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(client.get(&format!("/jobs?limit=1&cursor={cursor}")).await.data(200), &json!([export]));

    let path = format!("/jobs/{}", bulk["id"].as_str().expect("an id"));
    client.post(&format!("{path}/cancel"), &json!({})).await.problem(409, "conflict");
    client.get(&format!("{path}/download")).await.problem(404, "not_found");
    client.get(&format!("{path}/errors")).await.problem(404, "not_found");
    assert_eq!(client.delete(&path).await.status, 204);
    client.delete(&path).await.problem(404, "not_found");
    client.get(&path).await.problem(404, "not_found");
    for id in ["7", "job_7", "job_01JTD2K7QZ3M5N8P4R6S9V0WXY"] {
        client.get(&format!("/jobs/{id}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn jobs_of_others_are_seen_by_those_who_may_read_the_rows() {
    let (world, client) = start().await;
    let export = done(&client, "/leads/exports", &json!({})).await;
    let path = format!("/jobs/{}", export["id"].as_str().expect("an id"));
    let reader = world.client(&["leads:read", "jobs:read"]).await;
    assert_eq!(reader.get(&path).await.data(200), &export);
    let other = world.client(&["projects:read", "jobs:read", "jobs:write"]).await;
    assert_eq!(other.get("/jobs").await.data(200), &json!([]));
    let foreign = world.client_of(&world.another_tenant().await, ALL).await;
    for stranger in [&other, &foreign] {
        for path in [path.clone(), format!("{path}/download"), format!("{path}/errors")] {
            stranger.get(&path).await.problem(404, "not_found");
        }
        stranger.post(&format!("{path}/cancel"), &json!({})).await.problem(404, "not_found");
        stranger.delete(&path).await.problem(404, "not_found");
    }
    assert_eq!(client.get(&path).await.data(200), &export);
}

#[tokio::test]
async fn what_starts_a_job_says_all_that_is_wrong() {
    let (_world, client) = start().await;
    let body = json!({ "filters": { "limit": 1, "status": "open" }, "columns": ["x"], "a": 1 });
    client.post("/projects/exports", &body).await.refuses_fields(&[
        ("filters.limit", "unknown_field"),
        ("filters.status", "invalid_value"),
        ("columns[0]", "invalid_value"),
        ("a", "unknown_field"),
    ]);
    let body = json!({ "mapping": { "A": "name", "B": "name", "C": "createdAt", "D": "nothing" }, "updateInPlace": 1 });
    client.post("/projects/imports", &body).await.refuses_fields(&[
        ("sourcePath", "required"),
        ("updateInPlace", "invalid_type"),
        ("mapping.B", "repeated"),
        ("mapping.C", "invalid_value"),
        ("mapping.D", "invalid_value"),
    ]);
    client
        .post("/leads/imports", &json!({ "sourcePath": "x", "mapping": {} }))
        .await
        .refuses_fields(&[("mapping", "too_short")]);
    for source in ["x", "upl_01JTD2K7QZ3M5N8P4R6S9V0WXY"] {
        let refused = client.post("/leads/imports", &json!({ "sourcePath": source, "mapping": { "A": "name" } })).await;
        refused.refuses_fields(&[("sourcePath", "not_found")]);
    }
    client
        .post("/leads/bulk", &json!({ "operation": "purge", "ids": [] }))
        .await
        .refuses_fields(&[("operation", "invalid_value"), ("ids", "too_short")]);
    let many: Vec<i64> = (1..=501).collect();
    client
        .post("/leads/bulk", &json!({ "operation": "delete", "ids": many }))
        .await
        .refuses_fields(&[("ids", "too_long")]);
    client
        .post("/leads/bulk", &json!({ "operation": "delete", "ids": [0, "1"] }))
        .await
        .refuses_fields(&[("ids[0]", "invalid_value"), ("ids[1]", "invalid_value")]);
}

/// So many leads as CSV.
fn leads(count: usize) -> Vec<u8> {
    let rows = (0..count).map(|n| format!("Lead {n}\r\n")).collect::<Vec<_>>().concat();
    format!("Name\r\n{rows}").into_bytes()
}

#[tokio::test]
async fn a_cancelled_import_keeps_what_it_committed_and_says_so() {
    let (world, client) = start().await;
    let source = upload(&client, &leads(50_000)).await;
    let body = json!({ "sourcePath": source, "mapping": { "Name": "name" } });
    let id = begin(&client, "/leads/imports", &body).await;
    let path = format!("/jobs/{id}/download");
    world.wait_until("SELECT count(*) FROM jobs WHERE created > 0").await;
    client.get(&path).await.problem(409, "conflict");
    let cancelled = client.post(&format!("/jobs/{id}/cancel"), &json!({})).await.data(200).clone();
    assert_eq!(cancelled["status"], "cancelled");
    client.get(&path).await.problem(409, "conflict");
    // Whatever was under way is gone by now, or was counted.
    let created = cancelled["result"]["created"].as_i64().expect("a number");
    assert!((1..50_000).contains(&created));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(world.number("SELECT count(*) FROM leads").await, created);
    assert_eq!(job(&client, &id).await, cancelled);
}

#[tokio::test]
async fn a_revoked_key_ends_its_jobs_and_nothing_more_is_written() {
    let (world, client) = start().await;
    let made = world.key(&world.tenant, ALL, &[]).await;
    let own = client.with_key(made["key"].as_str().expect("a key"));
    // Without a name: told in the file of errors, whatever ends the job.
    let mut file = leads(50_000);
    file.splice(0..6, *b"Name,Value\r\n,7\r\n");
    let source = upload(&own, &file).await;
    let body = json!({ "sourcePath": source, "mapping": { "Name": "name", "Value": "estimatedValue" } });
    let id = begin(&own, "/leads/imports", &body).await;
    world.wait_until("SELECT count(*) FROM jobs WHERE created > 0").await;
    world.bwp(&["key", "revoke", made["keyId"].as_str().expect("an id")]).await;
    let written = world.number("SELECT count(*) FROM leads").await;
    let failed = over(&client, &id).await;
    assert_eq!((&failed["status"], &failed["errorMessage"]), (&json!("failed"), &json!("credential revoked")));
    assert_eq!(failed["result"], json!({ "created": written, "updated": 0, "errors": 1 }));
    assert!((1..50_000).contains(&written));
    assert_eq!(world.number("SELECT count(*) FROM leads").await, written);
    world.wait_until("SELECT count(*) FROM jobs WHERE errors_artifact IS NOT NULL").await;
    assert_eq!(file_rows(&client, &id).await, 2);
}

async fn file_rows(client: &crate::support::Client, id: &str) -> usize {
    file(client, &format!("/jobs/{id}/errors")).await.lines().count()
}
