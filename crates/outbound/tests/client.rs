//! What the client does with servers that behave, and with those that do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot do what it says has failed")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bwp_outbound::{Client, Failure, Guard, Post, Received, Tls};
use bwp_tls::{Check, Roots, client_config, testing::Authority};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// A server that reads a request at a time and answers it with `answer`. Gives its address, and how many connections were made.
async fn server(answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer_all(connection, answer));
        }
    });
    (address, connections)
}

async fn answer_all(mut connection: TcpStream, answer: &'static [u8]) {
    let mut read = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        match connection.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => read.extend_from_slice(&buffer[..length]),
        }
        // The body of every request here.
        if read.ends_with(b"{\"a\":1}") {
            read.clear();
            if connection.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

fn client() -> Client {
    let folder = tempfile::tempdir().unwrap();
    let roots = Roots::File(Authority::new().file(folder.path(), "authority.pem"));
    let tls = Tls::Config(Arc::new(client_config(&Check::AuthorityAndName(roots), None).unwrap()));
    Client::new(Guard::new(vec!["127.0.0.0/8".parse().unwrap()]), tls)
}

async fn post_within(client: &Client, url: &str, deadline: Duration) -> Result<Received, Failure> {
    let url = Url::parse(url).unwrap();
    client.post(Post { url: &url, headers: Vec::new(), body: "{\"a\":1}".to_owned(), deadline, most: 16 }).await
}

async fn post(client: &Client, url: &str) -> Result<Received, Failure> {
    post_within(client, url, Duration::from_secs(30)).await
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, connections) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-request-id: r1\r\n\r\nok").await;
    let client = client();
    for _ in 0..3 {
        let received = post(&client, &format!("http://{address}/")).await.unwrap();
        assert_eq!((received.status, received.body.as_slice()), (200, &b"ok"[..]));
        assert_eq!(received.headers["x-request-id"], "r1");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_redirection_is_followed() {
    let (canary, reached) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{canary}/\r\ncontent-length: 0\r\n\r\n").into_bytes();
    let (address, _) = server(answer.leak()).await;
    assert_eq!(post(&client(), &format!("http://{address}/")).await.unwrap().status, 302);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_is_read_to_its_bound() {
    let body = "0123456789".repeat(10_000);
    let answer = format!("HTTP/1.1 500 Oh\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let (address, _) = server(answer.leak()).await;
    let received = post(&client(), &format!("http://{address}/")).await.unwrap();
    assert_eq!((received.status, received.body.as_slice()), (500, &b"0123456789012345"[..]));
}

#[tokio::test]
async fn the_head_of_a_success_is_enough() {
    let (address, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe rest never comes").await;
    let received = post_within(&client(), &format!("http://{address}/"), Duration::from_hours(1)).await.unwrap();
    assert_eq!(received.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_end_is_cut_at_the_deadline() {
    let (address, _) = server(b"HTTP/1.1 503 No\r\ncontent-length: 1000\r\n\r\nwait").await;
    let received = post_within(&client(), &format!("http://{address}/"), Duration::from_millis(200)).await.unwrap();
    assert_eq!((received.status, received.body.as_slice()), (503, &b"wait"[..]));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let (silent, _) = server(b"").await;
    let (rubbish, _) = server(b"this is no HTTP\r\n\r\n").await;
    let (plain, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client();
    let short = Duration::from_millis(200);
    assert_eq!(post_within(&client, &format!("http://{silent}/"), short).await, Err(Failure::Timeout));
    assert_eq!(post(&client, &format!("http://{rubbish}/")).await, Err(Failure::Protocol));
    assert_eq!(post(&client, &format!("http://{gone}/")).await, Err(Failure::Connect));
    assert_eq!(post(&client, "https://[::1]/").await, Err(Failure::AddressNotAllowed));
    // It speaks no TLS.
    let tls = post_within(&client, &format!("https://{plain}/"), Duration::from_millis(500)).await;
    assert!(matches!(tls, Err(Failure::Tls | Failure::Timeout)), "{tls:?}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let issued = Authority::new().issue(&["127.0.0.1"]);
    let acceptor = acceptor(&issued.certificate, &issued.key);
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(connection).await;
        }
    });
    assert_eq!(post(&client(), &format!("https://{address}/")).await, Err(Failure::Tls));
}

fn acceptor(certificate: &str, key: &str) -> tokio_rustls::TlsAcceptor {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}
