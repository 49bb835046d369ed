//! A steady load of reads and keyed writes, and what became of each request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use tokio::task::JoinSet;

use super::{Client, contact};

/// How long one client waits between two requests: the load is to be steady, not heavy.
const PAUSE: Duration = Duration::from_millis(10);

/// Clients at work.
pub(crate) struct Load {
    clients: JoinSet<Vec<Request>>,
    stop: Arc<AtomicBool>,
    began: Instant,
}

/// A request, and what became of it.
#[derive(Debug)]
pub(crate) struct Request {
    /// When it was sent, since the load began.
    pub(crate) sent: Duration,
    /// How long it took.
    pub(crate) took: Duration,
    /// The name of the contact that it was to make; none if it was a read.
    pub(crate) wrote: Option<String>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 2xx.
    Done,
    /// 503 `service_unavailable` with `Retry-After`.
    ToldToWait,
    /// Anything else: what it was.
    Failed(String),
}

impl Load {
    /// Starts so many clients. Each reads a contact and makes one, in turn, under an idempotency key of its own.
    pub(crate) fn start(client: &Client, clients: usize, path_to_read: &str) -> Self {
        let mut load = Self { clients: JoinSet::new(), stop: Arc::default(), began: Instant::now() };
        let number = Arc::new(AtomicUsize::new(0));
        for _ in 0..clients {
            let (client, stop, began) = (client.clone(), Arc::clone(&load.stop), load.began);
            let (number, path_to_read) = (Arc::clone(&number), path_to_read.to_owned());
            load.clients.spawn(async move {
                let mut requests = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    for is_write in [false, true] {
                        let name = format!("load {}", number.fetch_add(1, Ordering::Relaxed));
                        let request = if is_write {
                            let key = name.replace(' ', "-");
                            client
                                .request(Method::POST, "/contacts")
                                .header("Idempotency-Key", key)
                                .json(&contact(&name))
                        } else {
                            client.request(Method::GET, &path_to_read)
                        };
                        let sent = began.elapsed();
                        let outcome = outcome(request.timeout(Duration::from_secs(20))).await;
                        let took = began.elapsed().saturating_sub(sent);
                        requests.push(Request { sent, took, wrote: is_write.then_some(name), outcome });
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                requests
            });
        }
        load
    }

    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends it, and gives all requests by the time when they were sent.
    pub(crate) async fn stop(self) -> Vec<Request> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all: Vec<_> = self.clients.join_all().await.into_iter().flatten().collect();
        all.sort_by_key(|request| request.sent);
        all
    }
}

async fn outcome(request: reqwest::RequestBuilder) -> Outcome {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Outcome::Failed(format!("{error:?}")),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match response.bytes().await {
        Ok(body) => body,
        Err(error) => return Outcome::Failed(format!("{status}, then {error:?}")),
    };
    if status.is_success() {
        return Outcome::Done;
    }
    let body = String::from_utf8_lossy(&body);
    let retry_after = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if status == 503 && body.contains("\"service_unavailable\"") && retry_after.is_some_and(|seconds| seconds > 0) {
        return Outcome::ToldToWait;
    }
    Outcome::Failed(format!("{status} {headers:?} {body}"))
}
