//! `bwp cursor-secret`

use bwp_domain::paging::CursorSecret;
use serde_json::json;

use crate::{
    cli::{CursorSecretCommand, DatabaseArgs},
    database::{Needs, with_database},
    output::Output,
    system::environment,
};

pub(crate) async fn run(args: &DatabaseArgs, command: CursorSecretCommand, output: Output) -> anyhow::Result<()> {
    let CursorSecretCommand::Rotate = command;
    with_database(args, Needs::Schema, async |database| {
        let fresh = CursorSecret::generate(&*environment().entropy);
        database.store()?.rotate_cursor_secret(&fresh).await?;
        output.print(&json!({ "rotated": true }), || {
            "A new secret signs cursors; those of the one before stay valid.".to_owned()
        })?;
        Ok(())
    })
    .await
}
