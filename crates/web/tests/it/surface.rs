//! The middleware of a surface, wrapped as the crate's documentation says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::BoxBody,
    dev::ServiceResponse,
    error::{ErrorImATeapot, ErrorInternalServerError},
    http::{StatusCode, header::CACHE_CONTROL},
    middleware::{Next, from_fn},
    web,
};
use bwp_web::{
    availability::Availability,
    body,
    client_address::{ClientAddress, TrustedProxies},
    head, headers,
    limits::{MAX_PATH_BYTES, MAX_QUERY_BYTES, refuse_long_targets},
    metrics::{CredentialRefused, Meter, RouteMeter},
    observe::{Observer, observe, record_route, record_tenant},
    request_id::RequestId,
};

use crate::{
    log,
    support::{Answer, Client, PATIENCE, TestServer},
};

async fn who(request: HttpRequest, route: web::Data<RouteMeter>) -> HttpResponse {
    record_route(&request, &route);
    // From inside another span, as a use case would have one.
    tracing::info_span!("inner").in_scope(|| record_tenant(&request, "tnt_1"));
    assert_eq!(RequestId::current(), Some(RequestId::of(&request)));
    HttpResponse::Ok().body(format!("{} {:?}", RequestId::of(&request), ClientAddress::of(&request)))
}

async fn cached() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "max-age=60")).body("cached")
}

async fn broken() -> Result<HttpResponse, actix_web::Error> {
    Err(ErrorInternalServerError("broken"))
}

async fn refuses() -> HttpResponse {
    let mut answer = HttpResponse::Unauthorized().finish();
    answer.extensions_mut().insert(CredentialRefused("revoked"));
    answer
}

async fn panics() -> HttpResponse {
    panic!("a handler that panics")
}

async fn endless() -> HttpResponse {
    std::future::pending().await
}

async fn fail(
    _request: actix_web::dev::ServiceRequest,
    _next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    Err(ErrorImATeapot("short and stout"))
}

/// A surface whose request ids begin with `prefix`.
fn server(prefix: &'static str) -> TestServer {
    counted(prefix, &Arc::default(), &Arc::default())
}

/// The same, with its numbers and its state.
fn counted(prefix: &'static str, meter: &Arc<Meter>, availability: &Arc<Availability>) -> TestServer {
    let next = Arc::new(AtomicU32::new(1));
    let observer = Observer {
        new_request_id: Arc::new(move || format!("{prefix}_{}", next.fetch_add(1, Ordering::Relaxed))),
        trusted_proxies: Arc::new(TrustedProxies::parse(["127.0.0.1"]).unwrap()),
        meter: Arc::clone(meter),
        availability: Arc::clone(availability),
        trace: None,
    };
    let who_is_it = meter.route("GET", "/who");
    TestServer::start(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&who_is_it)))
            .service(web::resource("/who").route(web::get().to(who)))
            .route("/cached", web::get().to(cached))
            .route("/broken", web::get().to(broken))
            .route("/refuses", web::get().to(refuses))
            .route("/panics", web::get().to(panics))
            .route("/endless", web::get().to(endless))
            .service(web::scope("/fails-outside-handlers").wrap(from_fn(fail)).route("", web::get().to(who)))
            .wrap(head::answer_like_get())
            .wrap(body::close_when_unread())
            .wrap(refuse_long_targets(|_, too_long| {
                HttpResponse::build(StatusCode::URI_TOO_LONG).body(too_long.to_string())
            }))
            .wrap(headers::api_headers())
            .wrap(observe(observer.clone()))
    })
}

fn ask(client: &mut Client, method: &str, target: &str, extra: &str) -> Answer {
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: test\r\n{extra}\r\n"));
    if method == "HEAD" { client.answer_head() } else { client.answer() }
}

#[test]
fn every_answer_is_named_and_guarded() {
    let server = server("named");
    let mut client = server.connect();
    let long = format!("/{}", "x".repeat(MAX_PATH_BYTES));
    for (count, (method, target, status)) in [
        ("GET", "/who", 200),
        ("HEAD", "/who", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/who", 405),
        ("OPTIONS", "/who", 405),
        ("GET", "/broken", 500),
        ("GET", "/fails-outside-handlers", 418),
        ("GET", &long, 414),
    ]
    .into_iter()
    .enumerate()
    {
        let foreign = "X-Request-Id: mine\r\nOrigin: https://foreign.example\r\nAccess-Control-Request-Method: GET\r\n";
        let answer = ask(&mut client, method, target, foreign);
        assert_eq!(answer.status, status, "{method} {target}");
        for (name, value) in [
            ("x-request-id", format!("named_{}", count + 1).as_str()),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {target}");
        }
        assert!(!format!("{answer:?}").to_lowercase().contains("access-control"), "{answer:?}");
    }
}

#[test]
fn a_handler_sees_the_id_and_the_address() {
    let server = server("seen");
    let mut client = server.connect();
    assert_eq!(ask(&mut client, "GET", "/who", "").body, b"seen_1 Some(127.0.0.1)");
    assert_eq!(
        ask(&mut client, "GET", "/who", "X-Forwarded-For: 192.0.2.1, ::ffff:192.0.2.7\r\n").body,
        b"seen_2 Some(192.0.2.7)"
    );
    assert_eq!(ask(&mut client, "GET", "/who", "X-Forwarded-For: unknown\r\n").body, b"seen_3 None");
}

#[test]
fn a_handler_may_let_its_answer_be_cached() {
    let answer = ask(&mut server("cached").connect(), "GET", "/cached", "");
    assert_eq!(answer.header("cache-control"), Some("max-age=60"));
}

#[test]
fn head_answers_like_get_without_the_body() {
    let server = server("head");
    let mut client = server.connect();
    let get = ask(&mut client, "GET", "/cached", "");
    for _ in 0..2 {
        let head = ask(&mut client, "HEAD", "/cached", "");
        assert_eq!(head.status, get.status);
        for name in ["content-length", "content-type", "cache-control", "x-content-type-options"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
    // The connection is where it should be: no body came in between.
    assert_eq!(ask(&mut client, "GET", "/cached", "").body, b"cached");
    assert_eq!(ask(&mut client, "HEAD", "/nowhere", "").status, 404);
}

#[test]
fn targets_up_to_the_limits_are_routed() {
    let server = server("target");
    let mut client = server.connect();
    let path = |length: usize| format!("/{}", "p".repeat(length - 1));
    let query = |length: usize| format!("/who?{}", "q".repeat(length));
    assert_eq!(ask(&mut client, "GET", &path(MAX_PATH_BYTES), "").status, 404);
    assert_eq!(ask(&mut client, "GET", &query(MAX_QUERY_BYTES), "").status, 200);
    let refused = ask(&mut client, "GET", &path(MAX_PATH_BYTES + 1), "");
    assert_eq!(
        (refused.status, refused.body.as_slice()),
        (414, b"the path is 2049 bytes long; at most 2048 are served".as_slice())
    );
    let refused = ask(&mut client, "GET", &query(MAX_QUERY_BYTES + 1), "");
    assert_eq!(
        (refused.status, refused.body.as_slice()),
        (414, b"the query is 8193 bytes long; at most 8192 are served".as_slice())
    );
}

#[test]
fn each_request_ends_in_one_line_of_the_log() {
    log::keep();
    let server = server("logged");
    let mut client = server.connect();
    ask(&mut client, "GET", "/who?secret=swordfish", "Authorization: Bearer swordfish\r\n");
    ask(&mut client, "POST", "/nowhere", "");
    ask(&mut client, "GET", "/broken", "");
    ask(&mut client, "GET", "/fails-outside-handlers", "");
    for (id, level, parts) in [
        (
            "logged_1",
            "DEBUG",
            vec![
                "\"status\":200",
                "\"method\":\"GET\"",
                "\"path\":\"/who\"",
                "\"tenant\":\"tnt_1\"",
                "\"duration_ms\":",
            ],
        ),
        ("logged_2", "DEBUG", vec!["\"status\":404", "\"method\":\"POST\"", "\"path\":\"/nowhere\""]),
        ("logged_3", "ERROR", vec!["\"status\":500"]),
        ("logged_4", "DEBUG", vec!["\"status\":418"]),
    ] {
        let lines = log::lines(&format!("\"request_id\":\"{id}\""));
        let [line] = lines.as_slice() else { panic!("{id}: {lines:?}") };
        assert!(line.contains(&format!("\"level\":\"{level}\"")), "{line}");
        for part in parts {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert_eq!(log::lines("swordfish"), [""; 0]);
}

#[test]
fn a_request_whose_work_is_dropped_is_logged_too() {
    log::keep();
    let server = server("dropped");
    let mut client = server.connect();
    client.send("GET /panics HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.closed().as_deref(), Some(b"".as_slice()));

    let mut client = server.connect();
    // Closing with the answer to the first request unread resets the connection, and the second ends with it.
    client.send("GET /who HTTP/1.1\r\nHost: test\r\n\r\nGET /endless HTTP/1.1\r\nHost: test\r\n\r\n");
    client.wait();
    drop(client);

    for (id, level, message) in [("dropped_1", "ERROR", "panicked"), ("dropped_3", "INFO", "abandoned")] {
        let name = format!("\"request_id\":\"{id}\"");
        let started = Instant::now();
        while log::lines(&name).is_empty() && started.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        let lines = log::lines(&name);
        let [line] = lines.as_slice() else { panic!("{id}: {lines:?}") };
        assert!(line.contains(level) && line.contains(message), "{line}");
    }
    assert_eq!(ask(&mut server.connect(), "GET", "/cached", "").status, 200, "the worker lives on");
}

#[test]
fn every_request_is_counted() {
    let meter: Arc<Meter> = Arc::default();
    let server = counted("counted", &meter, &Arc::default());
    let mut client = server.connect();
    for target in ["/who", "/who", "/refuses", "/nowhere", "/fails-outside-handlers"] {
        ask(&mut client, "GET", target, "");
    }
    client.send("GET /panics HTTP/1.1\r\nHost: test\r\n\r\n");
    client.closed();
    let [who, other] = meter.routes().try_into().unwrap();
    assert_eq!((who.method(), who.pattern()), ("GET", "/who"));
    assert_eq!(who.answers().collect::<Vec<_>>(), [(Some(200), 2)]);
    assert_eq!(who.durations().count(), 2);
    assert_eq!(other.answers().collect::<Vec<_>>(), [(Some(401), 1), (Some(404), 1), (None, 1)]);
    assert_eq!((meter.in_flight(), meter.panicked(), meter.abandoned()), (0, 1, 0));
    assert_eq!(meter.refused().into_iter().collect::<Vec<_>>(), [("revoked", 1)]);
}

#[test]
fn before_the_server_stops_each_answer_ends_its_connection() {
    let availability: Arc<Availability> = Arc::default();
    let server = counted("stopping", &Arc::default(), &availability);
    let (mut early, mut broken) = (server.connect(), server.connect());
    assert_eq!(ask(&mut early, "GET", "/who", "").header("connection"), None);
    availability.stop();
    assert_eq!(ask(&mut early, "GET", "/who", "").header("connection"), Some("close"));
    assert_eq!(early.closed().as_deref(), Some(b"".as_slice()));
    // An answer that nobody inside made ends its connection too.
    assert_eq!(ask(&mut broken, "GET", "/fails-outside-handlers", "").header("connection"), Some("close"));
    assert!(broken.closed().is_some());
    // Who comes now is still served.
    assert_eq!(ask(&mut server.connect(), "GET", "/who", "").status, 200);
}
