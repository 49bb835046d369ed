//! Starting, joining and stopping the server of a cluster. The caller holds the start lock.

use std::{
    io,
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    EmbeddedError, Installation, Options,
    account::Account,
    error::IoContext,
    folder,
    layout::{Layout, socket_path},
    log::{self, Log},
    postmaster::Record,
    settings,
};

/// How long a server may take to become ready or to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long to wait for what a killed server left running.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(10);

/// What the server says when processes of one that was killed still use the cluster's shared memory.
const ORPHANS_REMAIN: &str = "pre-existing shared memory block";

/// Joins the server if one runs, else starts one; returns the folder of its socket.
pub(crate) fn run(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    options: &Options,
) -> Result<PathBuf, EmbeddedError> {
    loop {
        if let Some(socket_dir) = join(layout, account)? {
            return Ok(socket_dir);
        }
        if start(layout, account, installation, options)? {
            return Ok(layout.socket_dir.clone());
        }
    }
}

/// Joins the server if one runs. Waits for one that is starting (its starter was killed) or stopping (somebody signalled
/// it).
fn join(layout: &Layout, account: &Account) -> Result<Option<PathBuf>, EmbeddedError> {
    let began = Instant::now();
    let pgdata = layout.pgdata();
    while let Some(record) = Record::read(&pgdata)? {
        let socket_dir = socket_dir_of(&record, layout);
        let alive = record.is_true(&pgdata);
        // In another container on the same folder the process has no number here, but its socket answers.
        if (alive && record.ready) || (!alive && UnixStream::connect(socket_path(&socket_dir)).is_ok()) {
            folder::check_private(&socket_dir, account)?;
            tracing::debug!(pid = record.pid, cluster = %pgdata.display(), "joined the running PostgreSQL");
            return Ok(Some(socket_dir));
        }
        if !alive {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(start_timeout(layout.log(), log::tail_of_file(&layout.log(), 0)));
        }
        thread::sleep(POLL);
    }
    Ok(None)
}

/// Stops the server, if one runs: open transactions are rolled back, and the data is written out.
pub(crate) fn stop(layout: &Layout) -> Result<(), EmbeddedError> {
    let pgdata = layout.pgdata();
    let Some(record) = Record::read(&pgdata)?.filter(|record| record.is_true(&pgdata)) else { return Ok(()) };
    let began = Instant::now();
    // SIGINT asks for a "fast" shutdown (PostgreSQL manual, 19.5 "Shutting Down the Server"). An error means that the
    // process has gone meanwhile, or is not ours: the loop tells which.
    if let Err(error) = kill(Pid::from_raw(record.pid), Signal::SIGINT) {
        tracing::debug!(pid = record.pid, %error, "PostgreSQL could not be signalled");
    }
    while record.is_true(&pgdata) {
        if began.elapsed() > PATIENCE {
            return Err(EmbeddedError::StopTimeout { pid: record.pid, seconds: PATIENCE.as_secs(), log: layout.log() });
        }
        thread::sleep(POLL);
    }
    if layout.socket_is_elsewhere() {
        // It stays if something else lies in it, and then does no harm.
        let _ = std::fs::remove_dir(&layout.socket_dir);
    }
    tracing::info!(pid = record.pid, took = ?began.elapsed(), "PostgreSQL stopped");
    Ok(())
}

/// The folder that a running server put its socket in. It said so itself, but with a path that a move of the data folder
/// outdates.
fn socket_dir_of(record: &Record, layout: &Layout) -> PathBuf {
    record
        .socket_dir
        .as_ref()
        .filter(|folder| socket_path(folder).symlink_metadata().is_ok())
        .unwrap_or(&layout.socket_dir)
        .clone()
}

/// Starts a server. Returns whether it runs; if not, another one was quicker.
fn start(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    options: &Options,
) -> Result<bool, EmbeddedError> {
    folder::make_private(&layout.socket_dir, account)?;
    Record::remove_obstacles(&layout.pgdata(), &socket_path(&layout.socket_dir))?;
    let began = Instant::now();
    loop {
        let log = Log::open(&layout.log())?;
        let server = spawn(layout, account, installation, options, &log)?;
        let Some(status) = wait_until_ready(&server, &layout.pgdata(), &log)? else {
            tracing::info!(
                pid = server.pid,
                version = %installation.version,
                cluster = %layout.pgdata().display(),
                took = ?began.elapsed(),
                "PostgreSQL started"
            );
            return Ok(true);
        };
        // A process may be killed just after it started a server, which then has no record yet, but soon.
        if Record::read(&layout.pgdata())?.is_some_and(|record| record.is_true(&layout.pgdata())) {
            return Ok(false);
        }
        let tail = log.tail();
        if !tail.contains(ORPHANS_REMAIN) || began.elapsed() > ORPHAN_PATIENCE {
            return Err(EmbeddedError::Start { status, log: log.path, tail });
        }
        tracing::debug!("processes of the PostgreSQL before still run; trying again");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A server that this process started.
struct Server {
    pid: i32,
    /// Set when it has ended.
    ended: Arc<OnceLock<ExitStatus>>,
}

fn spawn(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    options: &Options,
    log: &Log,
) -> Result<Server, EmbeddedError> {
    let program = installation.program("postgres");
    let output = || log.file.try_clone().context("open", &log.path);
    let child = account
        .command(&program)
        .arg("-D")
        .arg(layout.pgdata())
        .args(settings::arguments(options, &layout.socket_dir))
        .stdout(output()?)
        .stderr(output()?)
        // Ctrl-C in a terminal goes to the whole foreground group. The server is stopped in its turn, by its last user.
        .process_group(0)
        .spawn()
        .map_err(|error| EmbeddedError::Program {
            program: format!("{} as user {}", program.display(), account.name()),
            failure: error.to_string(),
            output: ". Check that this user may run it, or use --database-url.".to_owned(),
        })?;
    // The number fits: it is a `pid_t`, which the standard library shows as unsigned.
    let pid = child.id().cast_signed();
    let ended = Arc::new(OnceLock::new());
    reap(child, Arc::clone(&ended)).context("start a thread for", program)?;
    Ok(Server { pid, ended })
}

/// Waits, in a thread of its own, for the server to end, so that no zombie remains whoever stops it.
fn reap(mut child: Child, ended: Arc<OnceLock<ExitStatus>>) -> io::Result<()> {
    thread::Builder::new().name("postgres-reaper".to_owned()).spawn(move || match child.wait() {
        Ok(status) => {
            tracing::debug!(pid = child.id(), %status, "PostgreSQL ended");
            // It is set here alone, so it cannot be set already.
            let _ = ended.set(status);
        }
        Err(error) => tracing::warn!(pid = child.id(), %error, "PostgreSQL could not be waited for"),
    })?;
    Ok(())
}

/// Waits until the server accepts connections. Returns how it ended if it did that instead.
fn wait_until_ready(server: &Server, pgdata: &Path, log: &Log) -> Result<Option<ExitStatus>, EmbeddedError> {
    let began = Instant::now();
    loop {
        if Record::read(pgdata)?.is_some_and(|record| record.pid == server.pid && record.ready) {
            return Ok(None);
        }
        if let Some(status) = server.ended.get() {
            return Ok(Some(*status));
        }
        if began.elapsed() > PATIENCE {
            return Err(start_timeout(log.path.clone(), log.tail()));
        }
        thread::sleep(POLL);
    }
}

fn start_timeout(log: PathBuf, tail: String) -> EmbeddedError {
    EmbeddedError::StartTimeout { seconds: PATIENCE.as_secs(), log, tail }
}
