//! Bodies over a real connection: whole, slow, too large, broken off, and never read.

use std::{
    sync::mpsc::{self, Sender},
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::ErrorForbidden,
    http::StatusCode,
    middleware::{Next, from_fn},
    web::{self, Data},
};
use bwp_web::body::{BodyError, BodyLimits, close_when_unread, content_length, read_body};
use futures_util::future::LocalBoxFuture;

use crate::support::{Client, PATIENCE, TestServer};

const LIMITS: BodyLimits = BodyLimits { max_bytes: 1_000, deadline: PATIENCE };

/// What a handler saw: the length of the body or the error, or that it was dropped.
#[derive(Debug, PartialEq)]
enum Seen {
    Body(Result<usize, BodyError>),
    Dropped,
}

struct Limited(Result<web::Bytes, BodyError>);

impl FromRequest for Limited {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (length, mut payload, mut watch) = (content_length(request), payload.take(), Watch::new(request));
        let limits = *request.app_data::<BodyLimits>().expect("limits");
        Box::pin(async move {
            let body = read_body(&mut payload, length, limits).await;
            watch.saw(Seen::Body(body.as_ref().map(web::Bytes::len).map_err(|error| *error)));
            Ok(Self(body))
        })
    }
}

/// Tells the test what happened, even if that is nothing.
struct Watch(Option<Sender<Seen>>);

impl Watch {
    fn new(request: &HttpRequest) -> Self {
        Self(request.app_data::<Data<Sender<Seen>>>().map(|sender| sender.get_ref().clone()))
    }

    fn saw(&mut self, seen: Seen) {
        if let Some(sender) = self.0.take() {
            sender.send(seen).unwrap();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.saw(Seen::Dropped);
    }
}

async fn read(body: Limited) -> HttpResponse {
    match body.0 {
        Ok(body) => HttpResponse::Ok().body(body),
        Err(error) => HttpResponse::build(match error {
            BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::Incomplete => StatusCode::BAD_REQUEST,
        })
        .body(error.to_string()),
    }
}

async fn refuse() -> HttpResponse {
    HttpResponse::Unauthorized().body("no")
}

async fn refuse_without_body() -> HttpResponse {
    HttpResponse::Unauthorized().finish()
}

async fn fail(_: ServiceRequest, _: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    Err(ErrorForbidden("no further"))
}

fn server() -> (TestServer, mpsc::Receiver<Seen>) {
    server_with(LIMITS)
}

fn server_with(limits: BodyLimits) -> (TestServer, mpsc::Receiver<Seen>) {
    let (sender, seen) = mpsc::channel();
    let server = TestServer::start(move || {
        App::new()
            .app_data(Data::new(sender.clone()))
            .app_data(limits)
            .wrap(close_when_unread())
            .route("/read", web::post().to(read))
            .route("/refuse", web::post().to(refuse))
            .route("/refuse-without-body", web::post().to(refuse_without_body))
            .service(web::scope("/fails").wrap(from_fn(fail)).default_service(web::to(refuse)))
    });
    (server, seen)
}

fn length_head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
}

fn chunked_head(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The error was answered, the client told that the connection ends, and it does; nothing after the answer.
fn assert_refused(client: &mut Client, status: u16) {
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{answer:?}");
    assert_eq!(client.closed().as_deref(), Some(b"".as_slice()));
}

#[test]
fn whole_bodies_are_read_and_the_connection_stays() {
    let (server, seen) = server();
    let mut client = server.connect();
    client.send(length_head("/read", 5) + "hello");
    assert_eq!(client.answer().body, b"hello");
    client.send([chunked_head("/read").as_bytes(), &chunk(b"hel"), &chunk(b"lo"), b"0\r\n\r\n"].concat());
    assert_eq!(client.answer().body, b"hello");
    client.send(length_head("/read", 1_000) + &"x".repeat(1_000));
    assert_eq!(client.answer().body.len(), 1_000);
    client.send(length_head("/read", 0));
    assert_eq!(client.answer().body, b"");
    drop(server);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [5, 5, 1_000, 0].map(|length| Seen::Body(Ok(length))));
}

#[test]
fn a_body_that_drips_ends_at_the_deadline() {
    for chunked in [false, true] {
        let deadline = Duration::from_millis(300);
        let (server, seen) = server_with(BodyLimits { deadline, ..LIMITS });
        let mut client = server.connect();
        let started = Instant::now();
        client.send(if chunked { chunked_head("/read") } else { length_head("/read", 500) });
        // Never idle for long; the deadline is for the whole.
        let drip = thread::spawn({
            let stream = client.stream.try_clone().unwrap();
            move || {
                let mut stream = stream;
                while std::io::Write::write_all(&mut stream, if chunked { b"1\r\nx\r\n" } else { b"x" }).is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            }
        });
        let answer = client.answer();
        let took = started.elapsed();
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert!(took >= deadline, "{took:?}");
        assert_eq!(seen.recv().unwrap(), Seen::Body(Err(BodyError::TooSlow { deadline })));
        assert!(client.closed().is_some(), "chunked: {chunked}");
        drip.join().unwrap();
    }
}

#[test]
fn a_length_above_the_limit_is_refused_before_the_body_comes() {
    let (server, seen) = server();
    let mut client = server.connect();
    client.send(length_head("/read", 1_001));
    assert_refused(&mut client, 413);
    assert_eq!(seen.recv().unwrap(), Seen::Body(Err(BodyError::TooLarge { limit: 1_000 })));

    let mut client = server.connect();
    client.send(length_head("/read", usize::MAX));
    assert_refused(&mut client, 413);
}

#[test]
fn a_chunked_body_is_counted_as_it_arrives() {
    let (server, seen) = server();
    let mut client = server.connect();
    client.send(chunked_head("/read"));
    client.send(chunk(&[b'x'; 600]));
    client.send(chunk(&[b'x'; 401]));
    assert_refused(&mut client, 413);
    assert_eq!(seen.recv().unwrap(), Seen::Body(Err(BodyError::TooLarge { limit: 1_000 })));
}

#[test]
fn what_follows_a_refused_body_is_not_taken_for_a_request() {
    thread::scope(|scope| {
        for head in [length_head("/refuse", 10_000), chunked_head("/refuse"), length_head("/read", 10_000)] {
            scope.spawn(move || {
                let (server, _seen) = server();
                let mut client = server.connect();
                client.send(&head);
                client.wait();
                client.try_send(length_head("/read", 5) + "hello");
                let answer = client.answer();
                assert!(matches!(answer.status, 401 | 413), "{answer:?}");
                assert_eq!(client.closed().as_deref(), Some(b"".as_slice()), "{head}");
            });
        }
    });
}

#[test]
fn a_client_that_goes_on_sending_an_unread_body_is_cut_off() {
    let cases = ["/refuse", "/refuse-without-body", "/read", "/nowhere", "/fails"]
        .into_iter()
        .flat_map(|path| [(path, false), (path, true)]);
    thread::scope(|scope| {
        for (path, chunked) in cases {
            scope.spawn(move || {
                let (server, _seen) = server();
                let mut client = server.connect();
                client.send(if chunked { chunked_head(path) } else { length_head(path, 1 << 40) });
                let started = Instant::now();
                while client.try_send(if chunked { chunk(&[b'x'; 2_000]) } else { vec![b'x'; 2_000] }) {
                    assert!(started.elapsed() < PATIENCE, "{path}, chunked: {chunked}: still reading");
                    thread::sleep(Duration::from_millis(10));
                }
            });
        }
    });
}

#[test]
fn an_unread_body_that_has_arrived_whole_costs_no_more_than_the_connection() {
    let (server, _seen) = server();
    let mut client = server.connect();
    client.send([chunked_head("/refuse").as_bytes(), &chunk(b"hello"), b"0\r\n\r\n"].concat());
    assert_eq!(client.answer().status, 401);
}

#[test]
fn a_client_that_closes_in_the_middle_of_a_body_is_noticed_at_once() {
    for chunked in [false, true] {
        let (server, seen) = server();
        let mut client = server.connect();
        client.send(if chunked { chunked_head("/read") } else { length_head("/read", 500) });
        client.send(b"5\r\nhello\r\n");
        thread::sleep(Duration::from_millis(50));
        drop(client);
        // Long before the deadline.
        assert_eq!(seen.recv().unwrap(), Seen::Body(Err(BodyError::Incomplete)));
    }
}

#[test]
fn a_connection_that_is_reset_drops_the_handler() {
    let (server, seen) = server();
    let mut client = server.connect();
    client.send("POST /read HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n");
    // Closing with bytes unread, here the `100 Continue`, resets the connection.
    client.wait();
    drop(client);
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), Seen::Dropped);
}

#[test]
fn malformed_chunks_are_an_incomplete_body() {
    let (server, seen) = server();
    let mut client = server.connect();
    client.send(chunked_head("/read") + "zz\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert_eq!(seen.recv().unwrap(), Seen::Body(Err(BodyError::Incomplete)));
    assert!(client.closed().is_some());
}
