//! What `deploy/` promises of the services around the nodes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{rolling::nginx, support::until};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").canonicalize().expect("a folder")
}

fn read(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).expect(file)
}

/// The services of the compose file, each with its lines.
fn services() -> Vec<(String, Vec<String>)> {
    let text = read("compose.yaml");
    let lines = text.lines().skip_while(|line| *line != "services:").skip(1);
    let mut services: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let indent = line.len() - line.trim_start().len();
        match (indent, services.last_mut()) {
            (2, _) if !line.trim().starts_with('#') => services.push((line.trim().replace(':', ""), Vec::new())),
            (_, Some((_, lines))) => lines.push(line.trim().to_owned()),
            _ => {}
        }
    }
    services
}

fn service(name: &str) -> String {
    let found = services().into_iter().find(|(service, _)| service == name);
    found.unwrap_or_else(|| panic!("no service {name}")).1.join("\n")
}

#[test]
fn every_container_is_hardened_as_the_nodes_are() {
    let all = services();
    assert!(all.len() >= 10, "{all:?}");
    for (name, lines) in all {
        let is_hardened =
            ["<<: *hardened", "<<: *node", "<<: *image"].iter().any(|it| lines.iter().any(|line| line == it));
        assert!(is_hardened, "{name}: {lines:?}");
    }
    let text = read("compose.yaml");
    for begin in [
        "x-node: &node\n  <<: *image",
        "x-image: &image\n  <<: *hardened",
        "x-hardened: &hardened\n  read_only: true\n  cap_drop: [ALL]",
    ] {
        assert!(text.contains(begin), "{begin}");
    }
}

#[test]
fn redis_evicts_nothing_and_the_servers_role_is_no_superuser() {
    assert!(service("redis").contains("--maxmemory-policy, noeviction"), "{}", service("redis"));
    let postgres = service("postgres");
    assert!(
        postgres.contains("POSTGRES_USER: postgres") && postgres.contains("/create-role:/docker-entrypoint-initdb.d/")
    );
    assert!(read("postgres/create-role").contains("CREATE ROLE bwp LOGIN NOSUPERUSER"));
}

/// Whoever has the query of an invitation's address may join.
#[tokio::test]
async fn nginx_logs_no_query_not_even_where_no_node_answers() {
    let Some(program) = nginx() else {
        assert!(std::env::var("CI").is_err(), "nginx is missing");
        println!("nginx is missing: nothing was tested");
        return;
    };
    let place = tempfile::tempdir().expect("a folder");
    let at = |name: &str| place.path().join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let mut configuration = read("nginx/nginx.conf")
        .replace("include bwp/", &format!("include {}/nginx/", folder().display()))
        .replace("/tmp/nginx.pid", &at("pid"))
        .replace("/dev/stdout", &at("access"))
        .replace("/dev/stderr", &at("error"))
        .replace("listen 8080;", &format!("listen 127.0.0.1:{port};"))
        .replace("worker_rlimit_nofile 65536;", "daemon off; master_process off;");
    for node in ["172.30.0.21:8080", "172.30.0.22:8080", "172.30.0.23:8080"] {
        assert!(configuration.contains(node), "{configuration}");
        configuration = configuration.replace(node, "127.0.0.1:1");
    }
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|of| format!("{of}_temp_path {};\n", at(of))).concat();
    configuration = configuration.replace("http {", &format!("http {{\n{temporary}"));
    std::fs::write(at("nginx.conf"), configuration).expect("writable");
    let _nginx = Command::new(program)
        .args(["-p", &at(""), "-e", &at("error"), "-c", &at("nginx.conf")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nginx starts");
    let ask = async |path: &str| reqwest::get(format!("http://127.0.0.1:{port}{path}")).await;
    until("nginx listens", async || ask("/healthz").await.is_ok()).await;
    let answer = ask("/invitations?token=swordfish").await.expect("answered");
    assert_eq!(answer.status(), 502);
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    until("it is logged", async || read("access").contains("/invitations 502")).await;
    for log in ["access", "error"] {
        assert!(!read(log).contains("swordfish"), "{log}: {}", read(log));
    }
}
