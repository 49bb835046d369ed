//! The contracts of `TenantDirectory` and `TenantRepository`, and the first start.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use bwp_domain::{
    accounts::PasswordHash,
    execute::Environment,
    ids::TenantPublicId,
    keys::{Allowlist, CreateKey, KeyMode, KeyName, NewKey, ports::KeyReader},
    rate_limits::RateLimit,
    scopes::ScopeSet,
    store::Store,
    tenants::{FirstStart, NewTenant, TenantName, TenantStatus, first_start, ports::TenantDirectory},
    testing::{TypedRows, details},
    text::Email,
    users::{AccountToUse, CreateUser, Role},
};
use bwp_postgres::testing::{Fixture, within};
use diesel_async::SimpleAsyncConnection;
use tokio::task::JoinSet;

fn name(text: &str) -> TenantName {
    TenantName::parse(text.to_owned()).expect("a name")
}

fn new_tenant(environment: &Environment) -> NewTenant {
    NewTenant::new(name("Łódź Builders 🏗"), environment)
}

#[tokio::test]
async fn a_tenant_is_active_and_reads_back() {
    let fixture = Fixture::new().await;
    let new = new_tenant(&fixture.environment);
    let mut uow = fixture.begin().await;
    let made = uow.tenants().insert(new.clone()).await.expect("stored");
    uow.commit().await.expect("a commit");
    assert_eq!((made.public_id, &made.name, made.created_at), (new.public_id, &new.name, new.created_at));
    assert_eq!(made.status, TenantStatus::Active);
    assert_eq!(fixture.store.find(made.public_id).await.expect("a look"), Some(made));
}

/// What a tenant without stages got when the table was made is what a new one gets.
#[tokio::test]
async fn older_tenants_have_the_stages_of_new_ones() {
    let fixture = Fixture::new().await;
    fixture.tenant().await;
    fixture.run("CREATE TABLE of_new AS SELECT * FROM lead_stages; DELETE FROM lead_stages").await;
    let step = include_str!("../../../migrations/2026-11-30-000031_create_lead_stages/up.sql");
    fixture.run(&step[step.find("INSERT INTO lead_stages").expect("the step fills the table")..]).await;
    let columns = "tenant_id, name, color, \"order\", is_default, is_won, is_lost";
    let both = format!(
        "SELECT count(*) FROM (SELECT {columns} FROM of_new INTERSECT SELECT {columns} FROM lead_stages) AS same"
    );
    let all = "SELECT (SELECT count(*) FROM of_new) * 100 + (SELECT count(*) FROM lead_stages)";
    assert_eq!((fixture.number(&both).await, fixture.number(all).await), (7, 707));
}

#[tokio::test]
async fn tenants_are_listed_oldest_first() {
    let fixture = Fixture::new().await;
    let (first, second) = (fixture.tenant().await, fixture.tenant().await);
    assert_eq!(TenantDirectory::list(&fixture.store).await.expect("a list"), [first, second]);
}

#[tokio::test]
async fn an_unknown_public_id_finds_nothing() {
    let fixture = Fixture::new().await;
    fixture.tenant().await;
    let unknown = TenantPublicId::from_uuid(uuid::Uuid::nil());
    assert_eq!(fixture.store.find(unknown).await.expect("a look"), None);
}

#[tokio::test]
async fn a_status_is_set_for_one_tenant_and_seen_by_the_next_request() {
    let fixture = Fixture::new().await;
    let (tenant, other) = (fixture.tenant().await, fixture.tenant().await);
    let key = fixture.key(tenant.id).await;
    for status in TenantStatus::ALL {
        let set = fixture.store.set_status(tenant.id, status).await.expect("set").expect("the tenant");
        assert_eq!((set.id, set.status), (tenant.id, status));
        let found = fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
        assert_eq!(found.tenant.status, status);
    }
    assert_eq!(fixture.store.find(other.public_id).await.expect("a look"), Some(other));
}

#[tokio::test]
async fn the_status_of_a_tenant_that_is_not_there_is_not_set() {
    let fixture = Fixture::new().await;
    let absent = bwp_domain::testing::tenant_id(999);
    assert_eq!(fixture.store.set_status(absent, TenantStatus::Suspended).await.expect("no failure"), None);
}

#[tokio::test]
async fn a_rate_limit_is_set_for_one_tenant_and_seen_by_the_next_request() {
    let fixture = Fixture::new().await;
    let (tenant, other) = (fixture.tenant().await, fixture.tenant().await);
    assert_eq!(tenant.rate_limit, RateLimit::OF_TENANT);
    let key = fixture.key(tenant.id).await;
    for limit in [RateLimit::NONE, RateLimit::OF_KEY, RateLimit::MAX] {
        let set = fixture.store.set_rate_limit(tenant.id, limit).await.expect("set").expect("the tenant");
        assert_eq!((set.id, set.rate_limit), (tenant.id, limit));
        let found = fixture.store.find_by_hash(&key.secret.hash()).await.expect("a look").expect("the key");
        assert_eq!(found.tenant.rate_limit, limit);
    }
    assert_eq!(fixture.store.find(other.public_id).await.expect("a look"), Some(other));
    let absent = bwp_domain::testing::tenant_id(999);
    assert_eq!(fixture.store.set_rate_limit(absent, RateLimit::NONE).await.expect("no failure"), None);
}

#[tokio::test]
async fn a_tenant_is_made_with_the_limit_that_was_asked_for() {
    let fixture = Fixture::new().await;
    let new = NewTenant { rate_limit: RateLimit::MAX, ..new_tenant(&fixture.environment) };
    let mut uow = fixture.begin().await;
    assert_eq!(uow.tenants().insert(new).await.expect("stored").rate_limit, RateLimit::MAX);
}

#[tokio::test]
async fn who_asks_for_the_first_tenant_waits_for_whoever_is_making_it() {
    let fixture = Fixture::new().await;
    assert!(fixture.store.is_empty().await.expect("a look"));
    let mut maker = fixture.begin().await;
    assert!(maker.tenants().is_first().await.expect("a look"));
    let store = fixture.store.clone();
    let second = tokio::spawn(async move {
        let mut uow = store.begin().await.expect("a unit of work");
        uow.tenants().is_first().await.expect("a look")
    });
    fixture.until_waiting(1).await;
    maker.tenants().insert(new_tenant(&fixture.environment)).await.expect("stored");
    maker.commit().await.expect("a commit");
    assert!(!within("the second", second).await.expect("no panic"));
    assert!(!fixture.store.is_empty().await.expect("a look"));
}

#[tokio::test]
async fn when_the_first_tenant_is_not_made_after_all_the_next_one_makes_it() {
    let fixture = Fixture::new().await;
    let mut maker = fixture.begin().await;
    assert!(maker.tenants().is_first().await.expect("a look"));
    maker.tenants().insert(new_tenant(&fixture.environment)).await.expect("stored");
    drop(maker);
    let mut next = fixture.begin().await;
    assert!(within("the next", next.tenants().is_first()).await.expect("a look"));
}

fn first() -> FirstStart {
    let key = NewKey {
        name: KeyName::parse("first".to_owned()).expect("a name"),
        scopes: ScopeSet::EMPTY,
        allowlist: Allowlist::any(),
        rate_limit: RateLimit::OF_KEY,
        expires_at: None,
    };
    let email = Email::parse("admin@example.com".to_owned()).expect("an address");
    let password = PasswordHash::from_stored("$argon2id$".to_owned());
    FirstStart {
        tenant: name("First"),
        admin: CreateUser { email, role: Role::CompanyAdmin, account: AccountToUse::New(password) },
        key: CreateKey::new(KeyMode::Live, key),
    }
}

#[tokio::test]
async fn of_eight_servers_that_start_at_once_one_makes_the_first_tenant() {
    let fixture = Fixture::new().await;
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let (store, environment) = (fixture.database.store(), fixture.environment.clone());
        starts.spawn(async move { first_start(&store, &environment, &first()).await.expect("no failure") });
    }
    let mut made = Vec::new();
    while let Some(start) = within("the starts", starts.join_next()).await {
        made.extend(start.expect("no panic"));
    }
    let [made] = made.as_slice() else { panic!("one tenant: {made:?}") };
    let found = fixture.store.find_by_hash(&made.key.secret.hash()).await.expect("a look").expect("the key works");
    assert_eq!((&found.tenant, &found.key), (&made.tenant, &made.key.key));
    for table in ["tenants", "accounts", "users", "api_keys"] {
        assert_eq!(fixture.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
    }
}

#[tokio::test]
async fn once_a_tenant_is_suspended_nothing_of_it_is_committed_any_more() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let key = fixture.key(tenant).await.key.id;
    let ann = fixture.user(tenant, "ann@example.com", Role::Member).await;
    let (_, open) = fixture.sign_in(&ann).await;
    for by_key in [true, false] {
        fixture.store.set_status(tenant, TenantStatus::Active).await.expect("set").expect("the tenant");
        let mut changing = fixture.begin().await;
        if by_key {
            changing.credentials().hold(tenant, key).await.expect("held").expect("the key");
        } else {
            changing
                .credentials()
                .hold_session(ann.account.id, open.session.id)
                .await
                .expect("held")
                .expect("the session");
        }
        let store = fixture.store.clone();
        let suspending = tokio::spawn(async move { store.set_status(tenant, TenantStatus::Suspended).await });
        fixture.until_waiting(1).await;
        // Who comes now sees it already.
        let status = "SELECT count(*) FROM tenants WHERE status = 'suspended'";
        assert_eq!(fixture.number(status).await, 1);
        assert!(!suspending.is_finished());
        changing.insert_row(tenant, &details("Acme"), fixture.environment.clock.now()).await.expect("made");
        changing.commit().await.expect("a commit");
        let set = within("suspending", suspending).await.expect("no panic").expect("set").expect("the tenant");
        assert_eq!(set.status, TenantStatus::Suspended);
    }
}

#[tokio::test]
async fn a_tenant_with_more_keys_than_the_server_has_room_for_locks_is_suspended() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant().await.id;
    let used = fixture.key(tenant).await.key.id;
    let locks = "current_setting('max_locks_per_transaction')::bigint * current_setting('max_connections')::bigint";
    fixture
        .run(&format!(
            "INSERT INTO api_keys (tenant_id, public_id, key_hash, display_prefix, name, scopes, allowlist, created_at)
             SELECT {tenant}, gen_random_uuid(), sha256(n::text::bytea), 'bwp_', n, '{{}}', '{{}}', now()
             FROM generate_series(1, greatest(30000, {locks} * 4)) AS n"
        ))
        .await;
    let set = within("suspending", fixture.store.set_status(tenant, TenantStatus::Suspended)).await;
    assert_eq!(set.expect("set").expect("the tenant").status, TenantStatus::Suspended);
    // Among so many it finds the one by which something is being changed.
    let mut changing = fixture.begin().await;
    changing.credentials().hold(tenant, used).await.expect("held").expect("the key");
    let store = fixture.store.clone();
    let activating = tokio::spawn(async move { store.set_status(tenant, TenantStatus::Active).await });
    fixture.until_waiting(1).await;
    changing.commit().await.expect("a commit");
    within("activating", activating).await.expect("no panic").expect("set").expect("the tenant");
}

#[tokio::test]
async fn suspending_waits_for_no_lock_of_anybody_else() {
    let fixture = Fixture::new().await;
    let (tenant, other) = (fixture.tenant().await.id, fixture.tenant().await.id);
    let theirs = fixture.key(other).await.key.id;
    let mut changing = fixture.begin().await;
    changing.credentials().hold(other, theirs).await.expect("held").expect("the key");
    let mut program = fixture.database.connection().await;
    let numbers = [i64::MIN, i64::MAX, -1, 0, 1].map(|number| format!("pg_advisory_lock({number})")).join(", ");
    program.batch_execute(&format!("SELECT {numbers}, pg_advisory_lock(1, 1)")).await.expect("locked");
    let set = within("suspending", fixture.store.set_status(tenant, TenantStatus::Suspended)).await;
    assert_eq!(set.expect("set").expect("the tenant").status, TenantStatus::Suspended);
}
