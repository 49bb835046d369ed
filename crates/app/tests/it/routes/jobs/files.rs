//! Uploads.

use bwp_domain::paging::{CursorKeys, CursorSecret};
use reqwest::Method;
use serde_json::json;

use super::{ALL, done, put, upload};
use crate::support::{World, send};

const SECRET: &str = "a secret that the test knows as well as the server";

fn parts(url: &str) -> (String, String) {
    let (path, token) = url.rsplit_once('/').expect("a path");
    (path.to_owned(), token.to_owned())
}

#[tokio::test]
async fn an_upload_url_is_good_for_a_while_and_for_one_place() {
    let world = World::start_with(&["--cursor-secret", SECRET, "--max-import-size", "64"]).await;
    let client = world.client(ALL).await;
    let place = client.post("/jobs/uploads", &json!({ "contentType": "text/csv" })).await.data(200).clone();
    assert_eq!(place["expiresInSeconds"], 900);
    let url = place["uploadUrl"].as_str().expect("a URL").to_owned();
    assert!(url.starts_with(&world.server.url), "{url}");
    // Nothing was uploaded yet.
    let body = json!({ "sourcePath": place["sourcePath"], "mapping": { "Name": "name" } });
    client.post("/leads/imports", &body).await.refuses_fields(&[("sourcePath", "not_found")]);

    let http = reqwest::Client::new();
    let typed = async |kind: &str| send(http.put(&url).header("content-type", kind).body("Name\nx\n")).await;
    typed("application/json").await.problem(415, "bad_request");
    put(&url, vec![b'x'; 65]).await.problem(413, "bad_request");
    client.post("/leads/imports", &body).await.refuses_fields(&[("sourcePath", "not_found")]);

    // A key that is sent along means nothing.
    let with_key =
        http.put(&url).bearer_auth("bwp_live_x").header("content-type", "text/csv; charset=utf-8").body("Name\nOne\n");
    send(with_key).await.data(200);
    // The second one takes the place of the first.
    put(&url, b"Name\nTwo\nThree\n".to_vec()).await.data(200);
    let job = done(&client, "/leads/imports", &body).await;
    assert_eq!(job["result"]["created"], 2, "{job}");

    let (path, token) = parts(&url);
    let (payload, mac) = token.split_once('.').expect("two parts");
    let keys = CursorKeys::new(CursorSecret::new(SECRET.as_bytes().to_vec()).expect("long enough"), Vec::new());
    let carried = keys.read("/files/uploads", &token).expect("signed");
    let mut late: serde_json::Value = serde_json::from_slice(&carried).expect("JSON");
    late["until"] = json!(1);
    let late = keys.sign("/files/uploads", late.to_string().as_bytes());
    let other = CursorKeys::new(CursorSecret::new(vec![7; 32]).expect("long enough"), Vec::new());
    let forged = other.sign("/files/uploads", &carried);
    let for_download = keys.sign("/files/downloads", &carried);
    for bad in [late, forged, for_download, payload.to_owned(), format!("{payload}.{}", &mac[1..]), "x.y".to_owned()] {
        put(&format!("{path}/{bad}"), b"Name\nx\n".to_vec()).await.problem(403, "forbidden");
    }
    let wrong_method = send(http.request(Method::POST, &url).body("x")).await;
    assert_eq!((wrong_method.status, wrong_method.header("allow")), (405, "PUT"));
}

#[tokio::test]
async fn an_upload_url_is_told_again_and_lies_in_no_receipt() {
    let (world, client) = super::start().await;
    let keyed = || client.request(Method::POST, "/jobs/uploads").header("idempotency-key", "place").json(&json!({}));
    let first = send(keyed()).await;
    let again = send(keyed()).await;
    assert_eq!((first.status, again.status, again.header("idempotent-replayed")), (200, 200, "true"));
    assert_eq!(first.bytes, again.bytes);
    let signed = world
        .number("SELECT count(*) FROM idempotency_receipts WHERE convert_from(body, 'UTF8') LIKE '%/files/%'")
        .await;
    assert_eq!(signed, 0, "a receipt holds what lets its bearer in");
    put(again.data(200)["uploadUrl"].as_str().expect("a URL"), b"Name\nx\n".to_vec()).await.data(200);
}

#[tokio::test]
async fn an_upload_url_dies_with_its_credential() {
    let (world, client) = super::start().await;
    let made = world.key(&world.tenant, ALL, &[]).await;
    let own = client.with_key(made["key"].as_str().expect("a key"));
    let place = own.post("/jobs/uploads", &json!({})).await.data(200).clone();
    world.bwp(&["key", "revoke", made["keyId"].as_str().expect("an id")]).await;
    put(place["uploadUrl"].as_str().expect("a URL"), b"Name\n".to_vec()).await.problem(403, "forbidden");
    client
        .post("/jobs/uploads", &json!({ "contentType": "text/plain", "a": 1 }))
        .await
        .refuses_fields(&[("contentType", "invalid_value"), ("a", "unknown_field")]);
}

#[tokio::test]
async fn what_is_over_is_thrown_away() {
    let (world, client) = super::start().await;
    let source = upload(&client, b"Name\nx\n").await;
    let export = done(&client, "/leads/exports", &json!({})).await;
    let files = async || world.number("SELECT count(*) FROM job_files").await;
    assert_eq!(files().await, 2);
    world.sql("UPDATE jobs SET expires_at = now() - interval '1 s'").await;
    let path = format!("/jobs/{}", export["id"].as_str().expect("an id"));
    client.get(&path).await.problem(404, "not_found");
    world.sql("UPDATE job_uploads SET expires_at = now() - interval '1 s'").await;
    let body = json!({ "sourcePath": source, "mapping": { "Name": "name" } });
    client.post("/leads/imports", &body).await.refuses_fields(&[("sourcePath", "not_found")]);
}
