//! The wire of `/contacts`: what is asked of the ports, and how their answers are written.

use actix_web::test::TestRequest;
use bwp_domain::{
    idempotency::{Claim, RenderedResponse},
    resource::ports::RowPage,
    scopes::ScopeId,
    store::StoreError,
    testing::{ScriptedUnitOfWork, contact, credential, details},
};
use serde_json::json;

use crate::support::{Answer, Ports, held, signed};

const WRITE: &[ScopeId] = &[ScopeId::ContactsWrite];

async fn create(uow: ScriptedUnitOfWork) -> Answer {
    create_with(Ports::with_key(WRITE).and_change(uow)).await
}

async fn create_with(ports: Ports) -> Answer {
    let request = signed(TestRequest::post().uri("/api/v1/contacts"))
        .insert_header(("Idempotency-Key", "k"))
        .set_json(json!({ "companyName": "Acme", "type": "vendor" }));
    ports.answer(request).await
}

fn claimed(claim: Claim) -> ScriptedUnitOfWork {
    let mut uow = held(credential(WRITE));
    uow.receipts.expect_claim().times(1).return_once(move |_, _, _| Ok(claim));
    uow
}

fn creating() -> ScriptedUnitOfWork {
    let mut uow = claimed(Claim::Fresh);
    uow.rows.expect_insert().times(1).returning(|_, _, _, _| Ok(42));
    uow.outbox.expect_append().times(1).returning(|_, _| Ok(()));
    uow.receipts.expect_record().times(1).returning(|_, _, _| Ok(()));
    uow
}

#[actix_web::test]
async fn a_contact_is_made_once_and_shown_whole() {
    let answer = create(creating()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("idempotent-replayed"), "");
    assert_eq!(
        answer.json["data"],
        json!({
            "id": 42, "firstName": null, "lastName": null, "companyName": "Acme", "email": null, "phone": null,
            "type": "vendor", "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
            "position": null, "parentContactId": null, "mobile": null, "website": null, "notes": null,
        })
    );
}

#[actix_web::test]
async fn an_answer_given_before_is_given_again() {
    let stored = RenderedResponse {
        status: 201,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"data":"then"}"#.to_vec(),
    };
    let answer = create(claimed(Claim::Replay(stored))).await;
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (201, "true"));
    assert_eq!(answer.json, json!({ "data": "then" }));
}

#[actix_web::test]
async fn a_key_of_another_request_and_a_busy_one_are_conflicts() {
    let answer = create(claimed(Claim::Mismatch)).await;
    assert_eq!((answer.status, answer.code()), (409, "idempotency_key_reused"));
    let answer = create(claimed(Claim::Busy)).await;
    assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (409, "conflict", "1"));
}

#[actix_web::test]
async fn a_key_revoked_while_the_body_arrived_is_401() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.credentials.expect_hold().returning(|_, _| Ok(None));
    assert_eq!(create(uow).await.status, 401);
}

#[actix_web::test]
async fn a_commit_that_fails_is_no_success() {
    let mut uow = creating();
    uow.commit_error = Some(StoreError::Internal("disk".to_owned()));
    assert_eq!(create(uow).await.status, 500);
}

#[actix_web::test]
async fn a_failure_of_the_store_is_told_at_once() {
    // The credential is looked up before the body, and not once more behind a store that does not answer.
    let mut ports = Ports::default().and_room().and_change(claimed_failing());
    ports.keys.expect_find_by_hash().times(1).returning(|_| Ok(Some(credential(WRITE).into())));
    ports.keys.expect_recall().returning(|_| None);
    assert_eq!(create_with(ports).await.status, 503);
}

fn claimed_failing() -> ScriptedUnitOfWork {
    let mut uow = claimed(Claim::Fresh);
    uow.rows.expect_insert().returning(|_, _, _, _| Err(StoreError::Unavailable("away".to_owned())));
    uow
}

#[actix_web::test]
async fn wrong_fields_reach_no_port_and_are_all_named() {
    let request = signed(TestRequest::post().uri("/api/v1/contacts"))
        .set_json(json!({ "fristName": "Ada", "email": "x", "notes": 7, "id": 1, "createdAt": null }));
    let answer = Ports::with_key(WRITE).answer(request).await;
    assert_eq!((answer.status, answer.code()), (422, "validation_failed"));
    let named: Vec<_> = answer.json["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| (error["field"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default()))
        .collect();
    let expected =
        [("fristName", "unknown_field"), ("email", "invalid_format"), ("notes", "invalid_type"), ("type", "required")];
    assert_eq!(named, expected);
    assert!(answer.json["errors"][0]["message"].as_str().is_some_and(|text| text.contains("`firstName`")));
}

#[actix_web::test]
async fn a_list_is_compact_when_asked() {
    let mut ports = Ports::with_key(&[ScopeId::ContactsRead]);
    let rows = || Box::new(vec![contact(1, details("Acme")).record()]);
    ports.rows.expect_page().returning(move |_, _, _, page| RowPage::of(rows(), page.limit));
    let answer = ports.answer(signed(TestRequest::get().uri("/api/v1/contacts?compact=true"))).await;
    assert_eq!(answer.json["data"][0].as_object().map(serde_json::Map::len), Some(9));
    assert_eq!(answer.json["meta"]["pagination"], json!({ "cursor": null, "has_more": false, "count": 1 }));
}

#[actix_web::test]
async fn an_id_that_is_no_number_is_the_id_of_nothing() {
    for id in ["0", "-1", "01", "+1", "x", "1.0", "99999999999999999999"] {
        let ports = Ports::with_key(&[ScopeId::ContactsRead]);
        let answer = ports.answer(signed(TestRequest::get().uri(&format!("/api/v1/contacts/{id}")))).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{id}");
    }
}
