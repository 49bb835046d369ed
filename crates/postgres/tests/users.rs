//! The contract of `UserRepository`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    clock::Timestamp,
    ids::TenantId,
    store::{Store, UnitOfWork},
    text::Email,
    users::{PasswordHash, Role, User, ports::UserRecord},
};
use bwp_postgres::testing::{Fixture, within};

fn record(email: &str, role: Role) -> UserRecord {
    UserRecord {
        email: Email::parse(email.to_owned()).expect("an address"),
        role,
        password: PasswordHash::from_stored("$argon2id$stored".to_owned()),
        created_at: Timestamp::MAX,
    }
}

async fn insert(uow: &mut dyn UnitOfWork, tenant: TenantId, email: &str) -> Option<User> {
    uow.users().insert(tenant, record(email, Role::Viewer)).await.expect("no failure")
}

async fn begin() -> (Fixture, TenantId, Box<dyn UnitOfWork>) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let uow = fixture.begin().await;
    (fixture, tenant, uow)
}

#[tokio::test]
async fn every_role_and_address_is_kept_as_it_is() {
    let (fixture, tenant, mut uow) = begin().await;
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let new = record(&format!("Zoé.{n}@Example.com"), role);
        let made = uow.users().insert(tenant, new.clone()).await.expect("no failure").expect("stored");
        assert_eq!((made.tenant, made.email, made.role), (tenant, new.email, role));
        assert_eq!(made.created_at, Timestamp::MAX);
    }
    uow.commit().await.expect("a commit");
    let kept = "SELECT count(*) FROM users WHERE password_hash = '$argon2id$stored'";
    assert_eq!(fixture.number(kept).await, 5);
}

#[tokio::test]
async fn an_address_is_taken_whatever_the_case_of_its_letters() {
    let (fixture, tenant, mut uow) = begin().await;
    assert!(insert(&mut *uow, tenant, "zoé@example.com").await.is_some());
    for taken in ["zoé@example.com", "ZOÉ@EXAMPLE.COM", "Zoé@Example.com"] {
        assert_eq!(insert(&mut *uow, tenant, taken).await, None, "{taken}");
    }
    // A refusal spoils nothing.
    assert!(insert(&mut *uow, tenant, "bob@example.com").await.is_some());
    uow.commit().await.expect("a commit");
    assert_eq!(fixture.number("SELECT count(*) FROM users").await, 2);
}

#[tokio::test]
async fn another_tenant_may_have_a_user_with_the_same_address() {
    let (fixture, tenant, mut uow) = begin().await;
    let other = fixture.tenant().await.id;
    assert!(insert(&mut *uow, tenant, "ann@example.com").await.is_some());
    assert!(insert(&mut *uow, other, "ann@example.com").await.is_some());
}

#[tokio::test]
async fn of_two_at_once_the_second_waits_and_is_refused() {
    let (fixture, tenant, mut first) = begin().await;
    assert!(insert(&mut *first, tenant, "ann@example.com").await.is_some());
    let store = fixture.store.clone();
    let second = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        insert(&mut *uow, tenant, "ANN@example.com").await
    });
    fixture.until_waiting(1).await;
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("no panic"), None);
}
