//! Databases for tests: one for each, copied from a migrated template.

mod server;

use std::sync::OnceLock;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use crate::{PgStore, PoolSettings, migrate};

pub use crate::migrations::revert_all;
pub use server::TestServer;

/// A database of a test's own, dropped with it.
pub struct TestDatabase {
    server: &'static TestServer,
    name: String,
}

static SERVER: OnceLock<TestServer> = OnceLock::new();

impl TestDatabase {
    /// A new database with the schema and no rows.
    ///
    /// # Panics
    /// If there is no server and none can be started.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub async fn new() -> Self {
        let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(TestServer::find_or_start))
            .await
            .expect("the test server starts");
        let name = server.unused_name();
        let template = template(server).await;
        server.run(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
        Self { server, name }
    }

    /// A new database without the schema.
    ///
    /// # Panics
    /// If there is no server and none can be started.
    #[expect(clippy::expect_used, reason = "a test without its database has failed")]
    pub async fn empty() -> Self {
        let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(TestServer::find_or_start))
            .await
            .expect("the test server starts");
        let name = server.unused_name();
        server.run(&format!("CREATE DATABASE {name}")).await;
        Self { server, name }
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
        PgStore::new(&self.url(), PoolSettings::default()).expect("a pool over the test database")
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
    let mut connection = AsyncPgConnection::establish(&server.url("postgres")).await.expect("the test server answers");
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
