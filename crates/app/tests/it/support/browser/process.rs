//! `ChromeDriver` and the Chromium that it starts.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver, session::handle::SessionHandle};

/// What Chromium is started with: nothing that asks anybody but the server under test.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    // Containers have little of what it would use.
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// A `ChromeDriver` with one browser. Both are ended when it is dropped.
pub(super) struct Process {
    driver: Child,
    port: u16,
    /// The browser's process id.
    browser: Option<u64>,
    profile: TempDir,
}

impl Process {
    pub(super) async fn start() -> (Self, Arc<SessionHandle>) {
        let profile = tempfile::Builder::new().prefix("browser").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver runs (scripts/test installs it)");
        let said = BufReader::new(driver.stdout.take().expect("piped"));
        let mut process = Self { driver, port: 0, browser: None, profile: profile.expect("a folder") };
        let port = |line: String| line.split_once("on port ")?.1.trim_end_matches('.').parse().ok();
        process.port = said.lines().map_while(Result::ok).filter_map(port).find(|port| *port != 0).expect("a port");

        let url = format!("http://127.0.0.1:{}", process.port);
        let session = WebDriver::new(url, process.capabilities()).await.expect("Chromium starts");
        process.browser = session.handle().capabilities().get("goog:processID").and_then(serde_json::Value::as_u64);
        let handle = Arc::clone(session.handle());
        // Its end is ours to bring about.
        session.leak().expect("it has not ended");
        (process, handle)
    }

    fn capabilities(&self) -> Capabilities {
        let folder = self.profile.path();
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", folder.display()));
        // Chromium refuses to work as root with its sandbox.
        if folder.metadata().expect("a folder").uid() == 0 {
            arguments.push("--no-sandbox".to_owned());
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "WARNING" },
            "timeouts": { "pageLoad": 60_000, "script": 60_000 },
        });
        serde_json::from_value(capabilities).expect("an object")
    }

    /// Ends the browser, and gives the files of its profile.
    pub(super) fn end(mut self) -> Vec<(PathBuf, Vec<u8>)> {
        self.stop();
        let mut files = Vec::new();
        read_all(self.profile.path(), &mut files);
        files
    }

    fn stop(&mut self) {
        // Asked like this, it ends its browser first.
        if let Ok(mut connection) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = connection.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n");
            for _ in 0..1_000 {
                if matches!(self.driver.try_wait(), Ok(Some(_))) {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if let Some(browser) = self.browser {
            let _ = Command::new("kill").args(["-9", &browser.to_string()]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.driver.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// The files in a folder and below it. What cannot be read is left out: sockets and the like.
fn read_all(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            read_all(&path, files);
        } else if let Ok(content) = std::fs::read(&path) {
            files.push((path, content));
        }
    }
}
