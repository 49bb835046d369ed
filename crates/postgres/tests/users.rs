//! The contracts of `AccountRepository`, `UserRepository` and `TeamReader`.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    accounts::{Account, PasswordHash, PersonName, ports::AccountRecord},
    clock::Timestamp,
    ids::{TenantId, UserId},
    paging::Limit,
    store::{Store, UnitOfWork},
    text::{Email, Name},
    users::{
        Role, User, UserState,
        ports::{TeamReader, UserRecord},
    },
};
use bwp_postgres::testing::{Fixture, within};

fn email(text: &str) -> Email {
    Email::parse(text.to_owned()).expect("an address")
}

fn record(address: &str) -> AccountRecord {
    let name = |text: &str| Name::parse(text.to_owned()).expect("a name");
    AccountRecord {
        email: email(address),
        name: PersonName { first: Some(name("Zoé")), last: None },
        password: PasswordHash::from_stored("$argon2id$stored".to_owned()),
        created_at: Timestamp::MAX,
    }
}

async fn account(uow: &mut dyn UnitOfWork, address: &str) -> Option<Account> {
    uow.accounts().insert(record(address)).await.expect("no failure")
}

async fn join(uow: &mut dyn UnitOfWork, tenant: TenantId, account: &Account, role: Role) -> Option<User> {
    let record = UserRecord { account: account.clone(), role, created_at: Timestamp::MAX };
    uow.users().insert(tenant, record).await.expect("no failure")
}

async fn begin() -> (Fixture, TenantId, Box<dyn UnitOfWork>) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let uow = fixture.begin().await;
    (fixture, tenant, uow)
}

#[tokio::test]
async fn an_account_is_kept_as_it_is_and_found_by_its_address() {
    let (_fixture, _, mut uow) = begin().await;
    let made = account(&mut *uow, "Zoé@Example.com").await.expect("stored");
    let expected = record("Zoé@Example.com");
    assert_eq!((&made.email, &made.name, made.created_at), (&expected.email, &expected.name, expected.created_at));
    for address in ["Zoé@Example.com", "zoé@example.com", "ZOÉ@EXAMPLE.COM"] {
        let found = uow.accounts().find_by_email(&email(address)).await.expect("a look").expect("found");
        assert_eq!((&found.account, &found.password), (&made, &expected.password), "{address}");
        assert_eq!(uow.accounts().lock_by_email(&email(address)).await.expect("a look").as_ref(), Some(&made));
    }
    assert_eq!(uow.accounts().find_by_email(&email("zoe@example.com")).await.expect("a look"), None);
    assert_eq!(uow.accounts().lock_by_email(&email("zoe@example.com")).await.expect("a look"), None);
    // What is no address is nobody's.
    let typed = Email::typed(" zoé@EXAMPLE.com\n").expect("a text");
    assert!(uow.accounts().find_by_email(&typed).await.expect("a look").is_some());
    let typed = Email::typed("' OR true --").expect("a text");
    assert_eq!(uow.accounts().find_by_email(&typed).await.expect("a look"), None);
}

#[tokio::test]
async fn a_password_is_set_for_one_account() {
    let (_fixture, _, mut uow) = begin().await;
    let (ann, bob) = (account(&mut *uow, "ann@example.com").await, account(&mut *uow, "bob@example.com").await);
    let (ann, bob) = (ann.expect("stored"), bob.expect("stored"));
    let new = PasswordHash::from_stored("$argon2id$new".to_owned());
    uow.accounts().set_password(ann.id, &new).await.expect("set");
    assert_eq!(uow.accounts().lock(ann.id).await.expect("a look").expect("there").password, new);
    let kept = uow.accounts().lock(bob.id).await.expect("a look").expect("there");
    assert_eq!((kept.account.id, kept.password.as_str()), (bob.id, "$argon2id$stored"));
}

#[tokio::test]
async fn an_address_is_taken_whatever_the_case_of_its_letters() {
    let (fixture, _, mut uow) = begin().await;
    assert!(account(&mut *uow, "zoé@example.com").await.is_some());
    for taken in ["zoé@example.com", "ZOÉ@EXAMPLE.COM", "Zoé@Example.com"] {
        assert_eq!(account(&mut *uow, taken).await, None, "{taken}");
    }
    // A refusal spoils nothing.
    assert!(account(&mut *uow, "bob@example.com").await.is_some());
    uow.commit().await.expect("a commit");
    assert_eq!(fixture.number("SELECT count(*) FROM accounts").await, 2);
}

#[tokio::test]
async fn an_account_has_one_user_in_each_tenant() {
    let (fixture, tenant, mut uow) = begin().await;
    let other = fixture.tenant().await.id;
    let ann = account(&mut *uow, "ann@example.com").await.expect("stored");
    let user = join(&mut *uow, tenant, &ann, Role::Viewer).await.expect("stored");
    assert_eq!((user.tenant, &user.account, user.role, user.state), (tenant, &ann, Role::Viewer, UserState::Active));
    assert_eq!(join(&mut *uow, tenant, &ann, Role::Manager).await, None);
    assert!(join(&mut *uow, other, &ann, Role::Manager).await.is_some());
    let found = uow.users().find_by_email(tenant, &email("ANN@example.com")).await.expect("a look");
    assert_eq!(found.as_ref(), Some(&user));
    // Another one who has no access any more is in the way too.
    let gone = User { state: UserState::Deactivated { at: Timestamp::MAX }, ..user };
    uow.users().update(tenant, &gone).await.expect("stored");
    assert_eq!(join(&mut *uow, tenant, &ann, Role::Viewer).await, None);
    assert_eq!(uow.users().find_by_email(tenant, &ann.email).await.expect("a look"), Some(gone));
    assert_eq!(uow.users().find_by_email(tenant, &email("bob@example.com")).await.expect("a look"), None);
}

#[tokio::test]
async fn every_role_and_state_is_kept_as_it_is() {
    let (_fixture, tenant, mut uow) = begin().await;
    let ann = account(&mut *uow, "ann@example.com").await.expect("stored");
    let user = join(&mut *uow, tenant, &ann, Role::Viewer).await.expect("stored");
    for role in Role::ALL {
        for state in [UserState::Deactivated { at: Timestamp::MAX }, UserState::Active] {
            let changed = User { role, state, ..user.clone() };
            uow.users().update(tenant, &changed).await.expect("stored");
            assert_eq!(uow.users().lock(tenant, user.id).await.expect("a look"), Some(changed));
        }
    }
}

#[tokio::test]
async fn a_user_of_another_tenant_is_neither_found_nor_changed() {
    let (fixture, tenant, mut uow) = begin().await;
    let other = fixture.tenant().await.id;
    let ann = account(&mut *uow, "ann@example.com").await.expect("stored");
    let user = join(&mut *uow, tenant, &ann, Role::Viewer).await.expect("stored");
    assert_eq!(uow.users().lock(other, user.id).await.expect("a look"), None);
    assert_eq!(uow.users().lock(tenant, UserId::new(999).expect("positive")).await.expect("a look"), None);
    assert_eq!(uow.users().find_by_email(other, &ann.email).await.expect("a look"), None);
    uow.users().update(other, &User { role: Role::CompanyAdmin, ..user.clone() }).await.expect("nothing");
    assert_eq!(uow.users().lock(tenant, user.id).await.expect("a look"), Some(user));
}

#[tokio::test]
async fn admins_are_counted_if_they_are_active_and_of_the_tenant() {
    let (fixture, tenant, mut uow) = begin().await;
    let other = fixture.tenant().await.id;
    for (n, (tenant, role, state)) in [
        (tenant, Role::CompanyAdmin, UserState::Active),
        (tenant, Role::CompanyAdmin, UserState::Active),
        (tenant, Role::CompanyAdmin, UserState::Deactivated { at: Timestamp::MAX }),
        (tenant, Role::Manager, UserState::Active),
        (other, Role::CompanyAdmin, UserState::Active),
    ]
    .into_iter()
    .enumerate()
    {
        let person = account(&mut *uow, &format!("a{n}@example.com")).await.expect("stored");
        let user = join(&mut *uow, tenant, &person, role).await.expect("stored");
        uow.users().update(tenant, &User { state, ..user }).await.expect("stored");
    }
    assert_eq!(uow.users().active_admins(tenant).await.expect("a count"), 2);
    assert_eq!(uow.users().active_admins(other).await.expect("a count"), 1);
    uow.commit().await.expect("a commit");
    // One that an older server made has no account, and cannot sign in.
    let old = format!(
        "INSERT INTO users (tenant_id, email, role, password_hash, created_at)
         VALUES ({tenant}, 'old@example.com', 'company_admin', '$', now())"
    );
    fixture.run(&old).await;
    let mut uow = fixture.begin().await;
    assert_eq!(uow.users().active_admins(tenant).await.expect("a count"), 2);
    assert_eq!(fixture.store.team(tenant, None, Limit::LARGEST).await.expect("a list").members.len(), 4);
}

#[tokio::test]
async fn the_team_is_listed_by_address_with_when_each_was_last_seen() {
    let fixture = Fixture::new().await;
    let (tenant, other) = (fixture.tenant().await.id, fixture.tenant().await.id);
    let bob = fixture.user(tenant, "Bob@example.com", Role::Member).await;
    let ann = fixture.user(tenant, "ann@example.com", Role::CompanyAdmin).await;
    let elsewhere = fixture.user(other, "ann@example.com", Role::Viewer).await;
    fixture.sign_in(&ann).await;
    fixture.sign_in(&elsewhere).await;
    let start = fixture.environment.clock.now();
    fixture.clock.set(start.plus(std::time::Duration::from_hours(1)));
    fixture.sign_in(&elsewhere).await;
    let team = fixture.store.team(tenant, None, Limit::LARGEST).await.expect("a list");
    assert_eq!(team.next, None);
    let seen: Vec<_> = team.members.iter().map(|member| (member.user.clone(), member.seen_at)).collect();
    assert_eq!(seen, [(ann, Some(start)), (bob, None)]);
}

#[tokio::test]
async fn the_team_is_listed_in_pages() {
    let fixture = Fixture::new().await;
    let (tenant, other) = (fixture.tenant().await.id, fixture.tenant().await.id);
    let mut made = Vec::new();
    for name in ["Hal", "bob", "Cid", "ann", "eve", "Dan", "gus"] {
        made.push(fixture.user(tenant, &format!("{name}@example.com"), Role::Member).await);
    }
    let stranger = fixture.user(other, "aaa@example.com", Role::Member).await;
    made.sort_by_key(|user| user.account.email.to_lowercase());
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.store.team(tenant, after, Limit::new(3).expect("a limit")).await.expect("a page");
        assert!(page.members.len() <= 3);
        seen.extend(page.members.into_iter().map(|member| member.user));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, made);
    // Behind somebody who is not there is behind nobody.
    let page = fixture.store.team(tenant, Some(stranger.id), Limit::new(1).expect("a limit")).await.expect("a page");
    assert_eq!(page.members[0].user, made[0]);
    let ids = [made[2].id, stranger.id, made[0].id];
    let mut found = fixture.store.members(tenant, &ids).await.expect("users");
    found.sort_by_key(|user| user.account.email.to_lowercase());
    assert_eq!(found, [made[0].clone(), made[2].clone()]);
}

#[tokio::test]
async fn of_two_accounts_at_once_the_second_waits_and_is_refused() {
    let (fixture, _, mut first) = begin().await;
    assert!(account(&mut *first, "ann@example.com").await.is_some());
    let store = fixture.store.clone();
    let second = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        account(&mut *uow, "ANN@example.com").await
    });
    fixture.until_waiting(1).await;
    first.commit().await.expect("a commit");
    assert_eq!(within("the second", second).await.expect("no panic"), None);
}

#[tokio::test]
async fn a_team_and_an_account_are_held_until_the_unit_of_work_ends() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let ann = fixture.user(tenant, "ann@example.com", Role::Viewer).await;
    for what in ["team", "account", "address", "user"] {
        let hold = async |uow: &mut dyn UnitOfWork, ann: &User| match what {
            "team" => uow.users().lock_team(tenant).await.expect("held"),
            "account" => drop(uow.accounts().lock(ann.account.id).await.expect("held")),
            "address" => drop(uow.accounts().lock_by_email(&ann.account.email).await.expect("held")),
            _ => drop(uow.users().lock(tenant, ann.id).await.expect("held")),
        };
        let mut first = fixture.begin().await;
        hold(&mut *first, &ann).await;
        // Another tenant's team, and another account, are not held.
        let other = fixture.tenant().await.id;
        let bob = fixture.user(other, &format!("{what}@example.com"), Role::Viewer).await;
        let mut free = fixture.begin().await;
        free.users().lock_team(other).await.expect("held");
        within(what, free.users().lock(other, bob.id)).await.expect("held");
        drop(free);
        let (store, user) = (fixture.store.clone(), ann.clone());
        let second = tokio::spawn(async move {
            let mut uow = store.begin().await.expect("a unit of work");
            match what {
                "team" => uow.users().lock_team(tenant).await.expect("held"),
                _ => drop(uow.accounts().lock(user.account.id).await.expect("held")),
            }
        });
        fixture.until_waiting(1).await;
        assert!(!second.is_finished());
        first.commit().await.expect("a commit");
        within(what, second).await.expect("no panic");
    }
}
