//! Reads that begin before their caller is known: nothing comes of them unless the caller is who they were taken for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::test::TestRequest;
use bwp_domain::{
    clock::Timestamp,
    keys::KeyState,
    principal::{KeyCredential, Revision},
    rate_limits::{Admission, Standing},
    scopes::ScopeId,
    store::StoreError,
    testing::{contact, credential, details, tenant_id},
};

use crate::support::{Answer, Ports, signed};

const READ: &[ScopeId] = &[ScopeId::ContactsRead];

/// A credential that was changed since.
fn changed(change: impl FnOnce(&mut KeyCredential)) -> KeyCredential {
    let mut credential = KeyCredential { revision: Revision { key: 8, tenant: 1 }, ..credential(READ) };
    change(&mut credential);
    credential
}

/// Asks for a contact, taken for the caller of `credential(READ)`, who in truth is `found`. Gives how often the contact was
/// read, too.
async fn get(found: Result<Option<KeyCredential>, StoreError>, query: &str) -> (Answer, usize) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let mut ports = Ports::default();
    ports.keys.expect_recall().returning(|_| Some(credential(READ).into()));
    let found = found.map(|found| found.map(Arc::new));
    ports.keys.expect_find_by_hash().times(1).returning(move |_| found.clone());
    ports.rows.expect_get().returning(move |tenant, _, id| {
        counted.fetch_add(1, Ordering::SeqCst);
        let name = if tenant == tenant_id(1) { "Acme" } else { "Bolt" };
        Ok(Some(contact(id, details(name)).record()))
    });
    let admit = |_, budgets: &_, _| Ok(Admission::Admitted(Standing::untouched(budgets)));
    ports.rate_limits.expect_charge().times(..=1).returning(admit);
    let answer = ports.answer(signed(TestRequest::get().uri(&format!("/api/v1/contacts/5{query}")))).await;
    (answer, reads.load(Ordering::SeqCst))
}

#[actix_web::test]
async fn what_was_read_is_shown_to_whom_it_was_read_for() {
    let (answer, reads) = get(Ok(Some(credential(READ))), "").await;
    assert_eq!((answer.status, reads), (200, 1));
    assert_eq!(answer.json["data"]["companyName"], "Acme");
}

#[actix_web::test]
async fn who_is_refused_now_sees_nothing() {
    let revoked = changed(|c| c.key.state = KeyState::Revoked { at: Timestamp::from_unix_millis(0) });
    for found in [Ok(None), Ok(Some(revoked))] {
        let (answer, _) = get(found, "").await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
        assert_eq!(answer.json["data"], serde_json::Value::Null);
    }
    let (answer, _) = get(Err(StoreError::Unavailable("away".to_owned())), "").await;
    assert_eq!(answer.status, 503);
}

#[actix_web::test]
async fn the_same_credential_is_refused_all_the_same() {
    // Of the same revision, and past its time since.
    let mut expired = credential(READ);
    expired.key.state = KeyState::Active { expires_at: Some(Timestamp::from_unix_millis(0)) };
    let (answer, _) = get(Ok(Some(expired)), "").await;
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn who_has_changed_is_read_for_anew() {
    let (answer, _) = get(Ok(Some(changed(|c| c.key.scopes = bwp_domain::scopes::ScopeSet::EMPTY))), "").await;
    assert_eq!((answer.status, answer.code()), (403, "scope_insufficient"));
    let (answer, _) = get(Ok(Some(changed(|_| ()))), "").await;
    assert_eq!(answer.status, 200);
    // A restored database may have given the key to another tenant.
    let (answer, _) = get(Ok(Some(changed(|c| c.tenant.id = tenant_id(2)))), "").await;
    assert_eq!(answer.json["data"]["companyName"], "Bolt");
}

#[actix_web::test]
async fn a_fault_of_the_request_is_told_behind_the_credential() {
    let (answer, _) = get(Ok(Some(credential(READ))), "?what=1").await;
    assert_eq!(answer.status, 400);
    let (answer, _) = get(Ok(None), "?what=1").await;
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn nothing_is_read_for_who_would_not_be_let_in() {
    let mut revoked = credential(READ);
    revoked.key.state = KeyState::Revoked { at: Timestamp::from_unix_millis(0) };
    let without_scope = credential(&[]);
    for guess in [revoked, without_scope] {
        let mut ports = Ports::default();
        let guess = Arc::new(guess);
        let found = Arc::clone(&guess);
        ports.keys.expect_recall().returning(move |_| Some(Arc::clone(&guess)));
        ports.keys.expect_find_by_hash().times(1).returning(move |_| Ok(Some(Arc::clone(&found))));
        let admit = |_, budgets: &_, _| Ok(Admission::Admitted(Standing::untouched(budgets)));
        ports.rate_limits.expect_charge().times(..=1).returning(admit);
        // No read is expected.
        let answer = ports.answer(signed(TestRequest::get().uri("/api/v1/contacts/5"))).await;
        assert!([401, 403].contains(&answer.status), "{}", answer.status);
    }
}

#[actix_web::test]
async fn what_may_take_long_is_not_begun_before_the_caller_is_known() {
    for path in
        ["/contacts?search=a", "/contacts?dateFrom=2026-01-01T00:00:00Z", "/contacts/count", "/contacts/summary"]
    {
        let mut ports = Ports::default();
        // It is not even asked for; nor is a read expected.
        ports.keys.expect_recall().never();
        ports.keys.expect_find_by_hash().times(1).returning(|_| Ok(None));
        let answer = ports.answer(signed(TestRequest::get().uri(&format!("/api/v1{path}")))).await;
        assert_eq!(answer.status, 401, "{path}");
    }
}
