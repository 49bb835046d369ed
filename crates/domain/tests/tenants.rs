//! The first start, which makes a tenant with a user and a key or nothing.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    accounts::{Account, PasswordHash, PersonName, ports::AccountRecord},
    clock::Timestamp,
    ids::{AccountId, UserId},
    keys::{Allowlist, CreateKey, KeyError, KeyMode, KeyName, NewKey},
    rate_limits::RateLimit,
    scopes::ScopeSet,
    security::{Actor, SecurityAction},
    store::StoreError,
    tenants::{FirstStart, FirstStartError, NewTenant, Provisioned, Tenant, TenantName, TenantStatus, first_start},
    testing::{Ending, ScriptedStore, ScriptedUnitOfWork, credential, environment, tenant_id},
    text::Email,
    users::{AccountToUse, CreateUser, Role, User, UserError, UserState, ports::UserRecord},
};
use futures_executor::block_on;

fn first() -> FirstStart {
    let key = NewKey {
        name: KeyName::parse("first".to_owned()).expect("a name"),
        scopes: ScopeSet::EMPTY,
        allowlist: Allowlist::any(),
        rate_limit: RateLimit::OF_KEY,
        expires_at: None,
    };
    FirstStart {
        tenant: TenantName::parse("First".to_owned()).expect("a name"),
        admin: CreateUser {
            email: email(),
            role: Role::CompanyAdmin,
            account: AccountToUse::New(PasswordHash::from_stored("$".to_owned())),
        },
        key: CreateKey::new(KeyMode::Live, key),
    }
}

fn email() -> Email {
    Email::parse("admin@example.com".to_owned()).expect("an address")
}

fn stored(new: NewTenant) -> Tenant {
    let NewTenant { public_id, name, rate_limit, created_at } = new;
    Tenant {
        id: tenant_id(4),
        public_id,
        name,
        status: TenantStatus::Active,
        rate_limit,
        created_at,
        time_zone: bwp_domain::tenants::TimeZone::UTC,
    }
}

fn account(record: AccountRecord) -> Account {
    let AccountRecord { email, created_at, .. } = record;
    Account { id: AccountId::new(6).expect("positive"), email, name: PersonName::default(), created_at }
}

fn user(record: UserRecord) -> User {
    let UserRecord { account, role, created_at } = record;
    let id = UserId::new(1).expect("positive");
    User { id, tenant: tenant_id(4), account, role, state: UserState::Active, created_at }
}

/// A unit of work of an empty store.
fn empty() -> ScriptedUnitOfWork {
    let mut uow = ScriptedUnitOfWork::default();
    uow.tenants.expect_is_first().times(1).return_once(|| Ok(true));
    uow.tenants.expect_insert().times(1).return_once(|new| Ok(stored(new)));
    uow.rows.expect_insert().times(7).returning(|tenant, shape, _, _| {
        assert_eq!((tenant, shape.table), (tenant_id(4), "lead_stages"));
        Ok(1)
    });
    uow.accounts.expect_insert().times(1).return_once(|record| Ok(Some(account(record))));
    uow
}

fn start(uow: ScriptedUnitOfWork, first: &FirstStart) -> (Result<Option<Provisioned>, FirstStartError>, Vec<Ending>) {
    let store = ScriptedStore::new([uow]);
    (block_on(first_start(&store, &environment(), first)), store.endings())
}

#[test]
fn makes_a_tenant_with_a_user_and_a_key() {
    let mut uow = empty();
    uow.users.expect_insert().times(1).return_once(|_, record| Ok(Some(user(record))));
    uow.security_log.expect_append().times(1).return_once(|tenant, entries| {
        assert_eq!((tenant, entries[0].actor.clone()), (tenant_id(4), Actor::Operator));
        assert!(matches!(entries[0].action, SecurityAction::UserJoined { .. }), "{entries:?}");
        Ok(())
    });
    uow.keys.expect_insert().times(1).return_once(|tenant, _| {
        assert_eq!(tenant, tenant_id(4));
        Ok(credential(&[]).key)
    });
    let (done, endings) = start(uow, &first());
    let made = done.expect("no failure").expect("made");
    assert_eq!((made.tenant.id, made.admin.tenant), (tenant_id(4), tenant_id(4)));
    assert_eq!(endings, [Ending::Committed]);
}

#[test]
fn makes_nothing_where_there_is_a_tenant() {
    let mut uow = ScriptedUnitOfWork::default();
    uow.tenants.expect_is_first().times(1).return_once(|| Ok(false));
    let (done, endings) = start(uow, &first());
    assert!(matches!(done, Ok(None)), "{done:?}");
    assert_eq!(endings, [Ending::RolledBack]);
}

#[test]
fn makes_all_or_nothing() {
    let mut uow = empty();
    uow.users.expect_insert().return_once(|_, _| Ok(None));
    let (done, endings) = start(uow, &first());
    assert!(matches!(done, Err(FirstStartError::User(UserError::EmailTaken))), "{done:?}");
    assert_ne!(endings, [Ending::Committed]);

    let mut uow = empty();
    uow.users.expect_insert().return_once(|_, record| Ok(Some(user(record))));
    let mut expired = first();
    expired.key.key.expires_at = Some(Timestamp::MIN);
    let (done, endings) = start(uow, &expired);
    assert!(matches!(done, Err(FirstStartError::Key(KeyError::ExpiryInThePast))), "{done:?}");
    assert_ne!(endings, [Ending::Committed]);

    let mut uow = empty();
    uow.users.expect_insert().return_once(|_, _| Err(StoreError::Unavailable("gone".to_owned())));
    let (done, endings) = start(uow, &first());
    assert!(matches!(done, Err(FirstStartError::Store(StoreError::Unavailable(_)))), "{done:?}");
    assert_ne!(endings, [Ending::Committed]);
}

#[test]
fn a_name_has_1_to_200_characters_blanks_included() {
    for good in ["a", " a ", &"é".repeat(200)] {
        assert!(TenantName::parse(good.to_owned()).is_ok(), "{good:?}");
    }
    for bad in [
        "",
        "  ",
        "a\0",
        "a\x1b[2J",
        "a\u{202e}b",
        "\u{200b}\u{2060}",
        &"é".repeat(201),
        &format!("a{}", " ".repeat(200)),
    ] {
        assert!(TenantName::parse(bad.to_owned()).is_err(), "{bad:?}");
    }
    // Names of before go on being read.
    for old in ["a\x1b[2J", "a\u{202e}b", "\u{200b}\u{2060}"] {
        assert_eq!(TenantName::stored(old.to_owned()).expect("stored").as_str(), old);
    }
}
