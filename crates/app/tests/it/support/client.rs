//! A client with a key.

use std::time::Duration;

use bwp_domain::{
    entropy::Entropy,
    keys::{KeyMode, KeySecret},
};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{Answer, Server};

/// Calls the API with one key.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    /// The whole key.
    pub(crate) key: String,
    /// The idempotency key of each request.
    idempotency: Option<String>,
}

impl Client {
    pub(crate) fn new(server: &Server, key: &str) -> Self {
        Self::at_url(&server.url, key)
    }

    /// A client of what answers at `url`.
    pub(crate) fn at_url(url: &str, key: &str) -> Self {
        Self { http: reqwest::Client::new(), base: format!("{url}/api/v1"), key: key.to_owned(), idempotency: None }
    }

    /// The same key at another server.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { base: format!("{}/api/v1", server.url), ..self.clone() }
    }

    /// Another key at the same server, over the same connections.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same, whose requests have this idempotency key.
    pub(crate) fn keyed(&self, idempotency: &str) -> Self {
        Self { idempotency: Some(idempotency.to_owned()), ..self.clone() }
    }

    /// A request with the key, to be changed before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        match &self.idempotency {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }
}

/// Sends the request and reads the answer.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("the server answers")).await
}

/// Like [`send`], and again as long as the answer says to come again, as it may at any time on a slow machine. What changes
/// something needs an idempotency key.
pub(crate) async fn insist(request: RequestBuilder) -> Answer {
    loop {
        let answer = send(request.try_clone().expect("a body that can be sent again")).await;
        if !answer.says_to_come_again() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A well-formed key that nobody has.
pub(crate) fn unknown_key() -> String {
    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    KeySecret::generate(KeyMode::Live, &Sevens).expose().to_owned()
}
