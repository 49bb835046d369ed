//! What an app may do: what it was given, within what its user may, now.

use serde_json::json;

use super::{Stage, refuses, told};
use crate::support::Client;

#[tokio::test]
async fn a_viewer_gives_no_more_than_a_viewer_may() {
    let mut stage = Stage::with("viewer").await;
    let page = stage.page("contacts:read contacts:write", &[]);
    let shown = stage.person.get(&page).await;
    assert!(shown.text.contains("It asks for more than your role allows"), "{}", shown.text);
    let tokens = stage.tokens("contacts:read contacts:write").await;
    assert_eq!(tokens["scope"], "contacts:read");
    let api = stage.api(&tokens);
    api.get("/contacts").await.data(200);
    let refused = api.post("/contacts", &crate::support::contact("Acme")).await;
    refused.problem(403, "scope_insufficient");
    assert!(refused.header("www-authenticate").contains("scope=\"contacts:write\""), "{refused}");
    let page = stage.page("contacts:write", &[]);
    assert_eq!(told(&stage.person.get(&page).await, "error").as_deref(), Some("invalid_scope"));
}

#[tokio::test]
async fn a_role_that_was_changed_counts_at_the_next_request() {
    let mut stage = Stage::with("company_admin").await;
    let tokens = stage.tokens("contacts:read contacts:write offline_access").await;
    let api = stage.api(&tokens);
    api.post("/contacts", &crate::support::contact("Acme")).await.data(201);
    stage.world.sql("UPDATE users SET role = 'viewer'").await;
    api.post("/contacts", &crate::support::contact("Acme")).await.problem(403, "scope_insufficient");
    assert_eq!(api.get("/oauth/userinfo").await.json["scopes"], json!(["contacts:read", "offline_access"]));
    let next = stage.refresh(&tokens["refresh_token"]).await;
    assert_eq!(next.json["scope"], "contacts:read offline_access", "{next}");
    stage.world.sql("UPDATE users SET role = 'company_admin'").await;
    api.post("/contacts", &crate::support::contact("Acme")).await.data(201);
}

#[tokio::test]
async fn a_user_without_access_and_a_suspended_tenant_have_no_apps() {
    let mut stage = Stage::with("company_admin").await;
    let tokens = stage.tokens("contacts:read offline_access").await;
    let api = stage.api(&tokens);
    stage.world.sql("UPDATE tenants SET status = 'suspended'").await;
    api.get("/contacts").await.problem(403, "tenant_suspended");
    stage.world.sql("UPDATE tenants SET status = 'active'").await;
    api.get("/contacts").await.data(200);
    stage.world.sql("UPDATE users SET deactivated_at = now()").await;
    api.get("/contacts").await.problem(401, "unauthorized");
    refuses(&stage.refresh(&tokens["refresh_token"]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_token_is_good_for_an_hour_and_for_its_resource() {
    let mut stage = Stage::with("company_admin").await;
    let tokens = stage.tokens("contacts:read").await;
    let api = stage.api(&tokens);
    stage.world.sql("UPDATE oauth_grants SET resource = 'mcp'").await;
    api.get("/contacts").await.problem(401, "unauthorized");
    assert_eq!(api.get("/oauth/userinfo").await.status, 200);
    stage.world.sql("UPDATE oauth_grants SET resource = 'api'").await;
    api.get("/contacts").await.data(200);
    stage.world.sql("UPDATE oauth_access_tokens SET expires_at = now()").await;
    let expired = api.get("/contacts").await;
    expired.problem(401, "token_expired");
    let found = format!("{}/.well-known/oauth-protected-resource/api/v1", stage.world.server.url);
    let challenge = format!("Bearer error=\"invalid_token\", resource_metadata=\"{found}\"");
    assert_eq!(expired.header("www-authenticate"), challenge);
}

#[tokio::test]
async fn a_key_answers_for_its_owner() {
    let stage = Stage::with("company_admin").await;
    let key = stage.world.client(&["contacts:read"]).await;
    let who = key.get("/oauth/userinfo").await;
    assert_eq!((&who.json["email"], &who.json["scopes"]), (&json!("user@example.com"), &json!(["contacts:read"])));
    let nobody = Client::new(&stage.world.server, "rubbish").get("/oauth/userinfo").await;
    nobody.problem(401, "unauthorized");
}

#[tokio::test]
async fn what_an_app_did_and_spent_is_told_as_its() {
    let mut stage = Stage::with("company_admin").await;
    stage.world.bwp(&["tenant", "set-limit", &stage.world.tenant, "1000000"]).await;
    let tokens = stage.tokens("contacts:read audit:read").await;
    let api = stage.api(&tokens);
    assert_eq!(api.get("/usage").await.data(200)["apiKey"], json!(null));
    let answer = api.get("/contacts").await;
    answer.data(200);
    assert!(
        answer.headers.contains_key("ratelimit-tenant-limit") && !answer.headers.contains_key("ratelimit-key-limit")
    );
    stage
        .world
        .wait_until("SELECT count(*) FROM api_audit_logs WHERE oauth_token_id IS NOT NULL AND api_key_id IS NULL")
        .await;
}
