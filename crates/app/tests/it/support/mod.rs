//! A world for a test: a database, a server over it, tenants, keys and clients.

mod answer;
mod browser;
mod bwp;
mod client;
mod connection;
mod data_folder;
mod form;
mod load;
mod operations;
mod outbox;
mod person;
mod random;
mod setting;
mod smtp;
mod sql;

use std::time::{Duration, Instant};

use bwp_postgres::testing::TestDatabase;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Mutex;

pub(crate) use answer::{Answer, is_public_id};
pub(crate) use browser::Browser;
pub(crate) use bwp::{SECRET_KEY, Server, attempt_bwp, bwp, feed_bwp, run_bwp};
pub(crate) use client::{Client, insist, send, unknown_key};
pub(crate) use connection::Connection;
pub(crate) use data_folder::DataFolder;
pub(crate) use form::Form;
pub(crate) use load::{Load, Outcome, Request};
pub(crate) use operations::{Operation, operations};
pub(crate) use outbox::Event;
pub(crate) use person::{PASSWORD, Page, Person};
pub(crate) use random::Random;
pub(crate) use setting::setting;
pub(crate) use smtp::MailServer;
pub(crate) use sql::Sql;

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
        // What a test does not limit has no limit.
        if !more.contains(&"--rate-limit") {
            arguments.extend(["--rate-limit", "0"]);
        }
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        arguments.extend(more);
        self.bwp(&arguments).await
    }

    /// A webhook endpoint of a client's tenant, at which nobody listens: its id.
    pub(crate) async fn endpoint(&self, client: &Client) -> i64 {
        let body = serde_json::json!({ "url": "http://127.0.0.1:9/hooks", "eventTypes": ["contact.created"] });
        client.post("/webhook-endpoints", &body).await.data(201)["id"].as_i64().expect("an id")
    }

    /// A delivery to an endpoint that was given up: its id. The background loop alone makes them.
    pub(crate) async fn delivery(&self, endpoint: i64) -> i64 {
        let make = format!(
            "WITH event AS (
                 INSERT INTO outbox (tenant_id, event_id, kind, version, occurred_at, body, position)
                 SELECT tenant_id, gen_random_uuid(), 'contact.created', 1, now(), '{{}}', nextval('event_positions')
                 FROM webhook_endpoints WHERE id = {endpoint} RETURNING tenant_id, id, event_id, kind
             )
             INSERT INTO webhook_deliveries
                 (tenant_id, endpoint_id, outbox_id, event_id, event_type, created_at, status, is_first, completed_at)
             SELECT tenant_id, {endpoint}, id, event_id, kind, now(), 'exhausted', false, now() FROM event"
        );
        self.sql(&make).await;
        self.number("SELECT max(id) FROM webhook_deliveries").await
    }

    /// An app that acts for the user with this address: the id of its grant.
    pub(crate) async fn connected_app(&self, email: &str) -> i64 {
        let connect = format!(
            "WITH app AS (
                 INSERT INTO oauth_clients
                     (public_id, name, redirect_uris, auth_method, refreshes, scopes, secret_hash, created_at)
                 VALUES (gen_random_uuid(), 'Yard sync', '{{https://yard.example/cb}}', 'client_secret_post', true, '{{}}',
                     sha256('a secret'), now())
                 RETURNING id
             )
             INSERT INTO oauth_grants (tenant_id, client_id, user_id, scopes, resource, created_at)
             SELECT users.tenant_id, app.id, users.id, '{{contacts:read,contacts:delete}}', 'server', now()
             FROM app, users JOIN accounts ON accounts.id = users.account_id
             WHERE accounts.email = '{email}' ORDER BY users.id LIMIT 1"
        );
        self.sql(&connect).await;
        self.number("SELECT max(id) FROM oauth_grants").await
    }

    /// Another tenant's public id.
    pub(crate) async fn another_tenant(&self) -> String {
        create_tenant(&self.database, "Other Builders").await
    }

    /// A request to a path of the server, without a key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        reqwest::Client::new().request(method, format!("{}{path}", self.server.url))
    }

    /// Runs a statement in the world's database.
    pub(crate) async fn sql(&self, statement: &str) {
        Sql::connect(&self.database.url()).await.run(statement).await;
    }

    /// The whole number that a query gives.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        Sql::connect(&self.database.url()).await.number(query).await
    }

    /// Waits until a query gives another number than 0.
    pub(crate) async fn wait_until(&self, query: &str) {
        let sql = Mutex::new(Sql::connect(&self.database.url()).await);
        until(query, async || sql.lock().await.number(query).await != 0).await;
    }

    /// The events of every tenant, oldest first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        outbox::events(&self.database).await
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

/// How long what takes moments may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again, until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The body of a new contact.
pub(crate) fn contact(company: &str) -> Value {
    json!({ "companyName": company, "type": "vendor" })
}

async fn create_tenant(database: &TestDatabase, name: &str) -> String {
    let url = database.url();
    // What a test does not limit has no limit.
    let create = ["--json", "--database-url", &url, "tenant", "create", "--name", name, "--rate-limit", "0"];
    let tenant = run_bwp(&create).await;
    tenant["publicId"].as_str().expect("a public id").to_owned()
}
