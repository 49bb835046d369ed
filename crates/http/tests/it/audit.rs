//! The wire of `/api-audit-logs`, and what is recorded of each answer.

use actix_web::test::TestRequest;
use bwp_domain::{
    audit::{AuditEntry, AuditFilter, AuditRecord, MethodName},
    clock::Timestamp,
    ids::{AuditRecordId, KeyId, OauthTokenId, UserId},
    paging::{Page, PageRequest, Position},
    rate_limits::{Admission, Layer, Standing, ports::LimiterUnavailable},
    scopes::ScopeId,
    store::StoreError,
    tenants::TenantStatus,
    testing::{credential, tenant_id},
};
use serde_json::json;

use crate::support::{Answer, Ports, signed};

const READ: &[ScopeId] = &[ScopeId::AuditRead];

fn record() -> AuditRecord {
    AuditRecord {
        id: AuditRecordId::new(9).expect("positive"),
        tenant: tenant_id(1),
        api_key: KeyId::new(7),
        oauth_token: OauthTokenId::new(5),
        user: UserId::new(6),
        method: "POST".to_owned(),
        path: "/api/v1/contacts".to_owned(),
        status: 422,
        duration_ms: 12,
        request_id: "req_1".to_owned(),
        client_address: Some([192, 0, 2, 1].into()),
        user_agent: Some("curl".to_owned()),
        error_code: Some("validation_failed".to_owned()),
        created_at: Timestamp::from_unix_millis(1_700_000_000_000),
    }
}

/// What is answered to a query, when the log has these entries.
async fn list(query: &str, items: Vec<AuditRecord>, next: Option<Position>) -> Answer {
    let mut ports = Ports::with_key(READ);
    ports.audit_log.expect_list().returning(move |_, _, _| Ok(Page { items: items.clone(), next }));
    ports.answer(signed(TestRequest::get().uri(&format!("/api/v1/api-audit-logs{query}")))).await
}

#[actix_web::test]
async fn an_entry_is_shown_whole_and_what_is_not_known_is_null() {
    let bare = AuditRecord {
        api_key: None,
        oauth_token: None,
        user: None,
        client_address: None,
        user_agent: None,
        error_code: None,
        ..record()
    };
    let answer = list("", vec![record(), bare], None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["data"],
        json!([{
            "id": 9, "tenantId": 1, "apiKeyId": 7, "oauthTokenId": 5, "userId": 6, "method": "POST",
            "path": "/api/v1/contacts", "status": 422, "durationMs": 12, "requestId": "req_1", "ip": "192.0.2.1",
            "userAgent": "curl", "errorCode": "validation_failed", "createdAt": "2023-11-14T22:13:20.000Z",
        }, {
            "id": 9, "tenantId": 1, "apiKeyId": null, "oauthTokenId": null, "userId": null, "method": "POST",
            "path": "/api/v1/contacts", "status": 422, "durationMs": 12, "requestId": "req_1", "ip": null,
            "userAgent": null, "errorCode": null, "createdAt": "2023-11-14T22:13:20.000Z",
        }])
    );
    assert_eq!(answer.json["meta"]["pagination"], json!({ "cursor": null, "has_more": false, "count": 2 }));
}

#[actix_web::test]
async fn every_filter_reaches_the_log() {
    let query = "?apiKeyId=7&method=post&status=404&dateFrom=2023-11-14T22:13:20Z&dateTo=2023-11-14T22:13:21Z&limit=3";
    let mut ports = Ports::with_key(READ);
    let expected = AuditFilter {
        api_key: KeyId::new(7),
        method: MethodName::parse("POST").ok(),
        status: Some(404),
        created_from: Some(Timestamp::from_unix_millis(1_700_000_000_000)),
        created_to: Some(Timestamp::from_unix_millis(1_700_000_001_000)),
    };
    ports
        .audit_log
        .expect_list()
        .times(1)
        .withf(move |tenant, filter, page: &PageRequest| {
            *tenant == tenant_id(1) && *filter == expected && page.limit.get() == 3 && page.after.is_none()
        })
        .returning(|_, _, _| Ok(Page { items: vec![], next: None }));
    let answer = ports.answer(signed(TestRequest::get().uri(&format!("/api/v1/api-audit-logs{query}")))).await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn a_status_may_be_null_and_numbers_may_be_of_nothing() {
    for (query, status, api_key) in [
        ("?status=null", None, None),
        ("?status=", None, None),
        ("?status=0", Some(0), None),
        ("?status=-404", Some(u16::MAX), None),
        ("?status=99999999999999999999999999999999999999999999", Some(u16::MAX), None),
        ("?apiKeyId=99999999999999999999999999999999999999999999", None, KeyId::new(i64::MAX)),
    ] {
        let mut ports = Ports::with_key(READ);
        ports
            .audit_log
            .expect_list()
            .times(1)
            .withf(move |_, filter, _| filter.status == status && filter.api_key == api_key)
            .returning(|_, _, _| Ok(Page { items: vec![], next: None }));
        let answer = ports.answer(signed(TestRequest::get().uri(&format!("/api/v1/api-audit-logs{query}")))).await;
        assert_eq!(answer.status, 200, "{query}");
    }
}

#[actix_web::test]
async fn bad_values_reach_no_port_and_are_named() {
    for (query, named) in [
        ("apiKeyId=0", "apiKeyId"),
        ("apiKeyId=-1", "apiKeyId"),
        ("apiKeyId=%2B1", "apiKeyId"),
        ("apiKeyId=key_1", "apiKeyId"),
        ("method=G%00T", "method"),
        ("method=GET,POST", "method"),
        ("status=ok", "status"),
        ("status=-", "status"),
        ("status=2.5", "status"),
        ("status=%2B1", "status"),
        ("dateFrom=yesterday", "dateFrom"),
        ("dateTo=2026-01-01", "dateTo"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("userId=1", "userId"),
    ] {
        let request = signed(TestRequest::get().uri(&format!("/api/v1/api-audit-logs?{query}")));
        let answer = Ports::with_key(READ).answer(request).await;
        assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{query}");
        assert!(answer.json["detail"].as_str().is_some_and(|text| text.contains(&format!("`{named}`"))), "{query}");
    }
}

#[actix_web::test]
async fn a_cursor_is_good_for_the_same_filters_alone() {
    let next = Position { created_at: Timestamp::from_unix_millis(5), id: 6 };
    let first = list("?status=200&method=GET", vec![record()], Some(next)).await;
    let cursor = first.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor").to_owned();
    let again = |query: String| async move { list(&query, vec![], None).await.status };
    assert_eq!(again(format!("?status=200&method=get&limit=1&cursor={cursor}")).await, 200);
    for filters in ["", "status=200", "status=201&method=GET", "status=200&method=GET&apiKeyId=1"] {
        assert_eq!(again(format!("?{filters}&cursor={cursor}").replace("?&", "?")).await, 400, "{filters}");
    }
}

fn me() -> TestRequest {
    TestRequest::get().uri("/api/v1/me?")
}

#[actix_web::test]
async fn an_answer_is_recorded_once_with_what_is_known_of_it() {
    let request = signed(me()).insert_header(("User-Agent", "sync/1"));
    let answer = Ports::with_key(&[]).answer(request).await;
    let [entry] = answer.recorded.as_slice() else { panic!("one: {:?}", answer.recorded) };
    let expected = AuditEntry {
        tenant: tenant_id(1),
        api_key: KeyId::new(7),
        oauth_token: None,
        user: None,
        method: "GET",
        path: entry.path.clone(),
        status: 200,
        duration_ms: entry.duration_ms,
        request_id: answer.json["meta"]["request_id"].as_str().expect("an id").into(),
        client_address: None,
        user_agent: entry.user_agent.clone(),
        error_code: None,
        created_at: Timestamp::from_unix_millis(1_767_225_600_000),
    };
    assert_eq!(entry, &expected);
    assert_eq!((&*entry.path, entry.user_agent.as_deref()), ("/api/v1/me", Some("sync/1")));
}

#[actix_web::test]
async fn whatever_the_answer_it_is_recorded_once() {
    let failing = || {
        let mut ports = Ports::with_key(&[ScopeId::ContactsRead]);
        ports.rows.expect_get().returning(|_, _, _| Err(StoreError::Unavailable("away".to_owned())));
        ports
    };
    let defective = || {
        let mut ports = Ports::with_key(&[ScopeId::ContactsRead]);
        ports.rows.expect_get().returning(|_, _, _| Err(StoreError::Internal("a defect".to_owned())));
        ports
    };
    let absent = || {
        let mut ports = Ports::with_key(&[ScopeId::ContactsRead]);
        ports.rows.expect_get().returning(|_, _, _| Ok(None));
        ports
    };
    let contact = || TestRequest::get().uri("/api/v1/contacts/1");
    for (ports, request, status, code) in [
        (Ports::with_key(&[]), contact(), 403, "scope_insufficient"),
        (Ports::with_key(&[]), TestRequest::get().uri("/api/v1/me?x=1"), 400, "bad_request"),
        (absent(), contact(), 404, "not_found"),
        (failing(), contact(), 503, "service_unavailable"),
        (defective(), contact(), 500, "internal_error"),
        (
            Ports::with_key(&[ScopeId::ContactsWrite]),
            TestRequest::post().uri("/api/v1/contacts").set_json(json!({})),
            422,
            "validation_failed",
        ),
    ] {
        let answer = ports.answer(signed(request)).await;
        assert_eq!((answer.status, answer.code()), (status, code));
        let recorded: Vec<_> = answer.recorded.iter().map(|entry| (entry.status, entry.error_code)).collect();
        assert_eq!(recorded, [(status, Some(code))]);
    }
}

#[actix_web::test]
async fn who_is_not_let_in_leaves_no_trace() {
    let mut unknown = Ports::default();
    unknown.keys.expect_find_by_hash().returning(|_| Ok(None));
    let mut away = Ports::default();
    away.keys.expect_find_by_hash().returning(|_| Err(StoreError::Unavailable("away".to_owned())));
    let mut suspended = Ports::default();
    for ports in [&mut unknown, &mut away, &mut suspended] {
        ports.keys.expect_recall().returning(|_| None);
    }
    suspended.keys.expect_find_by_hash().returning(|_| {
        let mut known = credential(&[]);
        known.tenant.status = TenantStatus::Suspended;
        Ok(Some(known.into()))
    });
    for (ports, request, status) in [
        (Ports::default(), me(), 401),
        (unknown, signed(me()), 401),
        (away, signed(me()), 503),
        (suspended, signed(me()), 403),
        (Ports::default(), signed(TestRequest::get().uri("/api/v1/nothing")), 404),
    ] {
        let answer = ports.answer(request).await;
        assert_eq!((answer.status, answer.recorded), (status, vec![]));
    }
}

#[actix_web::test]
async fn a_strange_user_agent_is_kept_as_far_as_it_fits() {
    let long = "ü".repeat(600);
    let answer = Ports::with_key(&[]).answer(signed(me()).insert_header(("User-Agent", long.as_bytes()))).await;
    assert_eq!(answer.recorded[0].user_agent.as_deref(), Some(&*"ü".repeat(256)));
    let answer = Ports::with_key(&[]).answer(signed(me()).insert_header(("User-Agent", &b"a\xff"[..]))).await;
    assert_eq!(answer.recorded[0].user_agent.as_deref(), Some("a\u{fffd}"));
    let answer = Ports::with_key(&[]).answer(signed(me()).insert_header(("User-Agent", &[0xff; 600][..]))).await;
    let kept = answer.recorded[0].user_agent.as_deref().expect("one");
    assert_eq!(kept, "\u{fffd}".repeat(170), "each takes three bytes");
}

#[actix_web::test]
async fn of_a_long_path_the_beginning_is_kept() {
    let path = format!("/api/v1/contacts/{}", "x".repeat(1_000));
    let ports = Ports::with_key(&[ScopeId::ContactsRead]);
    let answer = ports.answer(signed(TestRequest::get().uri(&path))).await;
    assert_eq!((answer.status, &*answer.recorded[0].path), (404, &path[..256]));
}

/// It costs its sender nothing: be it that a budget is spent, or that nobody can count.
#[actix_web::test]
async fn the_entry_of_a_request_that_was_not_charged_is_short() {
    let refused = || {
        let mut ports = Ports::with_key_to_be_charged(&[]);
        ports.rate_limits.expect_charge().returning(|_, budgets, _| {
            Ok(Admission::Refused { layer: Layer::Key, standing: Standing::untouched(budgets) })
        });
        ports
    };
    let uncounted = || {
        let mut ports = Ports::with_key_to_be_charged(&[]);
        ports.rate_limits.expect_charge().returning(|_, _, _| Err(LimiterUnavailable("Redis is lost".to_owned())));
        ports
    };
    for (ports, status) in [(refused(), 429), (uncounted(), 503)] {
        let answer = ports.answer(signed(me()).insert_header(("User-Agent", "x".repeat(600)))).await;
        let [entry] = answer.recorded.as_slice() else { panic!("one: {:?}", answer.recorded) };
        assert_eq!((entry.status, entry.user_agent.as_deref()), (status, Some(&*"x".repeat(64))));
    }
}
