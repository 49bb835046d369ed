//! The `bwp` command.

mod background;
mod cli;
mod commands;
mod database;
mod logging;
mod mail;
mod memory;
mod output;
mod serve;
mod system;
mod vault;

use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::read();
    let result = actix_web::rt::System::new().block_on(run(cli));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { database, json, command } = cli;
    let output = output::Output { json };
    match command {
        Command::Serve(args) => serve::run(&database, &args, output).await,
        Command::Openapi(args) => commands::openapi::run(&args, output),
        Command::Worker(args) => commands::worker::run(&database, &args).await,
        Command::Migrate => commands::migrate::run(&database, output).await,
        Command::Tenant(command) => commands::tenant::run(&database, command, output).await,
        Command::User(command) => commands::user::run(&database, command, output).await,
        Command::Rate(command) => commands::rate::run(&database, command, output).await,
        Command::Key(command) => commands::key::run(&database, command, output).await,
        Command::Webhook(command) => commands::webhook::run(command, output).await,
        Command::Mail(command) => commands::mail::run(command, output).await,
        Command::CursorSecret(command) => commands::cursor_secret::run(&database, command, output).await,
        Command::Export(args) => commands::export::run(&database, args, output).await,
        Command::Backup(args) => commands::backup::backup(&database, &args, output).await,
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Restore(args) => commands::backup::restore(&database, &args, output).await,
    }
}
