//! The operator's listener: metrics, and readiness in detail.

use reqwest::Method;

use crate::support::{Answer, World, send, unknown_key, until};

/// What the world's admin listener answers.
async fn ask(world: &World, path: &str) -> Answer {
    let address = world.server.ready["admin"].as_str().expect("an admin address");
    send(reqwest::Client::new().get(format!("http://{address}{path}"))).await
}

async fn metrics(world: &World) -> String {
    let answer = ask(world, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"), "{answer}");
    String::from_utf8(answer.bytes).expect("text")
}

/// The value of the line that begins so.
#[track_caller]
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {line} in {text}")).parse().expect("a number")
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let world = World::start_with(&["--admin-listen", "127.0.0.1:0"]).await;
    let client = world.client(&["contacts:read"]).await;
    for path in ["/contacts/123456789", "/contacts/987654321", "/contacts?search=swordfish", "/nowhere/swordfish"] {
        client.get(path).await;
    }
    client.post("/contacts", &serde_json::json!({})).await.problem(403, "scope_insufficient");
    client.with_key(&unknown_key()).get("/me").await.problem(401, "unauthorized");
    client.with_key("swordfish").get("/me").await.problem(401, "unauthorized");
    send(world.request(Method::GET, "/api/v1/me")).await.problem(401, "unauthorized");

    let text = metrics(&world).await;
    let requests = |method: &str, route: &str, status: u16| {
        let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        value(&text, &format!("http_requests_total{labels}"))
    };
    assert_eq!(requests("GET", "/api/v1/contacts/{id}", 404).to_bits(), 2.0_f64.to_bits(), "{text}");
    assert_eq!(requests("GET", "/api/v1/contacts", 200).to_bits(), 1.0_f64.to_bits());
    assert_eq!(requests("POST", "/api/v1/contacts", 403).to_bits(), 1.0_f64.to_bits());
    assert_eq!(requests("GET", "/api/v1/me", 401).to_bits(), 3.0_f64.to_bits());
    assert!(requests("other", "other", 404) >= 1.0);
    let route = "method=\"GET\",route=\"/api/v1/contacts/{id}\"";
    let all = value(&text, &format!("http_request_duration_seconds_count{{{route}}}"));
    assert_eq!(all.to_bits(), 2.0_f64.to_bits());
    for reason in ["unknown", "malformed", "missing"] {
        let count = value(&text, &format!("bwp_credentials_refused_total{{reason=\"{reason}\"}}"));
        assert_eq!(count.to_bits(), 1.0_f64.to_bits(), "{reason}");
    }
    assert_eq!(value(&text, "http_requests_in_flight").to_bits(), 0.0_f64.to_bits());
    for hidden in ["swordfish", "123456789", "987654321", &client.key] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    if cfg!(target_os = "linux") {
        assert!(value(&text, "process_resident_memory_bytes") > 1e6);
        assert!(value(&text, "process_open_fds") > 3.0);
        assert!(value(&text, "process_cpu_seconds_total") >= 0.0);
    }
}

#[tokio::test]
async fn readiness_is_told_in_detail_to_the_operator_alone() {
    let world = World::start_with(&["--admin-listen", "127.0.0.1:0"]).await;
    let ready = ask(&world, "/readyz").await;
    assert_eq!(ready.status, 200);
    let text = String::from_utf8(ready.bytes).expect("text");
    assert!(text.contains("server: ok\n") && text.contains("database: ok\n"), "{text}");
    assert_eq!(ask(&world, "/healthz").await.bytes, b"ok\n");

    // Nothing of it is to be had where clients are.
    send(world.request(Method::GET, "/metrics")).await.problem(404, "not_found");
    assert_eq!(send(world.request(Method::GET, "/readyz")).await.bytes, b"ready\n");
    // And nothing of the API where the operator is.
    assert_eq!(ask(&world, "/api/v1/me").await.status, 404);

    world.server.signal("USR1").await;
    until("closed", async || ask(&world, "/readyz").await.status == 503).await;
    let closed = ask(&world, "/readyz").await;
    let text = String::from_utf8(closed.bytes).expect("text");
    assert!(text.contains("server: failed: closed for maintenance\n") && text.contains("database: ok\n"), "{text}");
    assert_eq!(value(&metrics(&world).await, "bwp_maintenance").to_bits(), 1.0_f64.to_bits());
}
