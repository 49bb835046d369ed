//! Making a cluster.

use std::{fs, path::Path, process::Output};

use crate::{
    Durability, EmbeddedError, Installation, account::Account, error::IoContext, files, folder, layout::Layout,
    locks::StartLock, log, settings::SUPERUSER,
};

/// The locales to try, best first. Comparing by code point is fast and never changes with the system's libraries, but
/// the classification of letters must know Unicode, or search by trigrams would ignore all that is not ASCII.
const LOCALES: &[&[&str]] = &[
    &["--locale=C.UTF-8"],
    &["--locale=C", "--lc-ctype=en_US.UTF-8"],
    &["--locale=C", "--lc-ctype=UTF-8"],
    &["--locale=C"],
];

/// The major version of the cluster, or `None` if there is none yet.
pub(crate) fn cluster_major(layout: &Layout) -> Result<Option<u32>, EmbeddedError> {
    let pgdata = layout.pgdata();
    let file = pgdata.join("PG_VERSION");
    let Some(text) = files::read(&file)? else {
        return if pgdata.exists() {
            // The folder gets its name only when it is complete, so somebody else has been at it.
            Err(EmbeddedError::Damaged {
                path: pgdata,
                reason: "it has no PG_VERSION; move it away to begin with an empty database, or restore it".to_owned(),
            })
        } else {
            Ok(None)
        };
    };
    let text = String::from_utf8_lossy(&text);
    text.trim().parse().map(Some).map_err(|_| EmbeddedError::Damaged {
        path: pgdata,
        reason: format!("its PG_VERSION says {:?}; restore it from a backup", text.trim()),
    })
}

/// Removes what a process left that was killed while it made a cluster. The caller holds the start lock.
pub(crate) fn remove_leftovers(layout: &Layout) -> Result<(), EmbeddedError> {
    folder::remove(&layout.unfinished())
}

/// Makes the cluster under another name and renames it when it is complete: one that carries the right name is whole.
pub(crate) fn create(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    durability: Durability,
    turn: &StartLock,
) -> Result<(), EmbeddedError> {
    tracing::info!(
        cluster = %layout.pgdata().display(),
        version = %installation.version,
        user = account.name(),
        "making a PostgreSQL cluster"
    );
    let unfinished = layout.unfinished();
    for (attempt, locale) in LOCALES.iter().enumerate() {
        folder::remove(&unfinished)?;
        let output = initdb(&unfinished, account, installation, durability, locale, turn)?;
        if output.status.success() {
            break;
        }
        let said = log::tail(&[output.stdout, output.stderr].concat());
        if attempt + 1 == LOCALES.len() || !said.contains("locale") {
            folder::remove(&unfinished)?;
            return Err(EmbeddedError::Program {
                program: installation.program("initdb").display().to_string(),
                failure: output.status.to_string(),
                output: format!(":\n{said}"),
            });
        }
    }
    fs::rename(&unfinished, layout.pgdata()).context("rename", &unfinished)?;
    if durability == Durability::Full {
        files::sync(&layout.root)?;
    }
    Ok(())
}

fn initdb(
    pgdata: &Path,
    account: &Account,
    installation: &Installation,
    durability: Durability,
    locale: &[&str],
    turn: &StartLock,
) -> Result<Output, EmbeddedError> {
    let program = installation.program("initdb");
    let mut command = account.command(&program);
    command
        .stdin(turn.lend()?)
        .arg("-D")
        .arg(pgdata)
        .arg(format!("--username={SUPERUSER}"))
        .args(["--encoding=UTF8", "--data-checksums", "--no-instructions"])
        // See the crate's documentation for why that is safe.
        .args(["--auth-local=trust", "--auth-host=reject"])
        .args(locale);
    if durability == Durability::None {
        command.arg("--no-sync");
    }
    command.output().map_err(|error| EmbeddedError::Program {
        program: format!("{} as user {}", program.display(), account.name()),
        failure: error.to_string(),
        output: ". Check that this user may run it, or use --database-url.".to_owned(),
    })
}
