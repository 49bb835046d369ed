//! `/api-keys`

mod change;
mod create;
mod list;
mod races;
mod rotate;
mod secrets;

use serde_json::{Value, json};

use crate::support::{Client, World};

/// What the manager of these tests holds.
const HELD: &[&str] = &["api_keys:read", "api_keys:manage", "contacts:read", "contacts:write"];

/// The fields of a key.
const FIELDS: &[&str] = &[
    "id",
    "keyId",
    "name",
    "prefix",
    "mode",
    "scopes",
    "allowlist",
    "rateLimit",
    "status",
    "createdBy",
    "createdAt",
    "expiresAt",
    "revokedAt",
    "lastUsedAt",
    "replaces",
    "replacedBy",
];

/// A server, and a client that manages keys.
async fn start() -> (World, Client) {
    let world = World::start().await;
    let client = world.client(HELD).await;
    (world, client)
}

/// The body of a new key of this name, which sees contacts.
fn new(name: &str) -> Value {
    json!({ "name": name, "scopes": ["contacts:read"] })
}

/// Makes a key, and gives what the answer shows of it.
async fn create(client: &Client, body: &Value) -> Value {
    client.post("/api-keys", body).await.data(201).clone()
}

fn path(key: &Value) -> String {
    format!("/api-keys/{}", key["id"])
}

/// A client with a key that was just made.
fn client_of(client: &Client, made: &Value) -> Client {
    client.with_key(made["key"].as_str().expect("a whole key"))
}

/// What a later answer shows of a key that was just made.
fn without_secret(made: &Value) -> Value {
    let mut shown = made.clone();
    shown.as_object_mut().expect("an object").remove("key");
    shown
}
