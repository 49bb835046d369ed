//! Exports.

use reqwest::Method;
use serde_json::{Value, json};

use super::{done, file, location, start};
use crate::support::{Client, send};

async fn lead(client: &Client, more: &Value) -> Value {
    let stages = client.get("/lead-stages").await;
    let mut body = json!({ "name": "Garage", "stageId": stages.data(200)[0]["id"] });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    client.post("/leads", &body).await.data(201).clone()
}

fn path(job: &Value, what: &str) -> String {
    format!("/jobs/{}/{what}", job["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn an_export_shows_rows_as_spreadsheets_may_open_them() {
    let (_world, client) = start().await;
    let acme = json!({ "type": "vendor", "companyName": "=Acme, Inc." });
    let person = json!({ "type": "vendor", "firstName": "Ann", "lastName": "Lee" });
    let acme = client.post("/contacts", &acme).await.data(201)["id"].clone();
    let person = client.post("/contacts", &person).await.data(201)["id"].clone();
    let first = lead(
        &client,
        &json!({ "contactId": acme, "source": "web \"ad\"", "estimatedValue": "12.5", "probability": 60 }),
    )
    .await;
    let second = lead(
        &client,
        &json!({ "name": "+1+1", "contactId": person, "description": "a\nb", "expectedCloseDate": "2026-05-04" }),
    )
    .await;
    let export = done(&client, "/leads/exports", &json!({})).await;
    let shown = file(&client, &path(&export, "download")).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let header = "id,name,stageId,stageName,contactId,contactName,assignedTo,source,projectType,estimatedValue,probability,\
                  expectedCloseDate,description,siteAddress,siteCity,siteState,siteZipCode,convertedProjectId,createdAt,updatedAt";
    let rows = [
        format!(
            "{},'+1+1,{},New Lead,{person},Ann Lee,,,,,,2026-05-04T00:00:00.000Z,\"a\nb\",,,,,,{},{}",
            second["id"],
            second["stageId"],
            text(&second["createdAt"]),
            text(&second["updatedAt"])
        ),
        format!(
            "{},Garage,{},New Lead,{acme},\"'=Acme, Inc.\",,\"web \"\"ad\"\"\",,12.50,60,,,,,,,,{},{}",
            first["id"],
            first["stageId"],
            text(&first["createdAt"]),
            text(&first["updatedAt"])
        ),
    ];
    assert_eq!(shown, format!("{header}\r\n{}\r\n", rows.join("\r\n")));
    assert_eq!(export["result"], json!({ "rows": 2, "bytes": shown.len() }));
    assert_eq!(export["progress"], json!({ "processed": 2, "total": 2, "errorsCount": 0 }));

    let body = json!({ "filters": { "search": "Acme", "createdAfter": "2026-01-01", "stageId": first["stageId"] }, "columns": ["name", "id"] });
    let some = done(&client, "/leads/exports", &body).await;
    assert_eq!(file(&client, &path(&some, "download")).await, format!("name,id\r\nGarage,{}\r\n", first["id"]));
    let none =
        done(&client, "/leads/exports", &json!({ "filters": { "createdBefore": "2020-01-01" }, "columns": ["id"] }))
            .await;
    assert_eq!(file(&client, &path(&none, "download")).await, "id\r\n");
}

#[tokio::test]
async fn without_a_body_an_export_is_of_all() {
    let (world, client) = start().await;
    lead(&client, &json!({})).await;
    let started = send(client.request(Method::POST, "/leads/exports")).await;
    let id = started.data(202)["id"].as_str().expect("an id").to_owned();
    let export = super::over(&client, &id).await;
    assert_eq!((&export["result"]["rows"], &export["params"]), (&json!(1), &json!({})));
    // Those who may not read may not export.
    let writer = world.client(&["leads:write", "jobs:write"]).await;
    writer.post("/leads/exports", &json!({})).await.problem(403, "scope_insufficient");
}

#[tokio::test]
async fn a_file_is_read_in_parts_and_dies_with_its_credential() {
    let (world, client) = start().await;
    let made = world.key(&world.tenant, super::ALL, &[]).await;
    let own = client.with_key(made["key"].as_str().expect("a key"));
    let export = done(&own, "/projects/exports", &json!({ "columns": ["id", "name"] })).await;
    let url = location(&own, &path(&export, "download")).await;
    assert!(url.starts_with(&world.server.url), "{url}");
    let http = reqwest::Client::new();
    let get = async |range: &str| send(http.get(&url).header("range", range)).await;
    let whole = send(http.get(&url).bearer_auth("whatever")).await;
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, &b"id,name\r\n"[..]));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("content-disposition").starts_with("attachment; filename=\"projects-"));
    let head = http.head(&url).send().await.expect("answered");
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].as_bytes()), (200, &b"9"[..]));
    for (range, status, content_range, bytes) in [
        ("bytes=3-6", 206, "bytes 3-6/9", &b"name"[..]),
        ("bytes=-2", 206, "bytes 7-8/9", b"\r\n"),
        ("bytes=3-", 206, "bytes 3-8/9", b"name\r\n"),
        ("bytes=0-1,3-4", 200, "", b"id,name\r\n"),
    ] {
        let part = get(range).await;
        assert_eq!(
            (part.status, part.header("content-range"), part.bytes.as_slice()),
            (status, content_range, bytes),
            "{range}"
        );
    }
    let beyond = get("bytes=9-").await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */9"));
    // As often as wanted, until the key is revoked.
    assert_eq!(get("bytes=0-").await.status, 206);
    world.bwp(&["key", "revoke", made["keyId"].as_str().expect("an id")]).await;
    get("bytes=0-").await.problem(403, "forbidden");
    let forged = format!("{}x", &url[..url.len() - 1]);
    send(http.get(forged)).await.problem(403, "forbidden");
}
