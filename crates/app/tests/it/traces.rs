//! Traces of requests reach an OpenTelemetry collector.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::support::{Client, PATIENCE, Server, World, run_bwp, send};

/// The heads and bodies of requests.
type Requests = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Takes what is sent to it, as a collector does.
struct Collector {
    endpoint: String,
    received: Requests,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Requests::default();
        let all = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = take(&mut stream).await {
                        all.lock().unwrap().push(request);
                        let answer =
                            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
                        stream.get_mut().write_all(answer.as_bytes()).await.expect("it listens");
                    }
                });
            }
        });
        Self { endpoint, received }
    }

    /// The bodies that came, all in one.
    fn bytes(&self) -> Vec<u8> {
        let received = self.received.lock().unwrap();
        for (head, _) in &*received {
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
        }
        received.iter().flat_map(|(_, body)| body.clone()).collect()
    }
}

/// The next request's head and body.
async fn take(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A trace id, and the header that names it. The last part says whether it is sampled.
fn traceparent(number: u8, flags: &str) -> ([u8; 16], String) {
    let id = [number; 16];
    let hex: String = std::iter::repeat_n(format!("{number:02x}"), 16).collect();
    (id, format!("00-{hex}-00f067aa0ba902b7-{flags}"))
}

async fn traced(client: &Client, path: &str, traceparent: &str) {
    send(client.request(Method::GET, path).header("traceparent", traceparent)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_continues_the_trace_that_a_trusted_proxy_names() {
    let collector = Collector::start().await;
    let serve = ["--otlp-endpoint", &collector.endpoint, "--log", "error", "--trusted-proxies", "127.0.0.1"];
    let mut world = World::start_with(&serve).await;
    let client = world.client(&["contacts:read"]).await;
    let (sampled, header) = traceparent(0xab, "01");
    traced(&client, "/contacts/123456?secret=swordfish", &header).await;
    let (unsampled, header) = traceparent(0xcd, "00");
    traced(&client, "/me", &header).await;
    traced(&client, "/me", "rubbish").await;
    // What was not sent yet is sent at the end.
    assert!(world.server.stop().await.success());
    let bytes = collector.bytes();
    assert!(contains(&bytes, &sampled), "the client's trace");
    assert!(!contains(&bytes, &unsampled), "the client's wish not to be followed");
    for text in ["bwp", "GET /api/v1/contacts/{id}", "http.response.status_code", "GET /api/v1/me", &world.tenant] {
        assert!(contains(&bytes, text.as_bytes()), "{text}");
    }
    for secret in ["swordfish", &client.key] {
        assert!(!contains(&bytes, secret.as_bytes()), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_does_not_say_what_is_followed() {
    let collector = Collector::start().await;
    let mut world = World::start_with(&["--otlp-endpoint", &collector.endpoint]).await;
    let client = world.client(&["contacts:read"]).await;
    let (unsampled, header) = traceparent(0xcd, "00");
    traced(&client, "/contacts/count", &header).await;
    assert!(world.server.stop().await.success());
    let bytes = collector.bytes();
    assert!(contains(&bytes, b"GET /api/v1/contacts/count"), "it is followed all the same");
    assert!(contains(&bytes, &unsampled), "it is linked to the client's trace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_nobody_up() {
    let World { database, tenant, .. } = World::start().await;
    let url = database.url();
    // Nobody listens there.
    let mut server = Server::start(&url, &["--otlp-endpoint", "http://127.0.0.1:9"]).await;
    let key = run_bwp(&["--json", "--database-url", &url, "key", "create", "--tenant", &tenant, "--name", "k"]).await;
    let client = Client::new(&server, key["key"].as_str().expect("a key"));
    for _ in 0..20 {
        client.get("/me").await.data(200);
    }
    let stopped = tokio::time::timeout(PATIENCE, server.stop()).await;
    assert!(stopped.expect("it ends").success());
}
