//! Bodies: what is read of them, and what is not.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::contacts::{ALL, create_named, path};
use crate::support::{Answer, Client, Connection, World, send};

const LIMIT: usize = 1024 * 1024;

async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(ALL).await;
    (world, client)
}

fn post(client: &Client, body: impl Into<reqwest::Body>) -> RequestBuilder {
    client.request(Method::POST, "/contacts").body(body)
}

async fn post_as(client: &Client, media_type: &str) -> Answer {
    send(post(client, r#"{"type":"other"}"#).header("Content-Type", media_type)).await
}

/// A contact of so many bytes of JSON, most of them white space: its texts may not be that long.
fn contact_of(bytes: usize) -> String {
    let body = json!({ "type": "other" }).to_string();
    let space = " ".repeat(bytes - body.len());
    format!("{body}{space}")
}

#[tokio::test]
async fn what_is_no_json_is_400() {
    let (_world, client) = start().await;
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        "",
        " ",
        "{",
        r#"{"type":}"#,
        r#"{"type":"other",}"#,
        "{'type':'other'}",
        "{} {}",
        "\u{feff}{}",
        r#"{"type":"\ud800"}"#,
        "NaN",
        &deep,
    ] {
        send(post(&client, body.to_owned())).await.problem(400, "bad_request");
    }
    send(post(&client, b"{\"notes\":\"\xff\"}".to_vec())).await.problem(400, "bad_request");
}

#[tokio::test]
async fn what_is_no_object_is_422() {
    let (_world, client) = start().await;
    for body in ["[]", "null", "1", "\"x\"", "true", r#"[{"type":"other"}]"#] {
        send(post(&client, body)).await.refuses_fields(&[("", "invalid_type")]);
    }
}

#[tokio::test]
async fn json_is_taken_under_each_of_its_media_types() {
    let (_world, client) = start().await;
    for media_type in
        ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
    {
        post_as(&client, media_type).await.data(201);
    }
    send(post(&client, r#"{"type":"other"}"#)).await.data(201);
}

#[tokio::test]
async fn identity_is_no_coding_and_every_other_one_is_415() {
    let (_world, client) = start().await;
    let coded = |coding: &str| post(&client, r#"{"type":"other"}"#).header("Content-Encoding", coding);
    for none in ["identity", "Identity", "", "identity, identity"] {
        send(coded(none)).await.data(201);
    }
    for coding in ["gzip", "br", "identity, gzip", "x"] {
        let answer = send(coded(coding)).await;
        assert!(answer.problem(415, "bad_request").contains("Content-Encoding"), "{coding}: {answer}");
    }
}

#[tokio::test]
async fn another_media_type_is_415() {
    let (world, client) = start().await;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "json",
        "x",
        "",
    ] {
        post_as(&client, media_type).await.problem(415, "bad_request");
    }
    let contact = path(create_named(&client, "Acme").await);
    for (method, path) in [(Method::PATCH, contact.as_str()), (Method::POST, "/contacts/get-many")] {
        let request = client.request(method, path).header("Content-Type", "text/plain").body("{}");
        send(request).await.problem(415, "bad_request");
    }
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn a_body_of_1_mib_is_read_and_a_larger_one_is_413() {
    let (_world, client) = start().await;
    send(post(&client, contact_of(LIMIT))).await.data(201);
    send(post(&client, contact_of(LIMIT + 1))).await.problem(413, "bad_request");
}

#[tokio::test]
async fn an_announced_length_is_refused_before_the_body_is_sent() {
    let (world, client) = start().await;
    for length in ["1048577", "18446744073709551615"] {
        let mut connection = Connection::connect(&world.server).await;
        let lines = [format!("Authorization: Bearer {}", client.key), format!("Content-Length: {length}")];
        connection.head("POST", "/contacts", &[&lines[0], &lines[1]]).await;
        connection.answer().await.problem(413, "bad_request");
    }
}

#[tokio::test]
async fn a_chunked_body_is_counted_as_it_arrives() {
    let (world, client) = start().await;
    for (bytes, status) in [(LIMIT, 201), (LIMIT + 1, 413)] {
        let mut connection = Connection::connect(&world.server).await;
        let key = format!("Authorization: Bearer {}", client.key);
        connection.head("POST", "/contacts", &[&key, "Transfer-Encoding: chunked"]).await;
        for chunk in contact_of(bytes).as_bytes().chunks(100_000) {
            connection.send(format!("{:x}\r\n", chunk.len()).as_bytes()).await;
            connection.send(chunk).await;
            connection.send(b"\r\n").await;
        }
        connection.send(b"0\r\n\r\n").await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status, "{}", answer.json["detail"]);
    }
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_is_no_next_request() {
    let (world, client) = start().await;
    let key = format!("Authorization: Bearer {}", client.key);
    for (method, path, status) in [("GET", "/me", 200), ("DELETE", "/contacts/0", 404), ("PUT", "/contacts", 405)] {
        let smuggled = format!("GET /api/v1/contacts HTTP/1.1\r\nHost: test\r\n{key}\r\n\r\n");
        let mut connection = Connection::connect(&world.server).await;
        connection.head(method, path, &[&key, &format!("Content-Length: {}", smuggled.len())]).await;
        connection.send(smuggled.as_bytes()).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status);
        // Either nothing follows on this connection, or what does is read from its own beginning.
        if answer.header("connection") != "close" {
            connection.head("GET", "/me", &[&key]).await;
            assert!(connection.answer().await.data(200)["keyId"].is_string());
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_too_soon_changes_nothing() {
    let (world, client) = start().await;
    let key = format!("Authorization: Bearer {}", client.key);
    for (line, sent) in [
        ("Content-Length: 99", r#"{"type":"other"}"#),
        ("Transfer-Encoding: chunked", "10\r\n{\"type\":\"other\"}\r\n"),
        ("Transfer-Encoding: chunked", "10\r\n{\"type\":\"other\"}\r\nxyz\r\n"),
    ] {
        let mut connection = Connection::connect(&world.server).await;
        connection.head("POST", "/contacts", &[&key, line]).await;
        connection.send(sent.as_bytes()).await;
        let answer = connection.close_and_read().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert!(world.events().await.is_empty());
}

/// The most bytes of an answer that refuses something.
const MOST_OF_A_REFUSAL: usize = 25 * 1024;

#[tokio::test]
async fn a_refusal_is_small_however_large_the_request_is() {
    let (world, client) = start().await;
    let name = "a".repeat(1_000_000);
    let repeated = format!("{{\"{name}\":{{{}\"b\":0}}}}", "\"b\":0,".repeat(101));
    let unknown = (0..40_000).map(|n| format!("\"unknown{n}\":0,")).collect::<Vec<_>>().concat();
    for path in ["/contacts", "/contacts/get-many"] {
        for body in [repeated.clone(), format!("{{{unknown}\"a\":0}}")] {
            let answer = send(client.request(Method::POST, path).body(body)).await;
            assert!(answer.bytes.len() <= MOST_OF_A_REFUSAL, "{} bytes", answer.bytes.len());
            let told = answer.json["errors"].as_array().expect("errors").len();
            let detail = answer.problem(422, "validation_failed");
            assert!(told <= 100 && detail.contains(&format!("the first {told}.")), "{detail}");
        }
    }
    let list = format!("{{\"ids\":[{}0]}}", "0,".repeat(500_000));
    let answer = send(client.request(Method::POST, "/contacts/get-many").body(list)).await;
    answer.refuses_fields(&[("", "too_long")]);
    for query in
        ["%&".repeat(4_000), "a&".repeat(4_000), (0..1_000).map(|n| format!("q{n}&")).collect::<Vec<_>>().concat()]
    {
        let answer = client.get(&format!("/contacts?{query}")).await;
        assert!(answer.bytes.len() <= MOST_OF_A_REFUSAL, "{} bytes", answer.bytes.len());
        let detail = answer.problem(400, "bad_request");
        assert!(detail.ends_with(" more."), "{detail}");
    }
    let mut connection = Connection::connect(&world.server).await;
    connection.head(&"A".repeat(100_000), "/contacts", &[]).await;
    let answer = connection.answer().await;
    assert!(answer.bytes.len() <= 1_024, "{} bytes", answer.bytes.len());
    answer.problem(405, "bad_request");
}
