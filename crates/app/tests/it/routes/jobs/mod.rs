//! `/jobs`, and what starts them.

mod bulk;
mod crash;
mod exports;
mod files;
mod imports;
mod operations;
mod undo;

use reqwest::{Method, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, send, until};

/// What most of these need.
const ALL: &[&str] = &[
    "leads:read",
    "leads:write",
    "leads:delete",
    "projects:read",
    "projects:write",
    "projects:delete",
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

/// Uploads a file, and gives what imports call it.
async fn upload(client: &Client, file: &[u8]) -> String {
    let place = client.post("/jobs/uploads", &json!({})).await.data(200).clone();
    let put = put(place["uploadUrl"].as_str().expect("a URL"), file.to_vec()).await;
    put.data(200);
    place["sourcePath"].as_str().expect("a path").to_owned()
}

/// Sends a file to an upload URL.
async fn put(url: &str, file: Vec<u8>) -> Answer {
    send(reqwest::Client::new().request(Method::PUT, url).header("content-type", "text/csv").body(file)).await
}

/// Starts a job, and gives its id.
pub(super) async fn begin(client: &Client, path: &str, body: &Value) -> String {
    let started = client.post(path, body).await;
    let data = started.data(202);
    let id = data["job_id"].as_str().expect("an id").to_owned();
    assert_eq!(data, &json!({ "job_id": id, "status_url": format!("/api/v1/jobs/{id}"), "id": id }));
    id
}

async fn job(client: &Client, id: &str) -> Value {
    client.get(&format!("/jobs/{id}")).await.data(200).clone()
}

/// Waits until the job is over.
pub(super) async fn over(client: &Client, id: &str) -> Value {
    until("the job is over", async || !job(client, id).await["completedAt"].is_null()).await;
    job(client, id).await
}

/// Does a job, and gives it when it is over.
async fn done(client: &Client, path: &str, body: &Value) -> Value {
    over(client, &begin(client, path, body).await).await
}

/// Imports a file.
async fn import(client: &Client, family: &str, file: &[u8], mapping: &Value, update: bool) -> Value {
    let source = upload(client, file).await;
    let body = json!({ "sourcePath": source, "mapping": mapping, "updateInPlace": update });
    done(client, &format!("/{family}/imports"), &body).await
}

/// Where a path of the API leads.
pub(super) async fn location(client: &Client, path: &str) -> String {
    let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let request = client.request(Method::GET, path).build().expect("a request");
    let answer = Answer::read(http.execute(request).await.expect("answered")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (302, "no-store"), "{answer}");
    answer.header("location").to_owned()
}

/// The file behind a path of the API.
async fn file(client: &Client, path: &str) -> String {
    let answer = send(reqwest::Client::new().get(location(client, path).await)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"), "{answer}");
    String::from_utf8(answer.bytes).expect("UTF-8")
}

/// The rows that were not imported: number and code.
async fn wrong(client: &Client, job: &Value) -> Vec<(String, String)> {
    let file = file(client, &format!("/jobs/{}/errors", job["id"].as_str().expect("an id"))).await;
    let mut rows = file.lines();
    assert_eq!(rows.next(), Some("rowNumber,errorCode,message,sourceJson"));
    let cells = |row: &str| {
        let mut cells = row.split(',').map(str::to_owned);
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    };
    rows.map(cells).collect()
}
