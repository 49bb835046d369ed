//! Paths where nothing is.

use reqwest::{Method, header::ACCEPT};

use crate::support::{Page, Person, World, send};

const PATHS: [&str; 7] = [
    "/nothing-here",
    "/nothing/here?q=1",
    "/settings",
    "/settings/nothing",
    "/settings/developer/nothing",
    "/sign-in/nothing",
    "/assets/nothing.css",
];

/// What Firefox sends.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn visit(person: &mut Person, method: Method, path: &str) -> Page {
    let request = person.request(method, path).header(ACCEPT, BROWSER);
    person.send(request).await
}

#[tokio::test]
async fn a_browser_is_shown_a_page_that_leads_on() {
    let world = World::start().await;
    let mut people = [world.person(), world.signed_in("admin@example.com", "company_admin").await];
    for (person, signed_in) in people.iter_mut().zip([false, true]) {
        for path in PATHS {
            for method in [Method::GET, Method::POST] {
                let page = visit(person, method, path).await;
                assert_eq!(
                    (page.status, page.headers["content-type"].as_bytes()),
                    (404, &b"text/html; charset=utf-8"[..])
                );
                assert!(page.text.contains("<h1>Page not found</h1>"), "{path}: {}", page.text);
                assert!(page.text.contains("<a href=\"/\">To the home page</a>"), "{path}: {}", page.text);
                assert_eq!(page.text.contains("Sign out"), signed_in, "{path}: {}", page.text);
                let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
                assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
                assert_eq!(page.headers["cache-control"], "no-store");
            }
        }
        assert_eq!(visit(person, Method::HEAD, "/nothing-here").await.status, 404);
    }
}

#[tokio::test]
async fn a_program_is_told_by_a_problem() {
    let world = World::start().await;
    for path in PATHS {
        for accept in ["*/*", "application/json", "application/json, text/plain, */*", "text/html;q=0, */*", ""] {
            let answer = send(world.request(Method::GET, path).header(ACCEPT, accept)).await;
            answer.problem(404, "not_found");
            let expected = format!(
                r#"{{"type":"{}/docs/errors#not_found","title":"Not found","status":404,"detail":"There is nothing under this path. See {}/docs.","code":"not_found","request_id":"{}"}}"#,
                world.server.url,
                world.server.url,
                answer.header("x-request-id"),
            );
            assert_eq!(String::from_utf8_lossy(&answer.bytes), expected, "{path} {accept}");
        }
    }
    // Below the API, whoever asks; and where something is, it answers.
    for path in ["/api", "/api/", "/api/v1/nothing", "/api/v2/contacts"] {
        send(world.request(Method::GET, path).header(ACCEPT, BROWSER)).await.problem(404, "not_found");
    }
    let health = send(world.request(Method::GET, "/healthz").header(ACCEPT, BROWSER)).await;
    assert_eq!((health.status, &*health.bytes), (200, &b"ok\n"[..]));
    send(world.request(Method::POST, "/healthz").header(ACCEPT, BROWSER)).await.problem(405, "bad_request");
}
