//! A Redis server for tests: one of the test's own, in a folder of its own.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use bwp_tls::testing::Issued;
use tempfile::TempDir;

/// A running Redis on a unix socket, and with TLS on the network if it was told so. Killed when dropped. Every method panics where it cannot do what it says.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    child: Option<Child>,
    /// Where it speaks TLS, if it does.
    tls_port: Option<u16>,
}

/// The programs that will do.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

#[expect(clippy::expect_used, reason = "a test without its server has failed")]
#[expect(clippy::missing_panics_doc, reason = "said once, at the type")]
impl RedisServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("redis").tempdir().expect("a folder");
        let mut server = Self { folder, child: None, tls_port: None };
        server.start_again();
        server
    }

    /// Starts one that speaks TLS on 127.0.0.1 as well, with this certificate.
    pub fn start_with_tls(certificate: &Issued) -> Self {
        let folder = tempfile::Builder::new().prefix("redis").tempdir().expect("a folder");
        certificate.write(folder.path(), "server");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let mut server = Self { folder, child: None, tls_port: Some(port) };
        server.start_again();
        server
    }

    /// The folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it speaks TLS, under this name for 127.0.0.1.
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://{host}:{}", self.tls_port.expect("it speaks TLS"))
    }

    /// Starts it again after [`kill`](Self::kill), with nothing in it, at the same place.
    pub fn start_again(&mut self) {
        let child = PROGRAMS.iter().find_map(|program| {
            Command::new(program)
                .args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no", "--unixsocket"])
                .arg(self.socket())
                .args(self.tls_arguments())
                .current_dir(self.folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .ok()
        });
        self.child = Some(child.expect("redis-server is installed; scripts/test installs it"));
        let client = redis::Client::open(self.url()).expect("a URL");
        for _ in 0..6_000 {
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

    fn tls_arguments(&self) -> Vec<String> {
        let Some(port) = self.tls_port else { return Vec::new() };
        let port =
            format!("--tls-port {port} --tls-cert-file server.crt --tls-key-file server.key --tls-auth-clients no");
        port.split(' ').map(str::to_owned).collect()
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
