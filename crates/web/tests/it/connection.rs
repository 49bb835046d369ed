//! What clients do to connections, and how long they can.

use std::{
    io::Read,
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, web};

use crate::support::{PATIENCE, TestServer, short_limits};

/// More than the kernel buffers for one connection.
const LARGE: usize = 16 << 20;

async fn large() -> HttpResponse {
    HttpResponse::Ok().body(vec![b'x'; LARGE])
}

async fn slow() -> HttpResponse {
    tokio::time::sleep(Duration::from_millis(200)).await;
    HttpResponse::Ok().body("slow")
}

fn server() -> TestServer {
    TestServer::start_with(short_limits(), || {
        App::new().route("/large", web::get().to(large)).route("/slow", web::get().to(slow))
    })
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

#[test]
fn a_head_that_drips_ends_at_its_limit() {
    let server = server();
    let mut client = server.connect();
    let started = Instant::now();
    while client.try_send("G") {
        assert!(started.elapsed() < PATIENCE, "it goes on for ever");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_client_that_closes_its_side_still_gets_the_answer() {
    let server = server();
    let mut client = server.connect();
    client.send(get("/slow"));
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.answer().body, b"slow");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_nobody_takes_ends_with_its_connection() {
    let server = server();
    // A busy machine may end it later.
    let is_kept = (1..=5_u32).all(|n| {
        let mut client = server.connect();
        client.send(get("/large"));
        thread::sleep((short_limits().unread_answer + Duration::from_secs(1)) * n);
        let mut taken = 0;
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length @ 1..) = client.stream.read(&mut buffer) {
            taken += length;
        }
        taken == LARGE
    });
    assert!(!is_kept, "all of the answer was kept");
}

#[test]
fn an_answer_that_is_taken_slowly_arrives_whole() {
    let server = server();
    let mut client = server.connect();
    client.send(get("/large"));
    // Longer than the limit for an unread answer in all, but never idle.
    let pause = (short_limits().unread_answer * 2) / 16;
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 20];
    while taken < LARGE {
        let length = client.stream.read(&mut buffer).unwrap();
        assert!(length > 0, "cut off after {taken} bytes");
        taken += length;
        thread::sleep(pause.mul_f64(f64::from(u32::try_from(length).unwrap()) / f64::from(1 << 20)));
    }
}
