//! The wire of `/api-keys`: what is kept of an answer, and how refusals are written.

use std::sync::{Arc, Mutex};

use actix_web::test::TestRequest;
use bwp_domain::{
    idempotency::Claim,
    ids::KeyId,
    keys::{ApiKey, KeyState, ports::KeyListing},
    scopes::ScopeId,
    testing::credential,
};
use serde_json::{Value, json};

use crate::support::{Answer, Ports, held, signed};

const MANAGE: &[ScopeId] = &[ScopeId::ApiKeysManage, ScopeId::ContactsRead];

/// The stored key 9, which sees contacts.
fn stored() -> ApiKey {
    ApiKey { id: KeyId::new(9).expect("positive"), ..credential(&[ScopeId::ContactsRead]).key }
}

/// Ports in which the path's key is this one.
fn knowing(key: Option<ApiKey>) -> Ports {
    let mut ports = Ports::with_key(MANAGE);
    let listing = key.map(|key| KeyListing { key, last_used_at: None });
    ports.keys.expect_get().times(1).return_once(move |_, _| Ok(listing));
    ports
}

async fn post(ports: Ports, path: &str, body: Value) -> Answer {
    let request = signed(TestRequest::post().uri(&format!("/api/v1{path}")));
    ports.answer(request.insert_header(("Idempotency-Key", "k")).set_json(body)).await
}

#[actix_web::test]
async fn the_whole_key_is_shown_and_what_is_kept_says_null() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let mut uow = held(credential(MANAGE));
    uow.receipts.expect_claim().times(1).return_once(|_, _, _| Ok(Claim::Fresh));
    uow.keys
        .expect_insert()
        .times(1)
        .returning(|_, record| Ok(ApiKey { name: record.new.name, display_prefix: record.display_prefix, ..stored() }));
    uow.security_log.expect_append().times(1).returning(|_, _| Ok(()));
    let keep = Arc::clone(&kept);
    uow.receipts.expect_record().times(1).returning(move |_, _, response| {
        keep.lock().expect("one thread").clone_from(&response.body);
        Ok(())
    });
    let body = json!({ "name": "sync", "scopes": ["contacts:read"] });
    let answer = post(Ports::with_key(MANAGE).and_change(uow), "/api-keys", body).await;
    assert_eq!(answer.status, 201);
    let mut kept: Value = serde_json::from_slice(&kept.lock().expect("one thread")).expect("JSON");
    assert_eq!(kept["data"]["key"], Value::Null);
    let key = answer.json["data"]["key"].as_str().expect("a whole key");
    assert_eq!((key.len(), &answer.json["data"]["prefix"]), (58, &json!(key[..13])));
    kept["data"]["key"] = json!(key);
    assert_eq!(kept, answer.json, "all else is the same");
}

#[actix_web::test]
async fn a_key_that_is_not_there_is_404_and_no_change_begins() {
    for (path, body) in
        [("/api-keys/9/rotate", json!({})), ("/api-keys/key_00000000000000000000000000/rotate", json!({}))]
    {
        let answer = post(knowing(None), path, body).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"));
    }
}

#[actix_web::test]
async fn what_does_not_fit_the_state_is_409_and_names_the_successor() {
    let at = bwp_domain::clock::Timestamp::MIN;
    for (key, named) in [
        (ApiKey { replaced_by: KeyId::new(10), ..stored() }, "by the key 10"),
        (ApiKey { state: KeyState::Revoked { at }, ..stored() }, "revoked at 0000-01-01"),
        (ApiKey { state: KeyState::Active { expires_at: Some(at) }, ..stored() }, "expired at 0000-01-01"),
    ] {
        let mut uow = held(credential(MANAGE));
        let locked = key.clone();
        uow.keys.expect_lock().returning(move |_, _| Ok(Some(locked.clone())));
        let request = signed(TestRequest::post().uri("/api/v1/api-keys/9/rotate")).set_json(json!({}));
        let answer = knowing(Some(key)).and_change(uow).answer(request).await;
        assert_eq!((answer.status, answer.code()), (409, "conflict"));
        assert!(answer.text.contains(named), "{}", answer.text);
    }
}

#[actix_web::test]
async fn what_exceeds_the_calling_key_is_403() {
    let request = signed(TestRequest::post().uri("/api/v1/api-keys"))
        .set_json(json!({ "name": "k", "scopes": ["contacts:write", "api_keys:manage"] }));
    let answer = Ports::with_key(MANAGE).and_change(held(credential(MANAGE))).answer(request).await;
    assert_eq!((answer.status, answer.code()), (403, "forbidden"));
    assert_eq!(
        answer.json["detail"],
        "A key handles no more than it holds itself: it does not have the scopes contacts:write; only an admin can give \
         api_keys:manage."
    );
}

#[actix_web::test]
async fn wrong_fields_reach_no_port() {
    let answer = post(Ports::with_key(MANAGE), "/api-keys", json!({ "name": 7, "scopes": ["x"] })).await;
    assert_eq!(answer.status, 422);
    let fields: Vec<_> =
        answer.json["errors"].as_array().expect("errors").iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["name", "scopes[0]"]);
}
