//! A world for a test: a database, a server over it, tenants, keys and clients.

mod answer;
mod bwp;
mod client;

use bwp_postgres::testing::TestDatabase;
use serde_json::Value;

pub(crate) use answer::Answer;
pub(crate) use bwp::{Server, run_bwp};
pub(crate) use client::Client;

/// A server over a database of its own, with one tenant.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) database: TestDatabase,
    /// The tenant's public id, `tnt_…`.
    pub(crate) tenant: String,
}

impl World {
    /// A server with the usual settings.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with more arguments for `bwp serve`.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        let database = TestDatabase::new().await;
        let server = Server::start(&database.url(), arguments).await;
        let tenant = create_tenant(&database, "Test Builders").await;
        Self { server, database, tenant }
    }

    /// A client with a new key of the world's tenant.
    pub(crate) async fn client(&self, scopes: &[&str]) -> Client {
        self.client_of(&self.tenant, scopes).await
    }

    /// A client with a new key of another tenant.
    pub(crate) async fn client_of(&self, tenant: &str, scopes: &[&str]) -> Client {
        let key = self.key(tenant, scopes, &[]).await;
        Client::new(&self.server, key["key"].as_str().expect("a key"))
    }

    /// What `bwp key create` prints. `more` are further arguments.
    pub(crate) async fn key(&self, tenant: &str, scopes: &[&str], more: &[&str]) -> Value {
        let mut arguments = vec!["key", "create", "--tenant", tenant, "--name", "test"];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        arguments.extend(more);
        self.bwp(&arguments).await
    }

    /// Another tenant's public id.
    pub(crate) async fn another_tenant(&self) -> String {
        create_tenant(&self.database, "Other Builders").await
    }

    /// What `bwp` prints with these arguments, on the world's database.
    pub(crate) async fn bwp(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json", "--database-url"];
        let url = self.database.url();
        all.push(&url);
        all.extend(arguments);
        run_bwp(&all).await
    }
}

async fn create_tenant(database: &TestDatabase, name: &str) -> String {
    let url = database.url();
    let tenant = run_bwp(&["--json", "--database-url", &url, "tenant", "create", "--name", name]).await;
    tenant["publicId"].as_str().expect("a public id").to_owned()
}
