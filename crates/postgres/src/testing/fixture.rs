//! A database with a store over it, and the rows and looks that tests of the ports begin with.

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    clock::Timestamp,
    contacts::Contact,
    execute::{Command, Context, Environment},
    ids::TenantId,
    keys::{Allowlist, CreateKey, CreatedKey, KeyMode, KeyName, NewKey},
    principal::Principal,
    rate_limits::RateLimit,
    resource::Stored,
    scopes::{ScopeId, ScopeSet},
    store::{Store, UnitOfWork},
    tenants::{NewTenant, Tenant, TenantName, make_tenant},
    testing::{FixedClock, TypedRows, environment},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::TestDatabase;
use crate::PgStore;

/// A database of a test's own with a store over it. Every method panics where it cannot do what it says.
pub struct Fixture {
    /// The database.
    pub database: TestDatabase,
    /// A store over it.
    pub store: PgStore,
    /// Time that stands still, and bytes that never repeat.
    pub environment: Environment,
    /// The environment's clock.
    pub clock: Arc<FixedClock>,
}

/// How long something may take that takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

/// Sessions of this database other than the one that asks.
const OTHER_SESSIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[expect(clippy::expect_used, reason = "a test whose start fails has failed")]
#[expect(clippy::missing_panics_doc, reason = "said once, at the type")]
impl Fixture {
    /// A new database with the schema and no rows.
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let store = database.store();
        let start = environment();
        let clock = Arc::new(FixedClock::new(start.clock.now()));
        let environment = Environment { clock: Arc::clone(&clock) as _, ..start };
        Self { database, store, environment, clock }
    }

    /// A unit of work of the store.
    pub async fn begin(&self) -> Box<dyn UnitOfWork> {
        self.store.begin().await.expect("a unit of work")
    }

    /// A new tenant.
    pub async fn tenant(&self) -> Tenant {
        let name = TenantName::parse("Builders".to_owned()).expect("a name");
        let mut uow = self.begin().await;
        let tenant = make_tenant(&mut *uow, NewTenant::new(name, &self.environment)).await.expect("a tenant");
        uow.commit().await.expect("a commit");
        tenant
    }

    /// A new key that anybody can use, without a rate limit, and that allows to make, change and delete contacts.
    pub async fn key(&self, tenant: TenantId) -> CreatedKey {
        let key = NewKey {
            name: KeyName::parse("key".to_owned()).expect("a name"),
            scopes: ScopeSet::of(&[ScopeId::ContactsWrite, ScopeId::ContactsDelete]),
            allowlist: Allowlist::any(),
            rate_limit: RateLimit::NONE,
            expires_at: None,
        };
        let command = CreateKey::new(KeyMode::Live, key);
        let mut uow = self.begin().await;
        let principal = Principal::Operator(tenant);
        let context = Context::new(&principal, &self.environment);
        let made = command.apply(&context, &mut *uow).await.expect("a key");
        uow.commit().await.expect("a commit");
        made.output
    }

    /// A new contact, made at `at`.
    pub async fn contact(&self, tenant: TenantId, details: &Contact, at: Timestamp) -> Stored<Contact> {
        let mut uow = self.begin().await;
        let contact = uow.insert_row(tenant, details, at).await.expect("a contact");
        uow.commit().await.expect("a commit");
        contact
    }

    /// Runs statements.
    pub async fn run(&self, statements: &str) {
        self.database.connection().await.batch_execute(statements).await.expect(statements);
    }

    /// The whole number that a query gives.
    pub async fn number(&self, query: &str) -> i64 {
        number(&mut self.database.connection().await, query).await
    }

    /// Returns when `sessions` sessions wait for a lock.
    pub async fn until_waiting(&self, sessions: i64) {
        self.until(&format!("{OTHER_SESSIONS} AND wait_event_type = 'Lock'"), sessions).await;
    }

    /// Returns when no transaction is open and no lock is held.
    pub async fn until_quiet(&self) {
        self.until(&format!("{OTHER_SESSIONS} AND xact_start IS NOT NULL"), 0).await;
        let locks = "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        self.until(locks, 0).await;
    }

    /// Returns when a query gives `expected`.
    pub async fn until(&self, query: &str, expected: i64) {
        let mut connection = self.database.connection().await;
        within(query, async {
            while number(&mut connection, query).await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

#[expect(clippy::expect_used, reason = "a test that cannot look has failed")]
async fn number(connection: &mut AsyncPgConnection, query: &str) -> i64 {
    let query = format!("SELECT ({query})::bigint AS number");
    diesel::sql_query(query.as_str()).get_result::<Number>(connection).await.expect(&query).number
}

/// What `attempt` gives once it works: a store may wait for less time than a busy machine takes.
///
/// # Panics
/// If it does not in a time that is generous on any machine.
pub async fn until_ok<T, E>(what: &str, attempt: impl AsyncFn() -> Result<T, E>) -> T {
    within(what, async {
        loop {
            if let Ok(done) = attempt().await {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// What `future` gives, in a time that is generous on any machine.
///
/// # Panics
/// If it takes longer.
#[expect(clippy::expect_used, reason = "a test that waits in vain has failed")]
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect(what)
}
