//! What the log says of requests.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, send, unknown_key};

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

fn of<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message))).collect()
}

fn logged(world: &World) -> Vec<Value> {
    world.server.log().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Rubbish costs its sender nothing. It must not fill the disk either.
#[tokio::test]
async fn what_strangers_cause_gets_a_line_a_second_that_says_how_many_were_left_out() {
    const REQUESTS: usize = 60;
    let world = World::start_with(&["--log-format", "json", "--admin-listen", "127.0.0.1:0"]).await;
    let start = Instant::now();
    for _ in 0..REQUESTS {
        for key in ["rubbish".to_owned(), unknown_key()] {
            send(world.request(Method::GET, "/api/v1/me").bearer_auth(key)).await.problem(401, "unauthorized");
        }
    }
    for _ in 0..14 {
        let page = world.person().sign_in("nobody@example.com", "wrong horse battery").await;
        assert!([422, 429].contains(&page.status), "{}", page.text);
    }
    let lines = logged(&world);
    let most = usize::try_from(start.elapsed().as_secs()).expect("few") + 1;
    for message in [
        "credential refused: malformed",
        "credential refused: unknown",
        "a sign-in failed",
        "a sign-in was refused: there were too many failures",
    ] {
        let of = of(&lines, message);
        assert!((1..=most).contains(&of.len()), "{message}: {of:?}");
        assert!(of.iter().all(|line| line["client"] == "127.0.0.1"), "{of:?}");
        let told: u64 = of.iter().map(|line| line["left_out"].as_u64().expect("a number") + 1).sum();
        assert!(told <= REQUESTS as u64, "{of:?}");
    }
    // All of them are counted.
    let metrics = reqwest::get(format!("http://{}/metrics", world.server.ready["admin"].as_str().expect("an address")));
    let metrics = metrics.await.expect("answered").text().await.expect("text");
    let counted =
        |reason: &str| metrics.lines().any(|line| line.contains(reason) && line.ends_with(&format!(" {REQUESTS}")));
    assert!(counted("malformed") && counted("unknown"), "{metrics}");
}

#[tokio::test]
async fn headers_of_a_proxy_that_is_not_trusted_are_warned_of_once_a_minute() {
    for (trusted, warned) in [(&[][..], 1), (&["--trusted-proxies", "127.0.0.1"], 0)] {
        let world = World::start_with(&[&["--log-format", "json"], trusted].concat()).await;
        for header in ["X-Forwarded-For", "Forwarded", "X-Forwarded-For"] {
            let value = if header == "Forwarded" { "for=192.0.2.1" } else { "192.0.2.1" };
            send(world.request(Method::GET, "/api/v1/me").header(header, value).bearer_auth("rubbish")).await;
        }
        let lines = logged(&world);
        let warnings = of(&lines, "X-Forwarded-For or Forwarded came");
        assert_eq!(warnings.len(), warned, "{lines:?}");
        assert!(warnings.iter().all(|line| line["peer"] == "127.0.0.1" && line["level"] == "WARN"), "{warnings:?}");
        let client = if warned == 0 { "192.0.2.1" } else { "127.0.0.1" };
        assert_eq!(of(&lines, "credential refused")[0]["client"], client);
    }
}
