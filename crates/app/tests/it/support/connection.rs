//! A connection on which a test writes bytes as it likes: half a body, a wrong head.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use super::{Answer, Server};

/// A connection to a server.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn connect(server: &Server) -> Self {
        let address = server.url.strip_prefix("http://").expect("http");
        Self(BufReader::new(TcpStream::connect(address).await.expect("the server accepts")))
    }

    /// Sends the head of a request to a path of the API, with these header lines.
    pub(crate) async fn head(&mut self, method: &str, path: &str, lines: &[&str]) {
        let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        self.send(format!("{method} /api/v1{path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n").as_bytes()).await;
    }

    /// Sends these bytes. That the server has closed its side already shows when the answer is read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes).await;
    }

    /// Sends no more, and reads all that the server still says.
    pub(crate) async fn close_and_read(&mut self) -> String {
        self.0.get_mut().shutdown().await.expect("an open connection");
        let mut said = String::new();
        self.0.read_to_string(&mut said).await.expect("text");
        said
    }

    /// Reads an answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let first = self.line().await;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            let name = HeaderName::try_from(name).expect("a header's name");
            headers.append(name, HeaderValue::try_from(value.trim()).expect("a header's value"));
        }
        let length = headers
            .get("content-length")
            .map_or(0, |value| value.to_str().ok().and_then(|length| length.parse().ok()).expect("a length"));
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.expect("a whole body");
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status, headers, bytes, json }
    }

    /// Sends the head of a keyed `POST /contacts` whose body has this length.
    pub(crate) async fn contact_head(&mut self, key: &str, idempotency_key: &str, length: usize) {
        let authorization = format!("Authorization: Bearer {key}");
        let (keyed, length) = (format!("Idempotency-Key: {idempotency_key}"), format!("Content-Length: {length}"));
        self.head("POST", "/contacts", &[&authorization, &keyed, &length, "Content-Type: application/json"]).await;
    }

    /// Sends the head of such a request, and returns when the server has it and waits for the body.
    pub(crate) async fn awaited_contact_head(&mut self, key: &str, idempotency_key: &str, length: usize) {
        let authorization = format!("Authorization: Bearer {key}");
        let (keyed, length) = (format!("Idempotency-Key: {idempotency_key}"), format!("Content-Length: {length}"));
        let lines = [&authorization, &keyed, &length, "Content-Type: application/json", "Expect: 100-continue"];
        self.head("POST", "/contacts", &lines).await;
        assert!(self.line().await.contains(" 100 "));
        assert_eq!(self.line().await, "");
    }

    /// Is gone from one moment to the next: the server gets a reset.
    pub(crate) fn vanish(self) {
        self.0.get_ref().set_zero_linger().expect("a TCP connection");
    }

    /// Whether an answer begins within this time.
    pub(crate) async fn is_answered_within(&mut self, time: Duration) -> bool {
        timeout(time, self.0.fill_buf()).await.is_ok_and(|read| read.is_ok_and(|bytes| !bytes.is_empty()))
    }

    /// Whether the server closes its side, and says no more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.0.read_u8().await.is_err()
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.expect("an answer");
        line.trim_end().to_owned()
    }
}
