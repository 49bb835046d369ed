//! Databases for tests: one for each, copied from a migrated template.

mod fixture;
mod people;
mod pooler;
mod server;
mod tls_server;

use std::{ops::DerefMut, sync::Arc, time::Duration};

use bwp_domain::{
    audit::{AuditEntry, AuditFilter},
    calendar::EventKind,
    ids::TenantId,
    paging::PageRequest,
    resource::{Filter, Shape},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use crate::{PgStore, PoolSettings, migrate};

pub use crate::migrations::revert_all;
pub use fixture::{Fixture, until_ok, within};
pub use people::caller;
pub use pooler::{Options, TestPooler};
pub use server::TestServer;
pub use tls_server::{Role, TlsServer};

/// A statement as the store sends it, with `$1` and so on for its values.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// Whether the server plans it for the values at hand each time. Else it soon plans it once for all values.
    pub planned_anew: bool,
}

/// The statement for a page of rows. Its values are the tenant's id, those of the filter, and the position's time and id.
pub fn page_statement(tenant: TenantId, shape: &'static Shape, filter: &Filter, page: PageRequest) -> Statement {
    let (text, planned_anew) =
        crate::resource::page_statement(tenant, shape, filter, page, filter.is_quick()).explained();
    Statement { text, planned_anew }
}

/// The statement for a page of the audit log. Its values are the tenant's id, those of the filter, and the position's time,
/// time once more and id.
///
/// # Panics
/// If there is none.
#[expect(clippy::expect_used, reason = "a test without its statement has failed")]
pub fn audit_page_statement(tenant: TenantId, filter: &AuditFilter, page: PageRequest) -> Statement {
    let (text, planned_anew) = crate::audit::page_statement(tenant, filter, page).expect("a statement");
    Statement { text, planned_anew }
}

/// The statement for events of these kinds on the calendar. Its values are the tenant's id, the bounds of the window, and the ids of a user
/// and of a project, or null.
pub fn calendar_statement(kinds: &[EventKind]) -> Statement {
    Statement { text: crate::calendar::statement(kinds), planned_anew: true }
}

/// Writes a batch of the audit log as the writer's task does: under ids from `first_id` on.
///
/// # Panics
/// If it cannot be written.
#[expect(clippy::expect_used, reason = "a test that cannot write has failed")]
pub async fn write_audit_batch(connection: &mut AsyncPgConnection, entries: &[AuditEntry], first_id: i64) {
    crate::audit::write_batch(connection, entries, first_id, true).await.expect("a batch");
}

/// A database of a test's own, dropped with it.
pub struct TestDatabase {
    server: Arc<TestServer>,
    name: String,
}

impl TestDatabase {
    /// A new database with the schema and no rows.
    ///
    /// # Panics
    /// If there is no server and none can be started.
    pub async fn new() -> Self {
        let server = TestServer::shared().await;
        let name = TestServer::unused_name();
        let template = template(&server).await;
        server.run(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
        Self { server, name }
    }

    /// A new database without the schema.
    ///
    /// # Panics
    /// If there is no server and none can be started.
    pub async fn empty() -> Self {
        let server = TestServer::shared().await;
        let name = TestServer::unused_name();
        server.run(&format!("CREATE DATABASE {name}")).await;
        Self { server, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// A store over it.
    ///
    /// # Panics
    /// If the pool cannot be made.
    #[expect(clippy::expect_used, reason = "a test without its store has failed")]
    pub fn store(&self) -> PgStore {
        // What a healthy server answers at once takes longer on a busy machine.
        let patience = Duration::from_mins(1);
        let settings =
            PoolSettings { max_size: 16, wait: patience, statement_timeout: patience, ..PoolSettings::default() };
        PgStore::new(&self.url(), settings).expect("a pool over the test database")
    }

    /// A connection to it that is set up as the store's are.
    ///
    /// # Panics
    /// If the database cannot be reached.
    #[expect(clippy::expect_used, reason = "a test without its connection has failed")]
    pub async fn connection_of_a_store(&self) -> impl DerefMut<Target = AsyncPgConnection> {
        let place = crate::session::Place::parse(&self.url()).expect("a URL");
        crate::link::Link::open(&place, PoolSettings::default().session())
            .await
            .expect("a connection to the test database")
    }

    /// A connection to it, for what no port shows.
    ///
    /// # Panics
    /// If the database cannot be reached.
    #[expect(clippy::expect_used, reason = "a test without its connection has failed")]
    pub async fn connection(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(&self.url()).await.expect("a connection to the test database")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.server.drop_later(&self.name);
    }
}

/// The migrated database that others are copied from. Made by the first process that needs it.
#[expect(clippy::expect_used, reason = "a test without its template has failed")]
async fn template(server: &TestServer) -> String {
    let name = server.template_name();
    let mut connection = server.maintenance().await;
    // Processes that start at once wait for the first one.
    connection.batch_execute("SELECT pg_advisory_lock(1)").await.expect("a lock");
    if !server.exists(&name).await {
        let making = format!("{name}_making");
        server.run(&format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await;
        server.run(&format!("CREATE DATABASE {making}")).await;
        migrate(&server.url(&making)).await.expect("the migrations run");
        server.run(&format!("ALTER DATABASE {making} RENAME TO {name}")).await;
    }
    name
}
