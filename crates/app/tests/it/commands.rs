//! The operator's commands.

mod backup;
mod data_folder;
mod exports;
mod keys;
mod others;
mod rates;
mod tenants;
mod users;

use std::process::Output;

use bwp_postgres::testing::TestDatabase;
use serde_json::Value;

use crate::support::{attempt_bwp, feed_bwp};

/// A database for commands alone: no server runs on it.
struct Operator(TestDatabase);

impl Operator {
    async fn new() -> Self {
        Self(TestDatabase::new().await)
    }

    /// Runs a command, whatever comes of it.
    async fn attempt(&self, arguments: &[&str]) -> Output {
        attempt_bwp(&[&["--database-url", &self.0.url()], arguments].concat()).await
    }

    /// Runs a command with this on its standard input, whatever comes of it.
    async fn feed(&self, arguments: &[&str], input: &str) -> Output {
        feed_bwp(&[&["--database-url", &self.0.url()], arguments].concat(), input).await
    }

    /// What a command prints for people.
    async fn text(&self, arguments: &[&str]) -> String {
        printed(&self.attempt(arguments).await)
    }

    /// What it prints for programs.
    async fn json(&self, arguments: &[&str]) -> Value {
        parsed(&self.attempt(&[arguments, &["--json"]].concat()).await)
    }

    /// The reason that a command gives for doing nothing.
    async fn refusal(&self, arguments: &[&str]) -> String {
        refused(&self.attempt(arguments).await)
    }

    /// A new tenant's public id.
    async fn tenant(&self) -> String {
        text(&self.json(&["tenant", "create", "--name", "Acme"]).await["publicId"])
    }
}

#[track_caller]
fn printed(done: &Output) -> String {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout.clone()).expect("UTF-8")
}

#[track_caller]
fn parsed(done: &Output) -> Value {
    serde_json::from_str(&printed(done)).expect("JSON")
}

/// What a command that failed says. It prints nothing that a program would take for an answer.
#[track_caller]
fn refused(done: &Output) -> String {
    assert!(!done.status.success());
    assert!(done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr.clone()).expect("UTF-8")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[track_caller]
fn has_fields(object: &Value, fields: &[&str]) {
    let names: Vec<_> = object.as_object().expect("an object").keys().collect();
    assert_eq!(names, fields);
}

/// No tenant and no key has it.
const NOBODY: &str = "00000000000000000000000000";
