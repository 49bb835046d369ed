//! Forms and the origins that they are sent from: behind proxies, over http, and from elsewhere.

use std::slice;

use reqwest::{Method, header};

use crate::{
    rolling::Nginx,
    support::{PASSWORD, Page, Person, Server, World},
};

/// Sends the form for signing in with these headers.
async fn sign_in(person: &mut Person, headers: &[(&str, &str)]) -> Page {
    let token = person.get("/sign-in").await.hidden("csrf").to_owned();
    let form = [("csrf", token.as_str()), ("email", "ada@example.com"), ("password", PASSWORD)];
    let request = person.request(Method::POST, "/sign-in").form(&form);
    person.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// Sees that a form was refused, and that the page and the log tell both origins and the setting.
fn is_told(server: &Server, page: &Page, title: &str, origin: &str, own: &str, setting: &str) {
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.text.contains(&format!("<h1>{title}</h1>")), "{}", page.text);
    assert!(!page.text.contains("out of date"), "{}", page.text);
    for said in ["Nothing was changed.", origin, own, setting] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("a form was refused")).collect();
    let [line] = lines.as_slice() else { panic!("not one line: {log}") };
    assert!(line.contains(origin) && line.contains(own) && line.contains(setting), "{line}");
}

/// By whatever name people come, as long as the browser and the proxy call it the same.
#[tokio::test]
async fn behind_the_delivered_files_one_signs_in_by_a_name_with_a_port() {
    let world = World::start().await;
    world.user(&world.tenant, "ada@example.com", "viewer").await;
    let Some(proxy) = Nginx::start(slice::from_ref(&world.server)).await else {
        assert!(std::env::var("CI").is_err(), "nginx is missing");
        println!("nginx is missing: nothing was tested");
        return;
    };
    let port = proxy.url.rsplit(':').next().expect("a port");
    for host in [format!("127.0.0.1:{port}"), format!("bwp.example:{port}"), "bwp.example".to_owned()] {
        let mut ada = Person::at(&proxy.url);
        let origin = format!("http://{host}");
        let page = sign_in(&mut ada, &[("Host", &host), ("Origin", &origin)]).await;
        assert_eq!((page.status, page.location()), (303, "/"), "{host}: {}", page.text);
    }
    assert_eq!(world.number("SELECT count(*) FROM sessions").await, 3);
}

#[tokio::test]
async fn the_schemes_own_port_is_none() {
    let world = World::start_with(&["--public-url", "https://bwp.example"]).await;
    world.user(&world.tenant, "ada@example.com", "viewer").await;
    for (origin, host) in [
        ("https://bwp.example:443", "node"),
        ("https://bwp.example", "bwp.example:443"),
        ("https://other.example", "other.example:443"),
        ("https://other.example:443", "other.example"),
    ] {
        let page = sign_in(&mut world.person(), &[("Host", host), ("Origin", origin)]).await;
        assert_eq!(page.status, 303, "{origin} {host}: {}", page.text);
    }
}

#[tokio::test]
async fn a_proxy_that_changes_the_host_is_told() {
    let world = World::start().await;
    let own = world.server.url.clone();
    let headers = [("Host", "node1:8080"), ("Origin", "https://bwp.example"), ("Sec-Fetch-Site", "same-origin")];
    let page = sign_in(&mut world.person(), &headers).await;
    is_told(&world.server, &page, "Sent from another address", "https://bwp.example", &own, "BWP_PUBLIC_URL");
    assert!(page.text.contains("node1:8080") && page.text.contains("$http_host"), "{}", page.text);
    // Whoever goes on writes no more lines.
    for _ in 0..20 {
        assert_eq!(sign_in(&mut world.person(), &headers).await.status, 403);
    }
    assert_eq!(world.server.log().matches("a form was refused").count(), 1);
}

#[tokio::test]
async fn an_origin_that_is_withheld_is_told() {
    let world = World::start().await;
    let own = world.server.url.clone();
    let page = sign_in(&mut world.person(), &[("Origin", "null")]).await;
    is_told(&world.server, &page, "Sent from nowhere", "null", &own, "Referrer-Policy");
}

#[tokio::test]
async fn another_site_is_told() {
    let world = World::start().await;
    let own = world.server.url.clone();
    let headers = [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")];
    let page = sign_in(&mut world.person(), &headers).await;
    is_told(&world.server, &page, "Sent from another site", "https://evil.example", &own, "BWP_PUBLIC_URL");
}

/// The browser keeps none of the cookies that it is given over http.
#[tokio::test]
async fn a_page_of_an_https_server_that_is_opened_over_http_is_told() {
    let world = World::start_with(&["--public-url", "https://bwp.example"]).await;
    let page = world.person().get("/sign-in").await;
    let form = [("csrf", page.hidden("csrf")), ("email", "ada@example.com"), ("password", PASSWORD)];
    let mut without_cookies = world.person();
    let request = without_cookies.request(Method::POST, "/sign-in").form(&form);
    let request = request.header("Host", "bwp.example").header("Origin", "http://bwp.example");
    let page = without_cookies.send(request).await;
    let title = "Opened without encryption";
    is_told(&world.server, &page, title, "http://bwp.example", "https://bwp.example", "BWP_PUBLIC_URL");
    // A form of before is one, whatever it was sent over.
    let mut with_cookies = world.person();
    with_cookies.get("/sign-in").await;
    let old = with_cookies.request(Method::POST, "/sign-in").form(&form).header("Host", "bwp.example");
    let page = with_cookies.send(old.header("Origin", "http://bwp.example")).await;
    assert!(page.text.contains("This form is out of date"), "{}", page.text);
}

#[tokio::test]
async fn what_was_sent_as_an_origin_is_neither_markup_nor_long() {
    let world = World::start().await;
    let evil = format!("https://<script>alert(1)</script>\"{}", "a".repeat(5_000));
    let page = sign_in(&mut world.person(), &[("Origin", &evil), ("Host", &evil.replace("https://", ""))]).await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(!page.text.contains("<script>alert") && page.text.contains("&lt;script&gt;"), "{}", page.text);
    assert!(page.text.len() < 8_000, "{}", page.text.len());
    assert!(page.headers.get(header::CONTENT_SECURITY_POLICY).is_some());
    let log = world.server.log();
    let line = log.lines().find(|line| line.contains("a form was refused")).expect("a line");
    assert!(line.len() < 2_000, "{}", line.len());
}
