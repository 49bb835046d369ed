//! TLS to PostgreSQL and Redis, from every command.

use std::{path::Path, process::Output};

use bwp_postgres::testing::{Role, TlsServer};
use bwp_redis::testing::RedisServer;
use bwp_tls::testing::Authority;

use crate::support::{Server, World, bwp, send};

/// Runs a command on a machine that trusts the authority in this file.
async fn run(authority: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = bwp();
    command.env("SSL_CERT_FILE", authority).env("DATABASE_URL", url).args(arguments);
    command.output().await.expect("bwp runs")
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[tokio::test]
async fn every_command_and_the_server_speak_tls() {
    let mut server = TlsServer::new().await;
    server.start(Some(&server.authority.issue(&["localhost"]))).await;
    let authority = server.authority_file();
    // The server lets this one in with TLS alone: nothing that went another way would get anywhere.
    let url = server.url(Role::Encrypted, "?sslmode=verify-full");
    let file = server.folder.path().join("all.dump").display().to_string();
    for arguments in [
        &["migrate"][..],
        &["tenant", "create", "--name", "Byron Masonry"],
        &["tenant", "list"],
        // These are PostgreSQL's own programs underneath.
        &["backup", &file],
        &["restore", &file, "--overwrite"],
    ] {
        let done = run(&authority, &url, arguments).await;
        assert!(done.status.success(), "{arguments:?}: {}", said(&done));
    }
    let named = format!("?sslmode=verify-full&sslrootcert={}", authority.display());
    let node = Server::start(&server.url(Role::Encrypted, &named), &[]).await;
    let ready = send(reqwest::Client::new().get(format!("{}/readyz", node.url))).await;
    assert_eq!(ready.status, 200);
    assert_eq!(server.encrypted(Role::Encrypted).await, Some(true), "and each of its connections");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do_and_without_the_password() {
    let mut server = TlsServer::new().await;
    let (authority, strangers) = (server.authority_file(), Authority::new().file(server.folder.path(), "other.pem"));
    server.start(Some(&server.authority.issue(&["db.example.com"]))).await;
    let url = |parameters| server.url(Role::Encrypted, parameters);
    for (trusted, url, expected) in [
        (
            &authority,
            url("?sslmode=verify-full"),
            "is not for localhost but for db.example.com: call the server by a name",
        ),
        (&strangers, url("?sslmode=verify-full"), "name the file with its authority, sslrootcert="),
        (&strangers, url("?sslmode=verify-ca"), "name its file, sslrootcert="),
        (&strangers, url("?sslmode=yes"), "DATABASE_URL: sslmode=yes is not known: say disable, prefer"),
    ] {
        for arguments in [&["tenant", "list"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let done = run(trusted, &url, arguments).await;
            let said = said(&done);
            assert!(!done.status.success() && said.contains(expected) && !said.contains("secret"), "{url}: {said}");
        }
    }
}

#[tokio::test]
async fn why_redis_is_not_believed_is_in_the_log() {
    let authority = Authority::new();
    let redis = RedisServer::start_with_tls(&authority.issue(&["redis.example.com"]));
    let ours = authority.file(redis.folder(), "ca.pem").display().to_string();
    for (url, expected) in [
        (redis.tls_url("localhost"), "signed by no authority that is trusted"),
        (
            format!("{}?sslrootcert={ours}", redis.tls_url("localhost")),
            "is not for localhost but for redis.example.com",
        ),
    ] {
        let world = World::start_with(&["--redis-url", &url]).await;
        let log = world.server.log();
        assert!(log.contains("Redis is not there") && log.contains(expected), "{log}");
    }
}
