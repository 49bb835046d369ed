//! The `bwp` binary, as a command and as a server.

use std::{
    path::PathBuf,
    process::{ExitStatus, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// What the servers of tests keep secrets with.
pub(crate) const SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The `bwp` command, to be changed before it is run.
pub(crate) fn bwp() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bwp"));
    // What the developer's shell says must not decide how tests run.
    for (name, _) in std::env::vars()
        .filter(|(name, _)| ["BWP_", "OTEL_"].iter().any(|it| name.starts_with(it)) || name == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs `bwp` with these arguments, whatever comes of it.
pub(crate) async fn attempt_bwp(arguments: &[&str]) -> Output {
    bwp().args(arguments).output().await.expect("bwp runs")
}

/// Like [`attempt_bwp`], with this on standard input.
pub(crate) async fn feed_bwp(arguments: &[&str], input: &str) -> Output {
    let piped = || Stdio::piped();
    let mut child = bwp().args(arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("bwp starts");
    // It may refuse the arguments, and read nothing.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes()).await;
    child.wait_with_output().await.expect("bwp ends")
}

/// Runs `bwp` with these arguments and gives the JSON that it printed.
pub(crate) async fn run_bwp(arguments: &[&str]) -> Value {
    let done = attempt_bwp(arguments).await;
    assert!(done.status.success(), "bwp {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("JSON on standard output")
}

/// The folder of a server's files.
const FILES: &str = "files";

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, `http://127.0.0.1:…`.
    pub(crate) url: String,
    /// What it said when it listened.
    pub(crate) ready: Value,
    folder: TempDir,
}

impl Server {
    /// Starts a server over the database at `url`, on a free port, and waits until it listens.
    pub(crate) async fn start(url: &str, arguments: &[&str]) -> Self {
        Self::start_as(&["--database-url", url], arguments).await
    }

    /// Like [`start`](Self::start), with the choice of the database left to `database`.
    pub(crate) async fn start_as(database: &[&str], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the log");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut child = bwp()
            .arg("--json")
            .args(database)
            .arg("serve")
            .env("BWP_SECRET_KEY", SECRET_KEY)
            // A test's receivers are on this machine.
            .env("BWP_WEBHOOK_ALLOW", "127.0.0.0/8")
            .args(if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] })
            .envs((!database.contains(&"--data-dir")).then(|| ("BWP_FILES", folder.path().join(FILES))))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("bwp starts");
        let stdout = child.stdout.take().expect("piped");
        let first = BufReader::new(stdout).lines().next_line().await.expect("readable");
        let mut server = Self { child, url: String::new(), ready: Value::Null, folder };
        let Some(first) = first else { panic!("the server did not start:\n{}", server.log()) };
        server.ready = serde_json::from_str(&first).expect("JSON when it listens");
        server.url = format!("http://{}", server.ready["listening"].as_str().expect("an address"));
        server
    }

    /// Where it keeps files, unless its data folder is one of the test's.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join(FILES)
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).expect("readable")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        Command::new("kill").args([&format!("-{name}"), &pid]).status().await.expect("kill runs");
    }

    /// Asks it to stop as a service manager does, and waits until it has.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.expect("it ends")
    }
}
