//! The whole way, and what leads to it.

use reqwest::Method;
use serde_json::json;

use super::{BACK, Stage, is_open, post, refuses, register, registered, told};
use crate::support::{World, send};

#[tokio::test]
async fn an_app_registers_is_let_in_refreshes_and_is_sent_away() {
    let mut stage = Stage::with("company_admin").await;
    let page = stage.page("contacts:read contacts:write offline_access", &[]);
    let shown = stage.person.get(&page).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for said in ["Yard sync", "Test Builders", "user@example.com", "yard.example", "Make and change contacts"] {
        assert!(shown.words().contains(said), "{said}: {}", shown.text);
    }
    let header = |name: &str| shown.headers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned();
    assert_eq!(header("referrer-policy"), "no-referrer");
    let policy = header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' https://yard.example"));
    assert_eq!(header("access-control-allow-origin"), "");

    let back = stage.decide(&page, "approve").await;
    assert!(back.location().starts_with(&format!("{BACK}?code=bwp_ac_")), "{}", back.location());
    assert_eq!(told(&back, "state").as_deref(), Some("xyz"));
    assert_eq!(told(&back, "iss").as_deref(), Some(stage.world.server.url.as_str()));
    let answer = stage.redeem(&told(&back, "code").expect("a code")).await;
    is_open(&answer);
    let tokens = answer.json;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(tokens["scope"], "contacts:read contacts:write offline_access");

    let api = stage.api(&tokens);
    let made = api.post("/contacts", &crate::support::contact("Acme")).await;
    made.data(201);
    assert_eq!(api.get("/contacts").await.data(200).as_array().map(Vec::len), Some(1));
    assert_eq!(api.get("/me").await.data(200)["keyName"], "Yard sync");
    api.get("/leads").await.problem(403, "scope_insufficient");
    let who = api.get("/oauth/userinfo").await;
    is_open(&who);
    assert_eq!(who.json["email"], "user@example.com");
    assert_eq!((&who.json["role"], &who.json["name"]), (&json!("company_admin"), &json!("")));
    assert_eq!(who.json["scopes"], json!(["contacts:read", "contacts:write", "offline_access"]));

    let next = stage.refresh(&tokens["refresh_token"]).await;
    assert_eq!(next.status, 200, "{next}");
    stage.api(&next.json).get("/contacts").await.data(200);
    let refresh = next.json["refresh_token"].as_str().expect("a refresh token");
    let gone = post(&stage.world, "revoke", &[("token", refresh), ("client_id", &stage.client)]).await;
    assert_eq!((gone.status, gone.bytes.len()), (200, 0), "{gone}");
    for tokens in [&tokens, &next.json] {
        stage.api(tokens).get("/contacts").await.problem(401, "unauthorized");
    }
    refuses(&stage.refresh(&next.json["refresh_token"]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_documents_lead_to_the_endpoints() {
    let world = World::start().await;
    let url = world.server.url.clone();
    let found = send(world.request(Method::GET, "/.well-known/oauth-authorization-server")).await;
    assert_eq!(found.status, 200, "{found}");
    is_open(&found);
    assert_eq!(found.json["issuer"], url);
    for (member, name) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("revocation_endpoint", "revoke"),
        ("registration_endpoint", "register"),
        ("userinfo_endpoint", "userinfo"),
    ] {
        assert_eq!(found.json[member], format!("{url}/api/v1/oauth/{name}"));
    }
    assert_eq!(found.json["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(found.json["authorization_response_iss_parameter_supported"], true);
    assert_eq!(found.json["scopes_supported"].as_array().map(Vec::len), Some(62));
    for path in ["", "/api/v1", "/api/mcp"] {
        let found = send(world.request(Method::GET, &format!("/.well-known/oauth-protected-resource{path}"))).await;
        is_open(&found);
        assert_eq!(found.json["resource"], format!("{url}{path}"));
        assert_eq!(found.json["authorization_servers"], json!([url]));
    }
    assert_eq!(send(world.request(Method::GET, "/.well-known/openid-configuration")).await.status, 404);
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_the_endpoints_and_never_for_consent() {
    let world = World::start().await;
    for path in [
        "/api/v1/oauth/register",
        "/api/v1/oauth/token",
        "/api/v1/oauth/revoke",
        "/api/v1/oauth/userinfo",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/api/v1/oauth/authorize",
    ] {
        let preflight = world
            .request(Method::OPTIONS, path)
            .header("Origin", "https://yard.example")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        let answer = send(preflight).await;
        if path.ends_with("/authorize") {
            assert!(answer.status >= 400 && answer.header("access-control-allow-origin").is_empty(), "{answer}");
        } else {
            assert_eq!(answer.status, 204, "{path}: {answer}");
            is_open(&answer);
            let allowed = answer.header("access-control-allow-headers");
            assert_eq!(allowed, "Authorization, Content-Type, MCP-Protocol-Version", "{path}");
        }
    }
}

#[tokio::test]
async fn what_registers_is_kept_once_and_refused_by_name() {
    let world = World::start().await;
    let public =
        json!({ "client_name": "Yard sync", "redirect_uris": [BACK], "x": 1, "scope": "openid contacts:read" });
    let made = registered(&world, &public).await;
    assert!(made["client_id"].as_str().is_some_and(|id| id.starts_with("cli_")));
    assert_eq!((&made["scope"], &made["token_endpoint_auth_method"]), (&json!("contacts:read"), &json!("none")));
    assert!(made.get("client_secret").is_none());
    assert_eq!(registered(&world, &public).await["client_id"], made["client_id"]);
    assert_eq!(world.number("SELECT count(*) FROM oauth_clients").await, 1);
    let bad = json!({ "client_name": "Yard sync", "redirect_uris": ["https://10.0.0.1/"] });
    refuses(&register(&world, &bad).await, 400, "invalid_redirect_uri");
    let bad = json!({ "client_name": "Yard sync", "redirect_uris": [BACK], "scope": "api_keys:manage" });
    refuses(&register(&world, &bad).await, 400, "invalid_scope");
    let form = world.request(Method::POST, "/api/v1/oauth/register").form(&[("client_name", "x")]);
    refuses(&send(form).await, 400, "invalid_client_metadata");
    let sixth = register(&world, &public).await;
    refuses(&sixth, 429, "rate_limited");
    assert!(sixth.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{sixth}");
}
