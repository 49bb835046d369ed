//! What a client is told when the server fails, and what not.

use std::time::Duration;

use actix_web::{http::Method, test::TestRequest};
use bwp_domain::{
    rate_limits::ports::LimiterStatus,
    scopes::ScopeId,
    store::{Inconsistency, StoreError},
};

use serde_json::json;

use crate::support::{Answer, Ports, signed};

async fn get_failing_with(error: impl Fn() -> StoreError + Send + 'static) -> Answer {
    let mut ports = Ports::with_key(&[ScopeId::ContactsRead]);
    ports.rows.expect_get().returning(move |_, _, _| Err(error()));
    ports.answer(signed(TestRequest::get().uri("/api/v1/contacts/1"))).await
}

#[actix_web::test]
async fn a_database_that_is_away_is_503_with_a_time_to_wait() {
    let answer = get_failing_with(|| StoreError::Unavailable("secret host".to_owned())).await;
    assert_eq!((answer.status, answer.code()), (503, "service_unavailable"));
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    assert!(!answer.json.to_string().contains("secret host"));
}

#[actix_web::test]
async fn a_defect_is_500_and_says_nothing_of_itself() {
    let place = Inconsistency { table: "contacts", column: "type", row: "1".to_owned() };
    for answer in [
        get_failing_with(|| StoreError::Internal("secret statement".to_owned())).await,
        get_failing_with(move || StoreError::Inconsistent(place.clone())).await,
    ] {
        assert_eq!((answer.status, answer.code()), (500, "internal_error"));
        let text = answer.json.to_string();
        assert!(!text.contains("secret") && !text.contains("column"), "{text}");
    }
}

#[actix_web::test]
async fn readiness_is_the_stores() {
    let mut ports = Ports::default();
    ports.health.expect_check().returning(|| Ok(()));
    ports.rate_limits.expect_status().return_const(LimiterStatus::Connected);
    assert_eq!(ports.answer(TestRequest::get().uri("/readyz")).await.status, 200);
    let mut ports = Ports::default();
    ports.health.expect_check().returning(|| Err(StoreError::Unavailable("down".to_owned())));
    let answer = ports.answer(TestRequest::get().uri("/readyz")).await;
    assert_eq!((answer.status, answer.code()), (503, "service_unavailable"));
    // Which part it is, and not what that part said.
    assert_eq!(answer.json["detail"], "Not ready: database.");
    assert_eq!(Ports::default().answer(TestRequest::get().uri("/healthz")).await.status, 200);
    let answer = Ports::default().answer(TestRequest::post().uri("/healthz")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"));
}

#[actix_web::test]
async fn closed_for_maintenance_the_api_looks_at_no_credential() {
    for (path, method) in
        [("/api/v1/contacts", "GET"), ("/api/v1/contacts/1", "PUT"), ("/api/v1", "GET"), ("/api/v1/x", "GET")]
    {
        // No port is called: a mock that a test says nothing of must not be.
        let ports = Ports::default();
        ports.availability.close(Duration::from_mins(2));
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = ports.answer(signed(TestRequest::default().method(method).uri(path))).await;
        assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (503, "maintenance", "120"), "{path}");
    }
    let mut ports = Ports::default();
    ports.health.expect_check().returning(|| Ok(()));
    ports.availability.close(Duration::from_mins(2));
    let answer = ports.answer(TestRequest::get().uri("/readyz")).await;
    assert_eq!((answer.status, &answer.json["detail"]), (503, &json!("Not ready: server.")));
    let ports = Ports::default();
    ports.availability.close(Duration::from_mins(2));
    assert_eq!(ports.answer(TestRequest::get().uri("/healthz")).await.status, 200);
    // Opened again, it is what it was.
    let ports = Ports::default();
    ports.availability.close(Duration::from_mins(2));
    ports.availability.open();
    assert_eq!(ports.answer(TestRequest::get().uri("/api/v1/me")).await.status, 401);
}
