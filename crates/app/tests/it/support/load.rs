//! A steady load of reads and keyed writes, and what became of each request.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use tokio::task::JoinSet;

use super::{Client, PATIENCE, contact, until};

/// How long one client waits between two requests: the load is to be steady, not heavy.
const PAUSE: Duration = Duration::from_millis(10);

/// Clients at work.
pub(crate) struct Load {
    clients: JoinSet<()>,
    requests: Arc<Mutex<Vec<Request>>>,
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
        let mut load =
            Self { clients: JoinSet::new(), requests: Arc::default(), stop: Arc::default(), began: Instant::now() };
        let number = Arc::new(AtomicUsize::new(0));
        for _ in 0..clients {
            let (client, stop, began) = (client.clone(), Arc::clone(&load.stop), load.began);
            let (number, path_to_read) = (Arc::clone(&number), path_to_read.to_owned());
            let requests = Arc::clone(&load.requests);
            load.clients.spawn(async move {
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
                        let outcome = outcome(request.timeout(PATIENCE)).await;
                        let took = began.elapsed().saturating_sub(sent);
                        let request = Request { sent, took, wrote: is_write.then_some(name), outcome };
                        requests.lock().unwrap().push(request);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            });
        }
        load
    }

    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// How many requests have come to something.
    pub(crate) fn number(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// Returns when so many requests that were sent after `sent` have come to this.
    pub(crate) async fn until(&self, number: usize, sent: Duration, outcome: &Outcome) {
        let is_one = |request: &&Request| request.sent > sent && request.outcome == *outcome;
        let are_there = || self.requests.lock().unwrap().iter().filter(is_one).count() >= number;
        until(&format!("{number} x {outcome:?}"), async || are_there()).await;
    }

    /// Returns when no request comes to anything but success any more: since when.
    pub(crate) async fn until_well(&self) -> Duration {
        let since = || {
            let requests = self.requests.lock().unwrap();
            requests.iter().filter(|request| request.outcome != Outcome::Done).map(|it| it.sent + it.took).max()
        };
        let number = self.clients.len() * 4;
        until("all is well", async || {
            let since = since().unwrap_or_default();
            self.requests.lock().unwrap().iter().filter(|request| request.sent > since).count() >= number
        })
        .await;
        since().unwrap_or_default()
    }

    /// Ends it, and gives all requests by the time when they were sent.
    pub(crate) async fn stop(self) -> Vec<Request> {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        let mut all = std::mem::take(&mut *self.requests.lock().unwrap());
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
