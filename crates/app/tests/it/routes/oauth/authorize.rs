//! The consent page: who is told what is wrong, and how.

use reqwest::Method;

use super::{AUTHORIZE, BACK, Stage, address, told};

#[tokio::test]
async fn what_is_wrong_with_the_app_is_told_on_a_page() {
    let mut stage = Stage::with("company_admin").await;
    let good = stage.page("contacts:read", &[]);
    let twice = |name: &str, value: &str| format!("{good}&{name}={value}");
    for page in [
        stage.page("contacts:read", &[("client_id", "")]),
        stage.page("contacts:read", &[("client_id", "cli_00000000000000000000000000")]),
        stage.page("contacts:read", &[("client_id", &stage.client.to_lowercase())]),
        stage.page("contacts:read", &[("redirect_uri", "")]),
        stage.page("contacts:read", &[("redirect_uri", "https://yard.example/other")]),
        stage.page("contacts:read", &[("redirect_uri", "https://evil.example/cb")]),
        twice("client_id", &stage.client),
        twice("redirect_uri", "https://yard.example/cb"),
    ] {
        let shown = stage.person.get(&page).await;
        assert_eq!((shown.status, shown.location()), (400, ""), "{page}");
        assert!(shown.text.starts_with("<!DOCTYPE html>"), "{page}");
    }
}

#[tokio::test]
async fn what_else_is_wrong_is_told_to_the_app() {
    let mut stage = Stage::with("company_admin").await;
    let other = format!("{}/other", stage.world.server.url);
    let mcp = format!("{}/api/mcp", stage.world.server.url);
    let long = "a".repeat(129);
    for (more, error) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge", &*long), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("request", "eyJ9"), "request_not_supported"),
        (("request_uri", "https://yard.example/r"), "request_uri_not_supported"),
        (("resource", &*other), "invalid_target"),
        (("scope", "contacts:fly"), "invalid_scope"),
        (("scope", "api_keys:manage"), "invalid_scope"),
        (("scope", "openid"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("prompt", "none"), "consent_required"),
    ] {
        let page = stage.page("contacts:read", &[more]);
        let back = stage.person.get(&page).await;
        assert_eq!(told(&back, "error").as_deref(), Some(error), "{more:?}: {}", back.location());
        assert_eq!(told(&back, "state").as_deref(), Some("xyz"), "{more:?}");
        assert_eq!(told(&back, "iss").as_deref(), Some(stage.world.server.url.as_str()), "{more:?}");
        assert!(back.location().starts_with(BACK) && told(&back, "error_description").is_some(), "{more:?}");
    }
    let twice = format!("{}&state=other", stage.page("contacts:read", &[]));
    assert_eq!(told(&stage.person.get(&twice).await, "error").as_deref(), Some("invalid_request"));
    let page = stage.page("contacts:read", &[("resource", &mcp)]);
    assert_eq!(stage.person.get(&page).await.status, 200);
    let page = stage.page("contacts:read", &[]);
    let denied = stage.decide(&page, "deny").await;
    assert_eq!(told(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(stage.world.number("SELECT count(*) FROM oauth_codes").await, 0);
}

#[tokio::test]
async fn nobody_is_sent_to_an_app_before_they_have_signed_in() {
    let stage = Stage::with("company_admin").await;
    let mut stranger = stage.world.person();
    let bad = stage.page("contacts:fly", &[]);
    for page in [stage.page("contacts:read", &[]), bad] {
        let shown = stranger.get(&page).await;
        assert_eq!(shown.status, 302);
        let sign_in = shown.location().to_owned();
        assert!(sign_in.starts_with("/sign-in?"), "{sign_in}");
        assert_eq!(stranger.get(&sign_in).await.hidden("next").replace("&amp;", "&"), page);
    }
    let silent = stranger.get(&stage.page("contacts:read", &[("prompt", "none")])).await;
    assert_eq!(told(&silent, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_form_that_is_not_this_pages_is_refused() {
    let mut stage = Stage::with("company_admin").await;
    let page = stage.page("contacts:read", &[]);
    let token = stage.person.get(&page).await.hidden("csrf").to_owned();
    let good = [("csrf", &*token), ("request_uri", &*page), ("decision", "approve")];
    let foreign = address(&[("client_id", "cli_00000000000000000000000000")]);
    for (n, fields) in [
        vec![("request_uri", &*page), ("decision", "approve")],
        vec![("csrf", "forged"), ("request_uri", &*page), ("decision", "approve")],
        vec![("csrf", &*token), ("decision", "approve")],
        vec![("csrf", &*token), ("request_uri", "https://evil.example/"), ("decision", "approve")],
        vec![("csrf", &*token), ("request_uri", &*foreign), ("decision", "approve")],
        vec![("csrf", &*token), ("request_uri", &*page), ("decision", "perhaps")],
    ]
    .into_iter()
    .enumerate()
    {
        let answer = stage.person.post(AUTHORIZE, &fields).await;
        assert_eq!((answer.status, answer.location()), (400, ""), "{n}");
    }
    let request = stage.person.request(Method::POST, AUTHORIZE).header("Origin", "https://evil.example").form(&good);
    let answer = stage.person.send(request).await;
    assert_eq!((answer.status, answer.location()), (400, ""));
    let mut stranger = stage.world.person();
    let strangers = stranger.get("/sign-in").await.hidden("csrf").to_owned();
    let fields = [("csrf", &*strangers), ("request_uri", &*page), ("decision", "approve")];
    assert_eq!(stranger.post(AUTHORIZE, &fields).await.status, 400);
    assert_eq!(stage.world.number("SELECT count(*) FROM oauth_codes").await, 0);
    let answer = stage.person.post(AUTHORIZE, &good).await;
    assert!(told(&answer, "code").is_some());
}
