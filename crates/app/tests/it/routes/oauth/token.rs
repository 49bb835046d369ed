//! The token endpoint: what it refuses, and what a refresh does.

use reqwest::Method;
use serde_json::json;

use super::{BACK, Stage, VERIFIER, post, refuses, registered};
use crate::support::send;

#[tokio::test]
async fn a_code_is_good_once_for_its_client_and_with_its_proof() {
    let mut stage = Stage::with("company_admin").await;
    let other = json!({ "client_name": "Other", "redirect_uris": [BACK] });
    let other = registered(&stage.world, &other).await["client_id"].as_str().expect("an id").to_owned();
    let code = stage.code("contacts:read").await;
    let redeem = |change: (&'static str, &str)| {
        let (client, code) = (stage.client.clone(), code.clone());
        let mut fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("code_verifier", VERIFIER.to_owned()),
            ("redirect_uri", BACK.to_owned()),
            ("client_id", client),
        ];
        fields.retain(|(name, _)| *name != change.0);
        fields.push((change.0, change.1.to_owned()));
        fields
    };
    let ask = async |fields: Vec<(&str, String)>| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post(&stage.world, "token", &fields).await
    };
    refuses(&ask(redeem(("grant_type", ""))).await, 400, "invalid_request");
    refuses(&ask(redeem(("grant_type", "password"))).await, 400, "unsupported_grant_type");
    refuses(&ask(redeem(("code_verifier", ""))).await, 400, "invalid_request");
    refuses(&ask(redeem(("client_id", ""))).await, 400, "invalid_request");
    refuses(&ask(redeem(("client_id", "cli_00000000000000000000000000"))).await, 401, "invalid_client");
    refuses(&ask(redeem(("client_secret", "bwp_cs_x"))).await, 401, "invalid_client");
    refuses(&ask(redeem(("code", "bwp_ac_x"))).await, 400, "invalid_grant");
    refuses(&ask(redeem(("resource", "https://evil.example"))).await, 400, "invalid_target");
    // What another client shows is left alone.
    refuses(&ask(redeem(("client_id", &other))).await, 400, "invalid_grant");
    let good = ask(redeem(("x", "ignored"))).await;
    assert_eq!(good.status, 200, "{good}");
    assert!(good.json.get("refresh_token").is_none(), "without offline_access there is none: {good}");
    let api = stage.api(&good.json);
    api.get("/contacts").await.data(200);
    refuses(&ask(redeem(("x", "ignored"))).await, 400, "invalid_grant");
    // A code that is shown twice is in two hands.
    api.get("/contacts").await.problem(401, "unauthorized");

    for (wrong, value) in [("code_verifier", "a".repeat(43)), ("redirect_uri", "https://yard.example/".to_owned())] {
        let code = stage.code("contacts:read").await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", BACK),
            ("client_id", &*stage.client),
        ];
        fields.retain(|(name, _)| *name != wrong);
        fields.push((wrong, &value));
        refuses(&stage.token(&fields).await, 400, "invalid_grant");
        refuses(&stage.redeem(&code).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn what_is_no_form_is_no_request() {
    let stage = Stage::with("company_admin").await;
    for endpoint in ["token", "revoke"] {
        let request = || stage.world.request(Method::POST, &format!("/api/v1/oauth/{endpoint}"));
        let json = request().json(&json!({ "token": "x", "grant_type": "refresh_token", "client_id": stage.client }));
        refuses(&send(json).await, 400, "invalid_request");
        let twice = [("client_id", &*stage.client), ("token", "x"), ("token", "y")];
        refuses(&send(request().form(&twice)).await, 400, "invalid_request");
    }
    refuses(&post(&stage.world, "revoke", &[("client_id", &stage.client)]).await, 400, "invalid_request");
    refuses(&post(&stage.world, "revoke", &[("token", "x")]).await, 400, "invalid_request");
    let unknown = [("token", "x"), ("client_id", "cli_00000000000000000000000000")];
    refuses(&post(&stage.world, "revoke", &unknown).await, 401, "invalid_client");
    let anything = [("token", "x"), ("client_id", &*stage.client), ("token_type_hint", "pigeon")];
    assert_eq!(post(&stage.world, "revoke", &anything).await.status, 200);
}

#[tokio::test]
async fn a_confidential_client_proves_itself_one_way() {
    let mut stage = Stage::with("company_admin").await;
    let body = json!({
        "client_name": "Office", "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_basic",
    });
    let client = registered(&stage.world, &body).await;
    let (id, secret) =
        (client["client_id"].as_str().expect("an id"), client["client_secret"].as_str().expect("a secret"));
    assert!(secret.starts_with("bwp_cs_") && client["client_secret_expires_at"] == 0);
    id.clone_into(&mut stage.client);
    let fields = |code: &str| {
        [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let request = || stage.world.request(Method::POST, "/api/v1/oauth/token");
    let last = if secret.ends_with('A') { "B" } else { "A" };
    let wrong = format!("{}{last}", &secret[..secret.len() - 1]);
    let basic = send(request().basic_auth(id, Some(&wrong)).form(&fields("x"))).await;
    refuses(&basic, 401, "invalid_client");
    assert!(basic.header("www-authenticate").starts_with("Basic"), "{basic}");
    refuses(&stage.redeem("x").await, 401, "invalid_client");
    let both = [("client_secret", secret), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    refuses(&send(request().basic_auth(id, Some(secret)).form(&both)).await, 400, "invalid_request");
    let two = [("client_id", "cli_00000000000000000000000000"), ("grant_type", "refresh_token")];
    refuses(&send(request().basic_auth(id, Some(secret)).form(&two)).await, 401, "invalid_client");
    let code = stage.code("contacts:read").await;
    let request = stage.world.request(Method::POST, "/api/v1/oauth/token");
    let good = send(request.basic_auth(id, Some(secret)).form(&fields(&code))).await;
    assert_eq!(good.status, 200, "{good}");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_a_stolen_token_ends_all() {
    let mut stage = Stage::with("company_admin").await;
    let first = stage.tokens("contacts:read offline_access").await;
    let lost = stage.refresh(&first["refresh_token"]).await;
    assert_eq!(lost.status, 200, "{lost}");
    // The answer did not arrive: the old token is sent again.
    let second = stage.refresh(&first["refresh_token"]).await;
    assert_eq!(second.status, 200, "{second}");
    stage.api(&lost.json).get("/contacts").await.problem(401, "unauthorized");
    // What the second answer gave is used, and so it has arrived.
    stage.api(&second.json).get("/contacts").await.data(200);
    refuses(&stage.refresh(&first["refresh_token"]).await, 400, "invalid_grant");
    for tokens in [&first, &second.json] {
        stage.api(tokens).get("/contacts").await.problem(401, "unauthorized");
    }
    refuses(&stage.refresh(&second.json["refresh_token"]).await, 400, "invalid_grant");
    let noted = "SELECT count(*) FROM security_log WHERE action->>'kind' = 'app_token_stolen'";
    assert_eq!(stage.world.number(noted).await, 1);
}

#[tokio::test]
async fn a_refresh_narrows_and_never_widens() {
    let mut stage = Stage::with("company_admin").await;
    let first = stage.tokens("contacts:read contacts:write offline_access").await;
    let refresh = |token: &serde_json::Value, scope: &str| {
        let token = token.as_str().expect("a refresh token").to_owned();
        let (scope, client) = (scope.to_owned(), stage.client.clone());
        [("grant_type", "refresh_token".to_owned()), ("refresh_token", token), ("client_id", client), ("scope", scope)]
    };
    let ask = async |fields: [(&str, String); 4]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post(&stage.world, "token", &fields).await
    };
    refuses(&ask(refresh(&first["refresh_token"], "leads:read")).await, 400, "invalid_scope");
    let narrow = ask(refresh(&first["refresh_token"], "contacts:read")).await;
    assert_eq!(narrow.json["scope"], "contacts:read", "{narrow}");
    let api = stage.api(&narrow.json);
    api.post("/contacts", &crate::support::contact("Acme")).await.problem(403, "scope_insufficient");
    // The refresh token keeps what was granted.
    let whole = stage.refresh(&narrow.json["refresh_token"]).await;
    assert_eq!(whole.json["scope"], "contacts:read contacts:write offline_access", "{whole}");
}
