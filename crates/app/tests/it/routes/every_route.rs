//! What holds for every route.

use std::{collections::HashSet, io::Read};

use flate2::read::GzDecoder;
use reqwest::Method;

use super::contacts::{ALL, create_named, path};
use crate::support::{Answer, Operation, World, operations, send};

#[tokio::test]
async fn unknown_and_repeated_parameters_are_named() {
    let world = World::start().await;
    let operations = operations(&world).await;
    let scopes: Vec<&str> = operations.iter().flat_map(|operation| &operation.scopes).map(String::as_str).collect();
    let client = world.client(&scopes).await;
    let id = create_named(&client, "Acme").await;
    for operation in operations {
        let Operation { name, .. } = &operation;
        for (query, named) in [
            ("nonsense=1", "`nonsense`"),
            ("nonsense", "`nonsense`"),
            ("%00=%ff", "`\u{0}`"),
            ("limit=1&limit=1", "`limit`"),
            ("=", "``"),
            ("limit=%", "`limit`"),
            ("limit=%2", "`limit`"),
            ("%zz=1", "`%zz`"),
            ("search=%ff", "`search`"),
        ] {
            let path = format!("{}?{query}", operation.path_of(id));
            let answer = send(operation.request(&client, &path, operation.example.as_ref())).await;
            assert!(answer.problem(400, "bad_request").contains(named), "{name}?{query}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_empty_parameter_counts_as_left_out() {
    let world = World::start().await;
    let operations = operations(&world).await;
    let scopes: Vec<&str> = operations.iter().flat_map(|operation| &operation.scopes).map(String::as_str).collect();
    let client = world.client(&scopes).await;
    let id = create_named(&client, "Acme").await;
    let of = |answer: &Answer| (answer.status, answer.json["data"].clone(), answer.json["error"]["detail"].clone());
    for operation in operations.iter().filter(|operation| !operation.parameters.is_empty()) {
        let path = operation.path_of(id);
        let whole = send(operation.request(&client, &path, None)).await;
        let all: Vec<String> = operation.parameters.iter().map(|name| format!("{name}=")).collect();
        for query in all.iter().chain([&all.join("&")]) {
            let answer = send(operation.request(&client, &format!("{path}?{query}"), None)).await;
            assert_eq!(of(&answer), of(&whole), "{}?{query}", operation.name);
        }
    }
}

#[tokio::test]
async fn a_misspelt_parameter_is_told_the_nearest_one() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for (query, nearest) in [("datefrom=x", "dateFrom"), ("limits=1", "limit"), ("Search=a", "search")] {
        let answer = client.get(&format!("/contacts?{query}")).await;
        assert!(answer.problem(400, "bad_request").contains(&format!("`{nearest}`")), "{query}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    let contact = path(create_named(&client, "Acme").await);
    let paths = [
        "/me",
        "/contacts",
        "/contacts?limit=0",
        "/contacts/count",
        "/contacts/summary",
        &contact,
        "/contacts/0",
        "/nothing",
        "/openapi.json",
    ];
    for path in paths {
        let (get, head) = (client.get(path).await, send(client.request(Method::HEAD, path)).await);
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        assert!(!head.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn what_is_long_is_compressed_for_who_accepts_it() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for n in 0..20 {
        create_named(&client, &format!("Contact {n}")).await;
    }
    let one = format!("/api/v1{}", path(create_named(&client, "Acme").await));
    let bundle = send(world.request(Method::GET, "/docs")).await;
    let bundle = String::from_utf8_lossy(&bundle.bytes).into_owned();
    let start = bundle.find("/docs/assets/swagger-ui-bundle.js").expect("a script");
    let bundle = bundle[start..].split('"').next().expect("quoted").to_owned();
    for (target, least, most) in [
        ("/api/v1/contacts", 5, 100),
        ("/api/v1/openapi.json", 5, 100),
        ("/docs/errors", 2, 100),
        ("/assets/console.css", 2, 100),
        (bundle.as_str(), 2, 100),
        // A short one is sent as it is, and so is a page for people.
        (one.as_str(), 1, 1),
        ("/sign-in", 1, 1),
        ("/healthz", 1, 1),
    ] {
        let ask = |method, coding: &'static str| {
            world.request(method, target).bearer_auth(&client.key).header("Accept-Encoding", coding)
        };
        let plain = send(ask(Method::GET, "br, gzip;q=0")).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{target}");
        for method in [Method::GET, Method::HEAD] {
            let zipped = send(ask(method.clone(), "deflate, gzip")).await;
            let coding = if least > 1 { "gzip" } else { "" };
            assert_eq!((zipped.status, zipped.header("content-encoding")), (200, coding), "{method} {target}");
            if least == 1 {
                continue;
            }
            assert!(zipped.header("vary").contains("Accept-Encoding"), "{target}");
            let bytes: usize = zipped.header("content-length").parse().expect("a length");
            assert!(
                (least..=most).contains(&(plain.bytes.len() / bytes)),
                "{target}: {bytes} of {}",
                plain.bytes.len()
            );
            if method == Method::GET {
                let mut read = Vec::new();
                GzDecoder::new(&*zipped.bytes).read_to_end(&mut read).expect("gzip");
                // But for the request's own id.
                assert_eq!(read.len(), plain.bytes.len(), "{target}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones() {
    let world = World::start().await;
    let client = world.client(ALL).await;
    for (method, path, allow) in [
        ("PUT", "/contacts", "GET, HEAD, POST"),
        ("DELETE", "/contacts", "GET, HEAD, POST"),
        ("POST", "/contacts/1", "DELETE, GET, HEAD, PATCH"),
        ("PUT", "/contacts/abc", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/contacts/get-many", "POST"),
        ("PATCH", "/contacts/get-many", "POST"),
        ("POST", "/contacts/count", "GET, HEAD"),
        ("DELETE", "/me", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("OPTIONS", "/contacts", "GET, HEAD, POST"),
        ("TRACE", "/me", "GET, HEAD"),
        ("BREW", "/me", "GET, HEAD"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = send(client.request(method.clone(), path)).await;
        answer.problem(405, "bad_request");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = send(client.request(Method::HEAD, "/contacts/get-many")).await;
    assert_eq!((head.status, head.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn an_unknown_route_is_404() {
    let world = World::start().await;
    for path in [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/contacts",
        "/api/v1/contact",
        "/api/v1/contacts/",
        "/api/v1/contacts/1/x",
        "/api/v1//contacts",
        "/API/v1/contacts",
        "/api/v1/Contacts",
        "/api/v1/contacts/count/",
        "/api/v1/contacts;x=1",
        "/api/v1/../v1/nothing",
        "/%2e%2e/etc/passwd",
        "/api/v1/%ff",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            send(world.request(method, path)).await.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_nearly_right_is_told_the_right_one() {
    let world = World::start_with(&["--public-url", "https://example.com/building"]).await;
    for (path, right) in [
        ("/api/v1/contacts/", "/api/v1/contacts"),
        ("//api/v1/contacts", "/api/v1/contacts"),
        ("/api//v1///contacts//", "/api/v1/contacts"),
        ("/API/V1/Contacts", "/api/v1/contacts"),
        ("/api/v1/contacts/Count/", "/api/v1/contacts/count"),
        ("/api/v1/contacts/7/?x=/y", "/api/v1/contacts/7"),
        ("/api/v1/openapi.json/", "/api/v1/openapi.json"),
        ("/Healthz/", "/healthz"),
        ("/api/v1/contact", ""),
        ("/api/v1/contacts/1/x", ""),
        ("/api/v1", ""),
    ] {
        let answer = send(world.request(Method::GET, path)).await;
        let detail = answer.problem(404, "not_found").to_owned();
        let meant = format!(" Did you mean https://example.com/building{right}?");
        let meant = if right.is_empty() { "" } else { &meant };
        let docs = "See https://example.com/building/docs.";
        assert_eq!(detail, format!("There is nothing under this path.{meant} {docs}"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let world = World::start_with(&["--log", "info,bwp_web=debug"]).await;
    let client = world.client(ALL).await;
    let long = format!("/api/v1/contacts?search={}", "x".repeat(9_000));
    let mut seen = HashSet::new();
    for (path, status) in [
        ("/api/v1/me", 200),
        ("/api/v1/me", 200),
        ("/api/v1/contacts", 200),
        ("/api/v1/contacts?x", 400),
        ("/api/v1/contacts/0", 404),
        ("/api/v1/contacts/get-many", 405),
        ("/api/v1/openapi.json", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/nothing", 404),
        (long.as_str(), 414),
    ] {
        let request = world.request(Method::GET, path).bearer_auth(&client.key).header("X-Request-Id", "of-the-client");
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{path}");
        let id = answer.header("x-request-id");
        assert!(crate::support::is_public_id("req_", id), "{path}: {id}");
        assert!(seen.insert(id.to_owned()), "{path}");
        assert!(world.server.log().contains(id), "{path}: the log names it");
    }
}
