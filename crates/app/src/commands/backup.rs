//! `bwp backup` and `bwp restore`: `pg_dump`, `pg_restore` and `psql` underneath.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal, Write},
    os::{fd::AsFd, unix::ffi::OsStringExt},
    path::Path,
    process::{self, Child, Command, Stdio},
};

use anyhow::{Context, bail};
use bwp_domain::tenants::ports::TenantDirectory;
use bwp_embedded::files::{FileError, NewFile};
use bwp_postgres::ForLibpq;
use serde_json::json;

use crate::{
    cli::{BackupArgs, DatabaseArgs, RestoreArgs},
    commands::STANDARD,
    database::{Database, Needs, with_database},
    output::Output,
    serve::stop::StopSignals,
    system::unguessable,
};

pub(crate) async fn backup(args: &DatabaseArgs, backup: &BackupArgs, output: Output) -> anyhow::Result<()> {
    const WARNING: &str = "It holds all data: keep it as safe as the database.";
    if backup.file == Path::new(STANDARD) {
        if io::stdout().is_terminal() {
            bail!("a backup is no text for a terminal: name a file, or pass it on (bwp backup - | …)");
        }
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        dump(args, &out).await?;
        if out.metadata()?.is_file() {
            out.sync_all().context("cannot write standard output")?;
        }
        // Nothing but the backup goes there.
        output.print_to(&mut io::stderr().lock(), &json!({ "file": STANDARD }), || {
            format!("Wrote the backup to standard output. {WARNING}")
        })?;
        return Ok(());
    }
    // Made before all else: what is wrong with it is found now, and not when all data has been read.
    let new = create(&backup.file)?;
    dump(args, new.file()).await?;
    new.publish()?;
    let file = backup.file.display().to_string();
    output.print(&json!({ "file": file }), || format!("Wrote {file}. {WARNING}"))?;
    Ok(())
}

/// A draft of a name of its own: nobody can lie in wait there, and two backups at once are not in each other's way.
fn create(file: &Path) -> anyhow::Result<NewFile> {
    NewFile::create(file, &unguessable("partial")).map_err(|error| match error {
        FileError::Unfit { path, what } => anyhow::anyhow!(
            "cannot write {}: it is {what}, which a backup does not replace. Name a file; to write into what lies there, say \
             `bwp backup - > {}`",
            path.display(),
            path.display()
        ),
        other => other.into(),
    })
}

pub(crate) async fn restore(args: &DatabaseArgs, restore: &RestoreArgs, output: Output) -> anyhow::Result<()> {
    // Opened before a database is made for it.
    let (input, file) = open(&restore.file)?;
    with_database(args, Needs::Everything, async |database| {
        refuse_pooler(database).await?;
        if !restore.overwrite && !database.store()?.list().await?.is_empty() {
            bail!("the database holds tenants: restore into an empty one, or add --overwrite to throw them away");
        }
        read(database, input)?;
        // A backup of an older version brings its older schema.
        bwp_postgres::migrate(database.url()).await?;
        Ok(())
    })
    .await?;
    output.print(&json!({ "restored": restore.file.display().to_string() }), || format!("Restored {file}."))?;
    Ok(())
}

/// What to restore from, and what it is called. A FIFO is waited for, and a link followed, as by every program that reads.
fn open(file: &Path) -> anyhow::Result<(Stdio, String)> {
    if file == Path::new(STANDARD) {
        if io::stdin().is_terminal() {
            bail!("a backup is not typed at a terminal: name a file, or pass one on (bwp restore - < FILE)");
        }
        return Ok((Stdio::inherit(), "from standard input".to_owned()));
    }
    let name = file.display().to_string();
    let open = File::open(file).with_context(|| format!("cannot read {name}"))?;
    if open.metadata()?.is_dir() {
        bail!("cannot read {name}: it is a folder; name a file that `bwp backup` wrote");
    }
    Ok((open.into(), name))
}

/// The programs of PostgreSQL set what they need for their session, an empty `search_path` among it. A pooler would hand that
/// on to whoever has the session next.
async fn refuse_pooler(database: &Database) -> anyhow::Result<()> {
    if database.store()?.is_pooled().await? {
        bail!("there is a pooler between this and PostgreSQL: name PostgreSQL itself in DATABASE_URL");
    }
    Ok(())
}

/// Has `pg_dump` write all data to `out`. A signal ends it, and not this process, which has things to remove and to stop.
async fn dump(args: &DatabaseArgs, out: &File) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    with_database(args, Needs::Data, async |database| {
        refuse_pooler(database).await?;
        let mut command = database.tool("pg_dump")?;
        command.args(["--format=custom", "--no-owner", "--no-privileges"]);
        connect(&mut command, database.url())?;
        command.stdout(out.try_clone()?).stderr(Stdio::piped());
        let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().context("cannot run pg_dump")?;
        tokio::select! {
            done = child.wait_with_output() => check("pg_dump", &done?),
            () = signals.next() => bail!("ended by a signal: there is no backup"),
        }
    })
    .await
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
fn read(database: &Database, input: Stdio) -> anyhow::Result<()> {
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

fn start(command: &mut Command) -> anyhow::Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot run {program}"))
}

fn check(program: &str, done: &process::Output) -> anyhow::Result<()> {
    if !done.status.success() {
        // The arguments are left out: the URL may hold a password.
        match String::from_utf8_lossy(&done.stderr).trim() {
            "" => bail!("{program} failed: {}", done.status),
            said => bail!("{program} failed: {said}"),
        }
    }
    Ok(())
}
