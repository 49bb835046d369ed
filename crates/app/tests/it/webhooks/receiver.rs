//! A receiver of webhooks on this machine.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::until;

/// What a receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Answers with this status.
    Answer(u16),
    /// Nothing, for as long as the connection stands.
    Hang,
    /// Closes the connection without an answer.
    Close,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Names in small letters.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// Listens until it is dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: tokio::task::JoinHandle<()>,
}

struct State {
    does: Box<dyn FnMut() -> Does + Send>,
    received: Vec<Received>,
}

impl Receiver {
    pub(super) async fn start(does: Does) -> Self {
        Self::start_by(move || does).await
    }

    /// One that does something else each time.
    pub(super) async fn start_by(does: impl FnMut() -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { does: Box::new(does), received: Vec::new() }));
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
        });
        Self { address, state, listening }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hooks?of=test", self.address)
    }

    /// What it does from now on.
    pub(super) fn does(&self, does: Does) {
        self.state.lock().expect("sound").does = Box::new(move || does);
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.state.lock().expect("sound").received.clone()
    }

    /// What it has received once that is so much.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} deliveries"), async || self.received().len() >= count).await;
        self.received()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(mut connection: TcpStream, state: Arc<Mutex<State>>) {
    let mut read = Vec::new();
    loop {
        let received = loop {
            if let Some((received, end)) = parse(&read) {
                read.drain(..end);
                break received;
            }
            let mut buffer = [0; 16 * 1024];
            match connection.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => read.extend_from_slice(&buffer[..length]),
            }
        };
        let does = {
            let mut state = state.lock().expect("sound");
            state.received.push(received);
            (state.does)()
        };
        match does {
            Does::Hang => std::future::pending().await,
            Does::Close => return,
            Does::Answer(status) => {
                let body = r#"{"note":"token=hidden"}"#;
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nx-request-id: r1\r\nset-cookie: a=b\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if connection.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The first request in these bytes, and where it ends.
fn parse(bytes: &[u8]) -> Option<(Received, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let lines = std::str::from_utf8(&bytes[..head]).expect("text").lines();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().expect("a length");
    let body = bytes.get(head + 4..head + 4 + length)?;
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    Some((Received { headers, body }, head + 4 + length))
}
