//! `bwp migrate`

use serde_json::json;

use crate::{cli::DatabaseArgs, database::Database, output::Output};

pub(crate) async fn run(args: &DatabaseArgs, output: Output) -> anyhow::Result<()> {
    let database = Database::open_as_it_is(args).await?;
    let migrated = bwp_postgres::migrate(database.url()).await;
    database.close().await?;
    let applied = migrated?.applied;
    output.print(&json!({ "applied": applied }), || match applied.len() {
        0 => "The schema is up to date.".to_owned(),
        _ => format!("Applied:\n  {}", applied.join("\n  ")),
    })?;
    Ok(())
}
