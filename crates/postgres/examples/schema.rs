//! Prints what the `diesel` program makes of the migrated schema: `src/schema.rs`.

use std::process::{Command, ExitCode};

use bwp_postgres::testing::TestDatabase;

#[tokio::main]
#[expect(clippy::expect_used, reason = "a developer's tool: a failure ends it with its reason")]
async fn main() -> ExitCode {
    let program = std::env::args().nth(1).unwrap_or_else(|| "diesel".to_owned());
    let database = TestDatabase::new().await;
    let status = Command::new(program)
        .args(["print-schema", "--database-url", &database.url()])
        .status()
        .expect("the diesel program runs");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
