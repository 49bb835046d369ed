//! A Redis server for tests: one of the test's own, in a folder of its own.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use tempfile::TempDir;

/// A running Redis on a unix socket. Killed when dropped. Every method panics where it cannot do what it says.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    child: Option<Child>,
}

/// The programs that will do.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

#[expect(clippy::expect_used, reason = "a test without its server has failed")]
#[expect(clippy::missing_panics_doc, reason = "said once, at the type")]
impl RedisServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("redis").tempdir().expect("a folder");
        let mut server = Self { folder, child: None };
        server.start_again();
        server
    }

    /// Starts it again after [`kill`](Self::kill), with nothing in it, at the same place.
    pub fn start_again(&mut self) {
        let child = PROGRAMS.iter().find_map(|program| {
            Command::new(program)
                .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no", "--unixsocket"])
                .arg(self.socket())
                .current_dir(self.folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        });
        self.child = Some(child.expect("redis-server is installed; scripts/test installs it"));
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..1_000 {
            let answers = |mut connection: redis::Connection| redis::cmd("PING").query::<String>(&mut connection);
            if client.get_connection().and_then(answers).is_ok() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Kills it as `kill -9` does. What it held is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// Makes it stop in its tracks: it takes connections and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Runs a command on it, and gives what it answers.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection =
            redis::Client::open(self.url()).and_then(|client| client.get_connection()).expect("a link");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection).expect("an answer")
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
