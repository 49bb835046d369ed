//! The contract of `UserReader`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    ids::{AccountId, TenantId},
    paging::{Limit, PageRequest},
    users::{Role, User, UserState, ports::UserReader},
};
use bwp_postgres::testing::Fixture;

/// Makes an account, and a user of it in the tenant. The seconds are those since the start of 2026.
async fn user(fixture: &Fixture, tenant: TenantId, email: &str, seconds: i64) -> AccountId {
    let at = format!("'2026-01-01T00:00:00Z'::timestamptz + interval '{seconds} s'");
    fixture
        .run(&format!(
            "INSERT INTO accounts (email, first_name, password_hash, created_at) VALUES ('{email}', 'Ada', 'x', {at})
             ON CONFLICT DO NOTHING;
             INSERT INTO users (tenant_id, account_id, role, created_at)
             SELECT {tenant}, id, 'manager', {at} FROM accounts WHERE email = '{email}';"
        ))
        .await;
    let id = fixture.number(&format!("SELECT id FROM accounts WHERE email = '{email}'")).await;
    AccountId::new(id).expect("an id")
}

async fn walk(fixture: &Fixture, tenant: TenantId, rows: u8) -> Vec<User> {
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest { limit: Limit::new(rows).expect("a limit"), after };
        let page = UserReader::page(&fixture.store, tenant, request).await.expect("a page");
        walked.extend(page.items);
        after = page.next;
        if after.is_none() {
            return walked;
        }
    }
}

#[tokio::test]
async fn a_walk_shows_each_user_once_newest_first_active_or_not() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let mut expected = Vec::new();
    for (n, seconds) in [5, 3, 3, 3, 9, 1, 3].into_iter().enumerate() {
        let account = user(&fixture, tenant, &format!("u{n}@example.com"), seconds).await;
        expected.push((seconds, n, account));
    }
    fixture
        .run("UPDATE users SET deactivated_at = '2026-02-01T00:00:00Z' WHERE id = (SELECT min(id) FROM users)")
        .await;
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let expected: Vec<_> = expected.into_iter().map(|(_, _, account)| account).collect();
    for rows in [2, 3, 100] {
        let walked = walk(&fixture, tenant, rows).await;
        assert_eq!(walked.iter().map(|user| user.account.id).collect::<Vec<_>>(), expected);
        assert_eq!(walked.iter().filter(|user| !user.is_active()).count(), 1);
    }
}

#[tokio::test]
async fn a_user_is_found_by_the_account_in_each_tenant_that_it_belongs_to() {
    let fixture = Fixture::new().await;
    let (first, second, third) = (fixture.tenant().await.id, fixture.tenant().await.id, fixture.tenant().await.id);
    let account = user(&fixture, first, "ada@example.com", 1).await;
    assert_eq!(user(&fixture, second, "ada@example.com", 2).await, account);
    user(&fixture, second, "bob@example.com", 3).await;
    let get = async |tenant| UserReader::get(&fixture.store, tenant, account).await.expect("a look-up");
    let (here, there) = (get(first).await.expect("a user"), get(second).await.expect("a user"));
    assert_eq!((here.tenant, there.tenant), (first, second));
    assert_ne!(here.id, there.id);
    assert_eq!(here.account, there.account);
    assert_eq!((here.role, here.state), (Role::Manager, UserState::Active));
    assert_eq!(here.account.name.first.as_deref(), Some("Ada"));
    assert_eq!(get(third).await, None);
    assert_eq!((walk(&fixture, first, 9).await, walk(&fixture, third, 9).await), (vec![here], vec![]));
}

#[tokio::test]
async fn a_user_of_the_time_before_accounts_is_nobody() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    fixture
        .run("INSERT INTO users (tenant_id, role, email, created_at) SELECT id, 'viewer', 'a@b.co', now() FROM tenants")
        .await;
    assert_eq!(walk(&fixture, tenant, 9).await, vec![]);
}
