//! `bwp backup` and `bwp restore`: `pg_dump`, `pg_restore` and `psql` underneath.

use std::{
    ffi::OsString,
    fs::File,
    io::Write,
    os::unix::{ffi::OsStringExt, fs::OpenOptionsExt},
    path::Path,
    process::{self, Child, Command, Stdio},
};

use anyhow::{Context, bail};
use bwp_domain::tenants::ports::TenantDirectory;
use bwp_postgres::ForLibpq;
use serde_json::json;

use crate::{
    cli::{BackupArgs, DatabaseArgs, RestoreArgs},
    database::{Database, Needs, with_database},
    output::Output,
};

pub(crate) async fn backup(args: &DatabaseArgs, backup: &BackupArgs, output: Output) -> anyhow::Result<()> {
    // Found now, and not when all data has been written.
    if backup.file.is_dir() {
        bail!("cannot write {}: it is a folder; name a file in it", backup.file.display());
    }
    with_database(args, Needs::Data, async |database| {
        refuse_pooler(database).await?;
        dump(database, &backup.file)
    })
    .await?;
    let file = backup.file.display().to_string();
    output.print(&json!({ "file": file }), || {
        format!("Wrote {file}. It holds all data: keep it as safe as the database.")
    })?;
    Ok(())
}

pub(crate) async fn restore(args: &DatabaseArgs, restore: &RestoreArgs, output: Output) -> anyhow::Result<()> {
    with_database(args, Needs::Everything, async |database| {
        refuse_pooler(database).await?;
        if !restore.overwrite && !database.store()?.list().await?.is_empty() {
            bail!("the database holds tenants: restore into an empty one, or add --overwrite to throw them away");
        }
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

/// The programs of PostgreSQL set what they need for their session, an empty `search_path` among it. A pooler would hand that
/// on to whoever has the session next.
async fn refuse_pooler(database: &Database) -> anyhow::Result<()> {
    if database.store()?.is_pooled().await? {
        bail!("there is a pooler between this and PostgreSQL: name PostgreSQL itself in DATABASE_URL");
    }
    Ok(())
}

fn dump(database: &Database, file: &Path) -> anyhow::Result<()> {
    // A file of its own until it is whole: a backup that failed never looks like one that did not.
    let partial = file.with_added_extension("partial");
    let out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
    let out = out.with_context(|| format!("cannot write {}", partial.display()))?;
    let written = write(database, &out, &partial)
        .and_then(|()| std::fs::rename(&partial, file).with_context(|| format!("cannot write {}", file.display())));
    written.inspect_err(|_| {
        // It may hold all data, and nobody looks for it.
        let _ = std::fs::remove_file(&partial);
    })
}

fn write(database: &Database, out: &File, path: &Path) -> anyhow::Result<()> {
    restrict(path)?;
    let mut command = database.tool("pg_dump")?;
    command.args(["--format=custom", "--no-owner", "--no-privileges"]);
    connect(&mut command, database.url())?;
    run(command.stdout(out.try_clone()?))?;
    out.sync_all().with_context(|| format!("cannot write {}", path.display()))
}

/// What a script begins with. All that this version's steps have made is thrown away first. `pg_restore --clean` cannot do
/// without: it drops what is in the backup, and fails where something newer hangs on that; and a step that made something
/// newer is taken again afterwards. It passes over what is not there any more.
fn begin() -> String {
    format!("SET client_min_messages = warning; BEGIN;\n{}", bwp_postgres::drop_everything())
}

/// What it ends with. Nobody is signed in by a session that may have been ended since. A backup from before there were sessions
/// has none.
const END: &[u8] =
    b"DO $$ BEGIN IF to_regclass('public.sessions') IS NOT NULL THEN DELETE FROM public.sessions; END IF; END $$;
    COMMIT;\n";

/// Has `pg_restore` write a script and `psql` run it, in one transaction that is committed when the script is whole.
fn read(database: &Database, file: &Path) -> anyhow::Result<()> {
    let input = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut command = database.tool("pg_restore")?;
    command.args(["--clean", "--if-exists", "--no-owner", "--no-privileges", "--file=-"]);
    let mut reader = start(command.stdin(input).stdout(Stdio::piped()))?;
    let mut command = database.tool("psql")?;
    command.args(["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]);
    connect(&mut command, database.url())?;
    let mut writer = start(command.stdin(Stdio::piped()))?;
    let (Some(mut script), Some(mut sink)) = (reader.stdout.take(), writer.stdin.take()) else {
        bail!("the programs of PostgreSQL were started without their pipes");
    };
    let copied = sink.write_all(begin().as_bytes()).and_then(|()| std::io::copy(&mut script, &mut sink));
    drop(script);
    let read = reader.wait_with_output()?;
    let ended = match &copied {
        Ok(_) if read.status.success() => sink.write_all(END),
        _ => Ok(()),
    };
    drop(sink);
    // If this one failed, the other had nobody to write to.
    check("psql", &writer.wait_with_output()?)?;
    check("pg_restore", &read)?;
    copied.and(ended).context("passing the backup on")
}

/// Names the database to a program of PostgreSQL. The password goes by the environment, which only the user can read: every
/// user of the machine can read arguments.
fn connect(command: &mut Command, url: &str) -> anyhow::Result<()> {
    let ForLibpq { name, password } = bwp_postgres::for_libpq(url)?;
    command.arg("--dbname").arg(name);
    if let Some(password) = password {
        command.env("PGPASSWORD", OsString::from_vec(password));
    }
    Ok(())
}

/// All data is in the file: for its owner alone.
fn restrict(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot restrict {}", file.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    check(&program, &start(command)?.wait_with_output()?)
}

fn start(command: &mut Command) -> anyhow::Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot run {program}"))
}

fn check(program: &str, done: &process::Output) -> anyhow::Result<()> {
    if !done.status.success() {
        // The arguments are left out: the URL may hold a password.
        bail!("{program} failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}
