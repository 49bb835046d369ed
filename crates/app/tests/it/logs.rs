//! What the log says of requests.

use serde_json::{Value, json};

use crate::support::World;

async fn lines(arguments: &[&str]) -> (World, Vec<Value>, String) {
    let world = World::start_with(&[&["--log-format", "json"], arguments].concat()).await;
    let client = world.client(&["contacts:read"]).await;
    let answer = client.get("/contacts?search=swordfish").await;
    answer.data(200);
    let id = answer.header("x-request-id").to_owned();
    let log = world.server.log();
    assert!(!log.contains("swordfish") && !log.contains(&client.key), "{log}");
    let lines = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    (world, lines, id)
}

#[tokio::test]
async fn json_lines_carry_their_request_and_tenant() {
    let (world, lines, id) = lines(&["--log", "info,bwp_web=debug"]).await;
    let of_request: Vec<_> = lines.iter().filter(|line| line["request_id"] == json!(id)).collect();
    let [line] = of_request.as_slice() else { panic!("one line: {lines:?}") };
    assert_eq!(line["tenant"], json!(world.tenant));
    assert_eq!((&line["method"], &line["path"]), (&json!("GET"), &json!("/api/v1/contacts")));
    assert_eq!((&line["status"], &line["level"], &line["message"]), (&json!(200), &json!("DEBUG"), &json!("answered")));
    assert!(line["duration_ms"].is_number() && line["timestamp"].is_string(), "{line}");
    assert!(line.as_object().is_some_and(|line| line.values().all(|value| !value.is_object())), "flat: {line}");
}

#[tokio::test]
async fn by_default_an_answered_request_gets_no_line() {
    let (_world, lines, id) = lines(&[]).await;
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| line["request_id"] != json!(id)), "{lines:?}");
}
