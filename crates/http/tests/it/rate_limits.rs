//! Charging requests, and what answers say about it.

use std::sync::Arc;

use actix_web::test::TestRequest;
use bwp_domain::{
    clock::Timestamp,
    ids::KeyId,
    keys::KeyState,
    rate_limits::{
        Admission, Budget, Budgets, Counter, Layer, RateLimit, Standing,
        ports::{LimiterStatus, LimiterUnavailable, WhenLost},
    },
    scopes::ScopeId,
    tenants::TenantStatus,
    testing::{credential, tenant_id},
};

use crate::support::{Answer, Ports, signed};

const NAMES: [&str; 8] = [
    "ratelimit-tenant-limit",
    "ratelimit-tenant-remaining",
    "ratelimit-tenant-reset",
    "ratelimit-key-limit",
    "ratelimit-key-remaining",
    "ratelimit-key-reset",
    "ratelimit-policy",
    "ratelimit",
];

const TENANT: Counter =
    Counter { limit: 10_000, used: 6, remaining: 9_994, reset_seconds: 3_412, window_seconds: 3_600 };
const KEY: Counter = Counter { limit: 60, used: 2, remaining: 58, reset_seconds: 17, window_seconds: 60 };
const STANDING: Standing = Standing { tenant: TENANT, key: Some(KEY) };

/// Ports that know one key, with a limiter that says this about it.
fn ports(scopes: &[ScopeId], admission: Admission) -> Ports {
    let mut ports = Ports::with_key_to_be_charged(scopes);
    ports.rate_limits.expect_charge().times(1).returning(move |_, _, _| Ok(admission));
    ports
}

fn get(path: &str) -> TestRequest {
    signed(TestRequest::get().uri(&format!("/api/v1{path}")))
}

fn headers(answer: &Answer) -> Vec<&str> {
    NAMES.iter().map(|name| answer.header(name)).collect()
}

#[track_caller]
fn assert_none(answer: &Answer) {
    assert_eq!(headers(answer), [""; 8]);
}

#[actix_web::test]
async fn every_answer_to_an_authenticated_call_says_how_the_budgets_stand() {
    let scope = ScopeId::ContactsRead;
    for (path, scopes, status) in [
        ("/me", &[][..], 200),
        ("/contacts", &[], 403),
        ("/contacts?nonsense=1", &[scope], 400),
        ("/contacts/abc", &[scope], 404),
        ("/contacts/summary?dateFrom=x", &[scope], 422),
    ] {
        let answer = ports(scopes, Admission::Admitted(STANDING)).answer(get(path)).await;
        assert_eq!(answer.status, status, "{path}");
        let expected = [
            "10000",
            "9994",
            "3412",
            "60",
            "58",
            "17",
            "\"tenant\";q=10000;w=3600, \"key\";q=60;w=60",
            "\"tenant\";r=9994;t=3412, \"key\";r=58;t=17",
        ];
        assert_eq!(headers(&answer), expected, "{path}");
    }
}

#[actix_web::test]
async fn a_layer_without_a_limit_has_no_headers() {
    let free = Counter::untouched(&Budget::of_tenant(RateLimit::NONE));
    let answer = ports(&[], Admission::Admitted(Standing { tenant: free, key: Some(KEY) })).answer(get("/me")).await;
    let of_key = ["", "", "", "60", "58", "17", "\"key\";q=60;w=60", "\"key\";r=58;t=17"];
    assert_eq!(headers(&answer), of_key);
    let answer = ports(&[], Admission::Admitted(Standing { tenant: TENANT, key: None })).answer(get("/me")).await;
    let of_tenant = ["10000", "9994", "3412", "", "", "", "\"tenant\";q=10000;w=3600", "\"tenant\";r=9994;t=3412"];
    assert_eq!(headers(&answer), of_tenant);
    let answer = ports(&[], Admission::Admitted(Standing { tenant: free, key: None })).answer(get("/me")).await;
    assert_eq!(answer.status, 200);
    assert_none(&answer);
}

#[actix_web::test]
async fn a_spent_budget_is_429_and_says_which_and_how_long() {
    let spent = |counter: Counter| Counter { used: counter.limit.into(), remaining: 0, ..counter };
    let standing = Standing { tenant: spent(TENANT), key: Some(spent(KEY)) };
    for (layer, budget, wait) in
        [(Layer::Tenant, "10000 units an hour", "3412"), (Layer::Key, "60 requests a minute", "17")]
    {
        // No scope is looked at, and nothing of the request: the limit comes first.
        let answer = ports(&[], Admission::Refused { layer, standing }).answer(get("/contacts?nonsense=1")).await;
        assert_eq!((answer.status, answer.code()), (429, "rate_limited"));
        assert_eq!(answer.header("retry-after"), wait);
        assert_eq!((answer.header("ratelimit-tenant-remaining"), answer.header("ratelimit-key-remaining")), ("0", "0"));
        let detail = answer.json["detail"].as_str().expect("a detail");
        assert!(detail.contains(budget) && detail.contains(&format!("{wait} seconds")), "{detail}");
    }
}

#[actix_web::test]
async fn who_is_not_let_in_is_charged_nothing_and_told_nothing() {
    // No limiter is expected to be asked.
    let state = |state| {
        let mut credential = credential(&[]);
        credential.key.state = state;
        credential
    };
    let mut suspended = credential(&[]);
    suspended.tenant.status = TenantStatus::Suspended;
    let at = Timestamp::from_unix_millis(1);
    let refused = [
        (None, 401),
        (Some(state(KeyState::Revoked { at })), 401),
        (Some(state(KeyState::Active { expires_at: Some(at) })), 401),
        (Some(suspended), 403),
    ];
    for (found, status) in refused {
        let mut ports = Ports::default();
        let found = found.map(Arc::new);
        ports.keys.expect_find_by_hash().returning(move |_| Ok(found.clone()));
        ports.keys.expect_recall().returning(|_| None);
        let answer = ports.answer(get("/me")).await;
        assert_eq!(answer.status, status);
        assert_none(&answer);
    }
    assert_none(&Ports::default().answer(TestRequest::get().uri("/api/v1/me")).await);
    assert_none(&Ports::default().answer(get("/nothing")).await);
}

#[actix_web::test]
async fn a_read_costs_1_and_a_post_5_of_the_keys_own_budgets() {
    let id = KeyId::new(7).expect("positive");
    let budgets =
        Budgets { tenant: Budget::of_tenant(RateLimit::OF_TENANT), key: Some((id, Budget::of_key(RateLimit::OF_KEY))) };
    for (request, cost) in [(get("/contacts/1"), 1), (signed(TestRequest::post().uri("/api/v1/contacts")), 5)] {
        let mut ports = Ports::with_key_to_be_charged(&[]);
        let expected = ports.rate_limits.expect_charge().times(1);
        expected
            .withf(move |tenant, charged, units| (*tenant, charged, *units) == (tenant_id(1), &budgets, cost))
            .returning(|_, _, _| Ok(Admission::Admitted(STANDING)));
        assert_eq!(ports.answer(request).await.status, 403);
    }
}

#[actix_web::test]
async fn who_cannot_be_counted_is_sent_away_for_a_while() {
    let mut ports = Ports::with_key_to_be_charged(&[]);
    ports.rate_limits.expect_charge().returning(|_, _, _| Err(LimiterUnavailable("Redis is lost".to_owned())));
    let answer = ports.answer(get("/me")).await;
    assert_eq!((answer.status, answer.code()), (503, "service_unavailable"));
    assert_eq!(answer.header("retry-after"), "5");
    assert_none(&answer);
}

#[actix_web::test]
async fn a_body_that_arrives_slowly_is_charged_once() {
    let mut ports = ports(&[ScopeId::ContactsRead], Admission::Admitted(STANDING));
    ports.rows.expect_get_many().returning(|_, _, _| Ok(vec![]));
    let request =
        signed(TestRequest::post().uri("/api/v1/contacts/get-many")).set_json(serde_json::json!({ "ids": [1] }));
    let answer = ports.answer(request).await;
    assert_eq!((answer.status, answer.header("ratelimit-tenant-remaining")), (200, "9994"));
}

#[actix_web::test]
async fn a_key_that_is_revoked_meanwhile_is_told_nothing() {
    let mut ports = Ports::default();
    let good = credential(&[ScopeId::ContactsRead]);
    ports.keys.expect_find_by_hash().times(1).return_once(move |_| Ok(Some(good.into())));
    ports.keys.expect_find_by_hash().times(1).return_once(|_| Ok(None));
    ports.rate_limits.expect_charge().times(1).returning(|_, _, _| Ok(Admission::Admitted(STANDING)));
    ports.rows.expect_get_many().returning(|_, _, _| Ok(vec![]));
    let request =
        signed(TestRequest::post().uri("/api/v1/contacts/get-many")).set_json(serde_json::json!({ "ids": [1] }));
    let answer = ports.answer(request).await;
    assert_eq!(answer.status, 401);
    assert_none(&answer);
}

#[actix_web::test]
async fn a_read_ahead_of_the_check_is_charged_once_and_shows_nothing_when_it_is_refused() {
    let refused = Admission::Refused { layer: Layer::Key, standing: STANDING };
    for (admission, status) in [(Admission::Admitted(STANDING), 404), (refused, 429)] {
        let mut ports = Ports::default();
        let known = Arc::new(credential(&[ScopeId::ContactsRead]));
        let guess = Arc::clone(&known);
        ports.keys.expect_recall().times(1).returning(move |_| Some(Arc::clone(&guess)));
        ports.keys.expect_find_by_hash().times(1).returning(move |_| Ok(Some(Arc::clone(&known))));
        ports.rate_limits.expect_charge().times(1).returning(move |_, _, _| Ok(admission));
        ports.rows.expect_get().returning(|_, _, _| Ok(None));
        let answer = ports.answer(get("/contacts/1")).await;
        assert_eq!((answer.status, answer.header("ratelimit-key-remaining")), (status, "58"));
    }
}

#[actix_web::test]
async fn usage_says_what_the_headers_say() {
    let overdrawn = Counter { used: 10_190, remaining: 0, ..TENANT };
    let standing = Standing { tenant: overdrawn, key: Some(Counter::untouched(&Budget::of_key(RateLimit::NONE))) };
    let answer = ports(&[ScopeId::AuditRead], Admission::Admitted(standing)).answer(get("/usage")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json["data"],
        serde_json::json!({
            "tenant": { "limit": 10_000, "used": 10_190, "remaining": 0, "resetSeconds": 3_412, "windowSeconds": 3_600 },
            "apiKey": { "limit": 0, "used": 0, "remaining": 0, "resetSeconds": 0, "windowSeconds": 60 },
        })
    );
    let without_key = Standing { tenant: TENANT, key: None };
    let answer = ports(&[ScopeId::AuditRead], Admission::Admitted(without_key)).answer(get("/usage")).await;
    assert_eq!(answer.json["data"].get("apiKey"), Some(&serde_json::Value::Null));
    let answer = ports(&[], Admission::Admitted(STANDING)).answer(get("/usage")).await;
    assert_eq!((answer.status, answer.code()), (403, "scope_insufficient"));
}

#[actix_web::test]
async fn a_server_that_counts_alone_is_ready_and_says_so() {
    let since = Timestamp::from_unix_millis(1);
    for (status, said) in [
        (LimiterStatus::Connected, "ready\n"),
        (
            LimiterStatus::Lost { since, meanwhile: WhenLost::CountAlone },
            "ready (rate limits: Redis is lost, this server counts alone)\n",
        ),
        (
            LimiterStatus::Lost { since, meanwhile: WhenLost::Refuse },
            "ready (rate limits: Redis is lost, every request is refused)\n",
        ),
        (
            LimiterStatus::Lost { since, meanwhile: WhenLost::Allow },
            "ready (rate limits: Redis is lost, nothing is counted)\n",
        ),
    ] {
        let mut ports = Ports::default();
        ports.health.expect_check().returning(|| Ok(()));
        ports.rate_limits.expect_status().return_const(status);
        let answer = ports.answer(TestRequest::get().uri("/readyz")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, said));
    }
}
