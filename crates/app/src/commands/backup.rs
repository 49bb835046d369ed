//! `bwp backup` and `bwp restore`: `pg_dump` and `pg_restore` underneath.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    os::unix::{ffi::OsStringExt, fs::OpenOptionsExt},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use bwp_domain::{
    clock::{Rounding, Timestamp},
    tenants::ports::TenantDirectory,
};
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::Url;

use crate::{
    cli::{BackupArgs, DatabaseArgs, RestoreArgs},
    database::{Database, with_database},
    output::Output,
};

pub(crate) async fn backup(args: &DatabaseArgs, backup: &BackupArgs, output: Output) -> anyhow::Result<()> {
    with_database(args, async |database| dump(database, &backup.file)).await?;
    let file = backup.file.display().to_string();
    output.print(&json!({ "file": file }), || {
        format!("Wrote {file}. It holds all data: keep it as safe as the database.")
    })?;
    Ok(())
}

pub(crate) async fn restore(args: &DatabaseArgs, restore: &RestoreArgs, output: Output) -> anyhow::Result<()> {
    with_database(args, async |database| {
        if !restore.overwrite && !database.store()?.list().await?.is_empty() {
            bail!("the database holds tenants: restore into an empty one, or add --overwrite to throw them away");
        }
        make_room(database, &restore.file).await?;
        read(database, &restore.file)?;
        // A backup of an older version brings its older schema.
        bwp_postgres::migrate(database.url()).await?;
        Ok(())
    })
    .await?;
    let file = restore.file.display().to_string();
    output.print(&json!({ "restored": file }), || format!("Restored {file}."))?;
    Ok(())
}

fn dump(database: &Database, file: &Path) -> anyhow::Result<()> {
    // A file of its own until it is whole: a backup that failed never looks like one that did not.
    let partial = file.with_added_extension("partial");
    let out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
    let out = out.with_context(|| format!("cannot write {}", partial.display()))?;
    restrict(&partial)?;
    let mut command = database.tool("pg_dump")?;
    command.args(["--format=custom", "--no-owner", "--no-privileges"]);
    connect(&mut command, database.url());
    run(command.stdout(out.try_clone()?)).inspect_err(|_| {
        let _ = std::fs::remove_file(&partial);
    })?;
    out.sync_all()?;
    std::fs::rename(&partial, file).with_context(|| format!("cannot write {}", file.display()))
}

/// Makes the months of the audit log that are in the backup and not in the database: `pg_restore` begins by detaching each
/// partition of the backup, and fails where there is none. One more empty month does no harm if the restore fails.
async fn make_room(database: &Database, file: &Path) -> anyhow::Result<()> {
    let mut command = database.tool("pg_restore")?;
    let contents = output(command.arg("--list").stdin(open(file)?))?;
    let store = database.store()?;
    for month in audit_months(&String::from_utf8_lossy(&contents)) {
        store.make_audit_partition(month).await?;
    }
    Ok(())
}

/// The months whose partitions of the audit log a backup holds.
fn audit_months(contents: &str) -> BTreeSet<Timestamp> {
    let names = contents.split_whitespace().filter_map(|word| word.strip_prefix("api_audit_logs_"));
    names
        .filter_map(|month| {
            let first = format!("{}-01T00:00:00Z", month.get(..7)?.replace('_', "-"));
            Timestamp::parse_rfc3339(&first, Rounding::Down)
        })
        .collect()
}

fn open(file: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))
}

fn read(database: &Database, file: &Path) -> anyhow::Result<()> {
    let input = open(file)?;
    let mut command = database.tool("pg_restore")?;
    command.args([
        "--clean",
        "--if-exists",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
    ]);
    connect(&mut command, database.url());
    run(command.stdin(input))
}

/// Names the database to a program of PostgreSQL. A password goes by the environment, which only the user can read: every
/// user of the machine can read arguments.
fn connect(command: &mut Command, url: &str) {
    let mut named = url.to_owned();
    if let Ok(mut parsed) = url.parse::<Url>()
        && let Some(password) = parsed.password().map(|password| percent_decode_str(password).collect::<Vec<u8>>())
        && parsed.set_password(None).is_ok()
    {
        command.env("PGPASSWORD", OsString::from_vec(password));
        named = parsed.into();
    }
    command.arg("--dbname").arg(named);
}

/// All data is in the file: for its owner alone.
fn restrict(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot restrict {}", file.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    finish(command).map(|_| ())
}

/// What the program says on standard output.
fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    finish(command.stdout(Stdio::piped()))
}

fn finish(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot run {program}"))?;
    let done = child.wait_with_output()?;
    if !done.status.success() {
        // The arguments are left out: the URL may hold a password.
        bail!("{program} failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(done.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_of_a_backup_are_those_of_its_partitions() {
        let contents = "229; 1259 16581 TABLE public api_audit_logs_2026_11 bwp\n\
            3405; 0 0 TABLE ATTACH public api_audit_logs_2026_02 bwp\n\
            3300; 2606 16588 CONSTRAINT public api_audit_logs_2026_11 api_audit_logs_2026_11_pkey bwp\n\
            228; 1259 16573 TABLE public api_audit_logs bwp\n231; 0 0 SEQUENCE public api_audit_log_ids bwp\n";
        let months: Vec<_> = audit_months(contents).iter().map(ToString::to_string).collect();
        assert_eq!(months, ["2026-02-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"]);
    }
}
