//! Who gets in.

use std::sync::Arc;

use actix_web::test::TestRequest;
use bwp_domain::{
    clock::Timestamp,
    keys::{Allowlist, KeyState},
    principal::KeyCredential,
    scopes::ScopeId,
    tenants::TenantStatus,
    testing::credential,
};

use crate::support::{Answer, Ports, key, signed};

async fn me(authorization: &str) -> Answer {
    // No expectation is set: a look-up would fail the test.
    Ports::default().answer(TestRequest::get().uri("/api/v1/me").insert_header(("Authorization", authorization))).await
}

async fn me_with(found: Option<KeyCredential>) -> Answer {
    let mut ports = Ports::default();
    let found = found.map(Arc::new);
    ports.keys.expect_find_by_hash().returning(move |_| Ok(found.clone()));
    ports.keys.expect_recall().returning(|_| None);
    ports.answer(signed(TestRequest::get().uri("/api/v1/me"))).await
}

#[actix_web::test]
async fn rubbish_is_refused_with_no_look_up() {
    let last_changed = {
        let mut key = key();
        let last = if key.pop() == Some('0') { '1' } else { '0' };
        format!("Bearer {key}{last}")
    };
    for rubbish in ["Bearer", "Bearer x", "Basic dTpw", "Bearer bwp_live_", &last_changed, "bwp_live_x"] {
        let answer = me(rubbish).await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{rubbish}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{rubbish}");
    }
}

#[actix_web::test]
async fn two_credentials_are_none() {
    let request = signed(TestRequest::get().uri("/api/v1/me")).append_header(("Authorization", "Bearer x"));
    assert_eq!(Ports::default().answer(request).await.status, 401);
}

#[actix_web::test]
async fn every_refused_key_looks_alike() {
    let state = |state| {
        let mut credential = credential(&[]);
        credential.key.state = state;
        Some(credential)
    };
    let mut elsewhere = credential(&[]);
    elsewhere.key.allowlist = Allowlist::parse(&["192.0.2.1"]).expect("an address");
    let past = Timestamp::from_unix_millis(1);
    let refused = [
        None,
        state(KeyState::Revoked { at: past }),
        state(KeyState::Active { expires_at: Some(past) }),
        Some(elsewhere),
    ];
    for found in refused {
        let answer = me_with(found).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        assert_eq!(answer.json["detail"], me("Bearer x").await.json["detail"]);
    }
}

#[actix_web::test]
async fn a_tenants_status_keeps_its_keys_out() {
    for (status, code) in
        [(TenantStatus::Suspended, "tenant_suspended"), (TenantStatus::SubscriptionInactive, "subscription_inactive")]
    {
        let mut credential = credential(&[]);
        credential.tenant.status = status;
        let answer = me_with(Some(credential)).await;
        assert_eq!((answer.status, answer.code()), (403, code));
    }
}

#[actix_web::test]
async fn a_missing_scope_is_named() {
    let ports = Ports::with_key(&[ScopeId::ContactsWrite]);
    let answer = ports.answer(signed(TestRequest::get().uri("/api/v1/contacts"))).await;
    assert_eq!((answer.status, answer.code()), (403, "scope_insufficient"));
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("contacts:read")));
    assert_eq!(answer.header("www-authenticate"), "Bearer error=\"insufficient_scope\", scope=\"contacts:read\"");
}

#[actix_web::test]
async fn a_scope_is_checked_before_the_idempotency_key_and_the_body() {
    let request = signed(TestRequest::post().uri("/api/v1/contacts"))
        .insert_header(("Idempotency-Key", "not valid"))
        .insert_header(("Content-Type", "text/plain"))
        .set_payload("{");
    let answer = Ports::with_key(&[ScopeId::ContactsRead]).answer(request).await;
    assert_eq!(answer.code(), "scope_insufficient");
}
