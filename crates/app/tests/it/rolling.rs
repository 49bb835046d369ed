//! Nodes behind a proxy are restarted one after the other, and no client notices.
//!
//! `BWP_TEST_ROLLING_SECONDS` says for how long.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::support::{Client, Load, Outcome, PATIENCE, Server, Sql, World, contact, run_bwp, setting};

/// When nginx takes a node for dead, and for how long: as in `deploy/nginx/nginx.conf`.
const FAILURE: &str = "max_fails=3 fail_timeout=1s";

const NODES: usize = 3;
const CLIENTS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_behind_a_proxy_are_restarted_without_a_failed_request() {
    let World { server, database, tenant } = World::start().await;
    let url = database.url();
    let mut nodes = vec![server];
    while nodes.len() < NODES {
        nodes.push(Server::start(&url, &[]).await);
    }
    let create = ["--json", "--database-url", &url, "key", "create", "--tenant", &tenant, "--name", "load"];
    let scopes = ["--rate-limit", "0", "--scope", "contacts:read", "--scope", "contacts:write"];
    let key = run_bwp(&[&create[..], &scopes].concat()).await;
    let key = key["key"].as_str().expect("a key");
    let Some(proxy) = Nginx::start(&nodes).await else {
        assert!(std::env::var("CI").is_err(), "nginx is missing");
        println!("nginx is missing: nothing was tested");
        return;
    };
    let client = Client::at_url(&proxy.url, key);
    let made = client.post("/contacts", &contact("read")).await;
    let path = format!("/contacts/{}", made.data(201)["id"]);

    let long = Duration::from_secs(setting("BWP_TEST_ROLLING_SECONDS", 8));
    let load = Load::start(&client, CLIENTS, &path);
    let mut restarts = 0;
    while restarts < NODES || load.elapsed() < long || load.number() < 200 {
        // Until nginx takes the last one for alive again.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let node = &mut nodes[restarts % NODES];
        let address = node.url.trim_start_matches("http://").to_owned();
        let ended = node.stop().await;
        assert!(ended.success(), "{ended}: {}", node.log());
        *node = Server::start(&url, &["--listen", &address]).await;
        restarts += 1;
    }
    let requests = load.stop().await;
    println!("{} requests during {restarts} restarts", requests.len());

    let failed: Vec<_> = requests.iter().filter(|request| request.outcome != Outcome::Done).collect();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}\n{}", failed.len(), requests.len(), proxy.log());

    // Each request that was answered is in the audit log, once, though every node was stopped: the load's, and the one
    // before it.
    let mut sql = Sql::connect(&url).await;
    let answered = i64::try_from(requests.len() + 1).expect("not that many");
    let began = Instant::now();
    loop {
        let recorded = sql.number("SELECT count(*) FROM api_audit_logs WHERE status < 400").await;
        if recorded == answered && began.elapsed() > Duration::from_secs(1) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{recorded} entries of {answered} requests");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What the proxy sent twice was done once.
    let rows = Sql::connect(&url).await.rows("SELECT company_name AS name, id AS number FROM contacts").await;
    let names: BTreeSet<_> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "some contacts were made twice");
    let written = requests.iter().filter_map(|request| request.wrote.as_deref());
    assert!(written.clone().all(|name| names.contains(name)));
    assert_eq!(written.count() + 1, rows.len());
}

/// The program, where it is installed.
pub(crate) fn nginx() -> Option<&'static str> {
    ["/usr/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).exists())
}

/// nginx with the rules that `deploy/` has for it.
pub(crate) struct Nginx {
    _process: Child,
    pub(crate) url: String,
    folder: TempDir,
}

impl Nginx {
    /// Starts it in front of the nodes. `None` if it is not installed.
    pub(crate) async fn start(nodes: &[Server]) -> Option<Self> {
        let program = nginx()?;
        let folder = tempfile::tempdir().expect("a folder");
        // Free a moment ago; nobody else asks for it in between.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let addresses: Vec<_> = nodes.iter().map(|node| node.url.trim_start_matches("http://")).collect();
        let servers = format!("server {} {FAILURE};", addresses.join(&format!(" {FAILURE};\nserver ")));
        let rules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nginx");
        let place = folder.path().display();
        let configuration = format!(
            "daemon off;
            master_process off;
            pid {place}/pid;
            error_log {place}/log info;
            events {{ worker_connections 512; }}
            http {{
                access_log off;
                client_body_temp_path {place}/body;
                proxy_temp_path {place}/proxy;
                fastcgi_temp_path {place}/fastcgi;
                uwsgi_temp_path {place}/uwsgi;
                scgi_temp_path {place}/scgi;
                include {rules}/resend.conf;
                include {rules}/limits.conf;
                upstream bwp {{
                    {servers}
                    include {rules}/keepalive.conf;
                }}
                server {{
                    listen 127.0.0.1:{port};
                    include {rules}/locations.conf;
                }}
            }}",
            rules = rules.display(),
        );
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, configuration).expect("writable");
        let process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-e")
            .arg(folder.path().join("log"))
            .arg("-c")
            .arg(path)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts");
        let nginx = Self { _process: process, url: format!("http://127.0.0.1:{port}"), folder };
        for _ in 0..3_000 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(nginx);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nginx does not listen:\n{}", nginx.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}
