//! Data folders that clean up after themselves, and a second process that uses one.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses a part of this")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use bwp_embedded::{Cluster, Durability, EmbeddedError, Options};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The variable that turns a test program into a user of the folder that it names.
const HOLD: &str = "BWP_EMBEDDED_TEST_HOLD";

/// A data folder. Dropping it ends whatever runs there and removes it.
pub(crate) struct Scratch {
    base: tempfile::TempDir,
    data_dir: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self::named("data")
    }

    /// With a name for the data folder, or a path of several names.
    pub(crate) fn named(name: impl AsRef<OsStr>) -> Self {
        let base = tempfile::Builder::new().prefix("bwp").tempdir_in("/tmp").unwrap();
        // The server's user passes through here.
        set_mode(base.path(), 0o755);
        let data_dir = base.path().join(name.as_ref());
        Self { base, data_dir }
    }

    pub(crate) fn base(&self) -> &Path {
        self.base.path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn open(&self) -> Cluster {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Cluster, EmbeddedError> {
        Cluster::open(&self.data_dir, &quick())
    }

    /// The cluster's folder, wherever it is.
    pub(crate) fn root(&self) -> PathBuf {
        match fs::read(self.data_dir.join("postgres.location")) {
            Ok(line) => PathBuf::from(OsStr::from_bytes(line.trim_ascii_end())),
            Err(_) => self.data_dir.join("postgres"),
        }
    }

    pub(crate) fn pgdata(&self) -> PathBuf {
        self.root().join("data")
    }

    /// The number of the server's process, as it wrote it down.
    pub(crate) fn recorded_pid(&self) -> Option<i32> {
        fs::read_to_string(self.pgdata().join("postmaster.pid")).ok()?.lines().next()?.parse().ok()
    }

    /// All processes that work in the cluster's folder: the server and its children.
    pub(crate) fn server_processes(&self) -> Vec<i32> {
        let Ok(pgdata) = fs::canonicalize(self.pgdata()) else { return Vec::new() };
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    pub(crate) fn kill_server(&self) {
        for pid in self.server_processes() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        eventually("the server's processes are gone", || self.server_processes().is_empty());
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for pid in self.server_processes() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let log = fs::read_to_string(self.data_dir.join("postgres.log")).unwrap_or_default();
        for line in log.lines() {
            // Only what the server itself said it made.
            if let Some((_, socket)) = line.split_once("listening on Unix socket \"/tmp/bwp-") {
                let _ = fs::remove_dir_all(format!("/tmp/bwp-{}", &socket[..16]));
            }
        }
        let root = self.root();
        if root.parent() == Some(Path::new("/var/lib/bwp")) {
            let _ = fs::remove_dir_all(root);
            // Stays if another test still has a cluster there.
            let _ = fs::remove_dir("/var/lib/bwp");
        }
    }
}

/// Options for clusters that are thrown away.
pub(crate) fn quick() -> Options {
    Options { durability: Durability::None, ..Options::default() }
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs statements with the cluster's own `psql`; returns the rows.
pub(crate) fn sql(cluster: &Cluster, statements: &str) -> String {
    let output = try_sql(cluster, statements);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn try_sql(cluster: &Cluster, statements: &str) -> std::process::Output {
    cluster
        .tool("psql")
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statements, "-d", &cluster.url("bwp")])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_mins(1), "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Another process that uses a cluster: this test program, run again for its test `hold_a_cluster`.
pub(crate) struct Holder {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Holder {
    /// Starts the process without waiting for it to open the cluster.
    pub(crate) fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hold_a_cluster", "--nocapture", "--test-threads=1"])
            .env(HOLD, data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (say, said) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some(word) = line.strip_prefix("holder: ") {
                    let _ = say.send(word.to_owned());
                }
            }
        });
        Self { stdin: child.stdin.take(), child, said }
    }

    pub(crate) fn open(data_dir: &Path) -> Self {
        let holder = Self::start(data_dir);
        holder.expect("open");
        holder
    }

    pub(crate) fn expect(&self, word: &str) {
        assert_eq!(self.said.recv_timeout(Duration::from_mins(1)).unwrap(), word);
    }

    /// Lets it close the cluster, and waits until it has ended.
    pub(crate) fn close(mut self) {
        drop(self.stdin.take());
        self.expect("closed");
        assert!(self.child.wait().unwrap().success());
    }

    /// Ends it with no chance to clean up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other process's part; does nothing in an ordinary run.
pub(crate) fn hold() {
    let Some(data_dir) = std::env::var_os(HOLD) else { return };
    let say = |word: &str| {
        let mut stdout = std::io::stdout();
        write!(stdout, "\nholder: {word}\n").and_then(|()| stdout.flush()).unwrap();
    };
    match Cluster::open(Path::new(&data_dir), &quick()) {
        Ok(cluster) => {
            say("open");
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
            cluster.close().unwrap();
            say("closed");
        }
        Err(error) => say(&format!("failed: {error}")),
    }
}

/// The user and group that own a file.
pub(crate) fn owner(path: &Path) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    (metadata.uid(), metadata.gid())
}
