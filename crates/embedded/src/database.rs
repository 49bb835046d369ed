//! The databases in a running cluster, by way of `psql`.

use std::{path::Path, process::Command};

use crate::{EmbeddedError, Installation, locks::StartLock, log, platform, url::socket_url};

/// The database that the application uses.
pub(crate) const DATABASE: &str = "bwp";

/// The extensions that the schema needs. They are packaged apart from the server on some platforms.
const EXTENSIONS: [&str; 3] = ["btree_gin", "btree_gist", "pg_trgm"];

/// Makes the application's database if it is missing: this is the first start, or the process that made the cluster was
/// killed before it came to this.
pub(crate) fn ensure(installation: &Installation, socket_dir: &Path, turn: &StartLock) -> Result<(), EmbeddedError> {
    let url = socket_url(socket_dir, "postgres");
    let found = psql(installation, turn, &url, &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))?;
    if found == "1" {
        return Ok(());
    }
    // Before the database is made, so that the check is made again until it succeeds.
    let available = psql(installation, turn, &url, "SELECT name FROM pg_available_extensions")?;
    let missing: Vec<_> = EXTENSIONS.into_iter().filter(|name| !available.lines().any(|line| line == *name)).collect();
    if !missing.is_empty() {
        return Err(EmbeddedError::MissingExtensions {
            missing: missing.join(", "),
            install: platform::install_command(None),
        });
    }
    psql(installation, turn, &url, &format!("CREATE DATABASE {DATABASE}")).map(drop)
}

/// What a statement returns, a line a row.
fn psql(installation: &Installation, turn: &StartLock, url: &str, statement: &str) -> Result<String, EmbeddedError> {
    let mut command = client(installation, "psql");
    command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, "-d", url]);
    // A server that hangs must not hang this process, which holds the lock.
    command.env("PGCONNECT_TIMEOUT", "30");
    let output = command.stdin(turn.lend()?).output().map_err(|error| EmbeddedError::Program {
        program: installation.program("psql").display().to_string(),
        failure: error.to_string(),
        output: format!(". Install the PostgreSQL client too: {}", platform::install_command(None)),
    })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(EmbeddedError::Program {
            program: installation.program("psql").display().to_string(),
            failure: output.status.to_string(),
            output: format!(":\n{}", log::tail(&output.stderr)),
        })
    }
}

/// A client program, run by this process's user, without the variables that would lead it to another server.
pub(crate) fn client(installation: &Installation, name: &str) -> Command {
    let mut command = Command::new(installation.program(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PG") {
            command.env_remove(variable);
        }
    }
    command
}
