//! Without a database URL: a PostgreSQL of its own in the data folder.

use std::{
    os::unix::fs::PermissionsExt,
    process::{ExitStatus, Stdio},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{has_fields, refused, text};
use crate::support::{Client, DataFolder, Person, Server, attempt_bwp, bwp, run_bwp};

async fn json(folder: &DataFolder, arguments: &[&str]) -> Value {
    let [option, path] = folder.arguments();
    run_bwp(&[&["--json", option.as_str(), path.as_str()], arguments].concat()).await
}

/// Starts a server as a service manager does, and waits until it has said its last word about the start.
async fn start(folder: &DataFolder, last: &str) -> (Child, String) {
    let mut serve = bwp();
    serve.args(folder.arguments()).args(["serve", "--listen", "127.0.0.1:0"]);
    heard(serve, last).await
}

/// Starts a server at a terminal, as a person does.
async fn start_at_a_terminal(folder: &DataFolder, last: &str) -> (Child, String) {
    let [option, path] = folder.arguments();
    let program = env!("CARGO_BIN_EXE_bwp");
    let mut script = Command::new("script");
    let line = format!("echo $$ >{path}.pid; exec {program} {option} {path} serve --listen 127.0.0.1:0 2>/dev/null");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null()).kill_on_drop(true);
    heard(script, last).await
}

async fn heard(mut command: Command, last: &str) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut said = String::new();
    while !said.contains(last) {
        let line = lines.next_line().await.expect("readable");
        said += &line.unwrap_or_else(|| panic!("it ended: {said}"));
        said.push('\n');
    }
    (child, said)
}

async fn stop(child: Child) -> ExitStatus {
    let pid = child.id().expect("it runs").to_string();
    stop_at(&pid, child).await
}

/// Stops the server of a terminal's child.
async fn stop_at(pid: &str, mut child: Child) -> ExitStatus {
    Command::new("kill").args(["-INT", pid]).status().await.expect("kill runs");
    child.wait().await.expect("it ends")
}

/// What a command line prints in a shell.
async fn shell(line: &str) -> Value {
    let done = Command::new("bash").args(["-c", line]).kill_on_drop(true).output().await.expect("bash runs");
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{line}"))
}

#[tokio::test]
async fn the_first_start_shows_once_what_to_call_with() {
    let folder = DataFolder::new();
    let (server, said) = start_at_a_terminal(&folder, "Ctrl-C").await;
    assert!(!folder.data_dir().join("first-start.txt").exists());
    let word = |start: &str| said.split_whitespace().find(|word| word.starts_with(start)).unwrap_or_default();
    let (tenant, key) = (word("tnt_").to_owned(), word("bwp_live_").to_owned());
    assert!(said.contains("http://127.0.0.1:") && said.contains("admin@localhost"), "{said}");

    let curls: Vec<&str> = said.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(curls.len(), 2, "{said}");
    let me = shell(&format!("{} -sS", curls[0])).await;
    assert_eq!(me["data"]["tenantId"], tenant);
    assert_eq!(me["data"]["scopes"], json!(["contacts:read", "contacts:write", "contacts:delete"]));
    let contact = shell(&format!("{} -sS", curls[1])).await;
    assert_eq!(contact["data"]["companyName"], "Byron Masonry");
    assert_eq!(shell(&format!("{} -sS", curls[1])).await, contact, "pasted twice, it is made once");
    // In cmd.exe ' is no quotation mark.
    assert!(curls.iter().all(|curl| !curl.contains('\'')), "{said}");
    let guide =
        said.split_whitespace().find(|word| word.contains("#on-windows")).expect("a guide").trim_end_matches(')');
    let guide = reqwest::get(guide).await.expect("answered").text().await.expect("a page");
    assert!(guide.contains("id=\"on-windows\"") && guide.contains("Invoke-RestMethod"), "{guide}");

    // And the page lets the admin in.
    let after = |label: &str| said.split_once(label).expect("there").1.split_whitespace().next().expect("a word");
    let mut admin =
        Person::at(after("1. Sign in, make keys of your own, and see what they are used for:").trim_end_matches('/'));
    let page = admin.sign_in(after("e-mail"), after("  password")).await;
    assert_eq!((page.status, page.location()), (303, "/"), "{}", page.text);
    assert!(admin.get("/settings/developer/api-keys").await.text.contains("First key"));

    // Commands work beside it.
    let tenants = json(&folder, &["tenant", "list"]).await;
    assert_eq!((tenants.as_array().map(Vec::len), &tenants[0]["publicId"]), (Some(1), &json!(tenant)));
    let listed = json(&folder, &["key", "list", "--tenant", &tenant]).await;
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["prefix"]), (Some(1), &json!(&key[..13])));
    assert!(!folder.postgres_processes().is_empty());
    let pid = std::fs::read_to_string(folder.data_dir().with_extension("pid")).expect("the server's");
    assert_eq!(stop_at(pid.trim(), server).await.to_string(), "exit status: 0");
    assert_eq!(folder.postgres_processes(), [0; 0]);

    let (server, said) = start(&folder, "ready").await;
    for secret in [key.as_str(), "bwp_live_", "password", "curl"] {
        assert!(!said.contains(secret), "{said}");
    }
    assert_eq!(stop(server).await.to_string(), "exit status: 0");
    assert_eq!(folder.postgres_processes(), [0; 0]);
}

#[tokio::test]
async fn what_may_end_in_a_log_has_no_secret_of_the_first_start() {
    let folder = DataFolder::new();
    let (server, said) = start(&folder, "remove the file").await;
    let file = folder.data_dir().join("first-start.txt");
    assert!(said.contains(file.to_str().expect("UTF-8")) && said.contains("tnt_"), "{said}");
    let kept = std::fs::read_to_string(&file).expect("readable");
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o7777, 0o600);
    let word = |start: &str| kept.split_whitespace().find(|word| word.starts_with(start)).expect("there").to_owned();
    let password =
        kept.split_once("  password").expect("there").1.split_whitespace().next().expect("a word").to_owned();
    for secret in [word("bwp_live_"), password.clone()] {
        assert!(!said.contains(&secret), "{said}");
    }
    let url = word("http://");
    let mut admin = Person::at(url.trim_end_matches('/'));
    assert_eq!(admin.sign_in("admin@localhost", &password).await.status, 303);
    let me = shell(&format!("curl -sS -H 'Authorization: Bearer {}' {url}api/v1/me", word("bwp_live_"))).await;
    assert_eq!(me["data"]["keyName"], "First key");
    assert_eq!(stop(server).await.to_string(), "exit status: 0");
    assert_eq!(folder.postgres_processes(), [0; 0]);
}

#[tokio::test]
async fn a_program_is_told_of_the_first_start_too() {
    let folder = DataFolder::new();
    let arguments = folder.arguments();
    let arguments = arguments.each_ref().map(String::as_str);
    let mut server = Server::start_as(&arguments, &[]).await;
    let made = server.ready["firstStart"].clone();
    has_fields(&made, &["tenantId", "email", "password", "keyId", "key"]);
    let client = Client::new(&server, &text(&made["key"]));
    assert_eq!(client.get("/me").await.data(200)["keyId"], made["keyId"]);
    assert!(!server.log().contains(&text(&made["key"])[13..]) && !server.log().contains(&text(&made["password"])));
    // Who waits is told for what, and of all the migrations in one line.
    let said = |server: &Server, what: &str| server.log().lines().filter(|line| line.contains(what)).count();
    for what in ["making a PostgreSQL for the data", "the schema is brought up to date"] {
        assert_eq!(said(&server, what), 1, "{}", server.log());
    }
    assert!(server.log().lines().count() < 8, "{}", server.log());
    assert!(server.stop().await.success());
    let mut again = Server::start_as(&arguments, &[]).await;
    has_fields(&again.ready, &["listening", "url"]);
    for what in ["making a PostgreSQL for the data", "the schema is brought up to date"] {
        assert_eq!(said(&again, what), 0, "{}", again.log());
    }
    assert!(again.stop().await.success());
    assert_eq!(folder.postgres_processes(), [0; 0]);
}

#[tokio::test]
async fn a_first_start_that_could_not_listen_leaves_its_secrets_to_the_next() {
    let folder = DataFolder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let [option, path] = folder.arguments();
    let failed = attempt_bwp(&[&option, &path, "serve", "--listen", &address]).await;
    assert!(refused(&failed).contains("--listen"));
    assert_eq!(folder.postgres_processes(), [0; 0]);
    let mut server = Server::start_as(&[&option, &path], &[]).await;
    assert!(server.ready["firstStart"]["key"].is_string(), "{}", server.ready);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn who_was_not_shown_the_first_secrets_is_told_how_to_get_in() {
    let folder = DataFolder::new();
    for json in [&["--json"][..], &[]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
        let mut serve = bwp();
        serve.args(folder.arguments()).args(json).args(["serve", "--listen", "127.0.0.1:0"]);
        let started = serve.stdout(full).stderr(Stdio::piped()).spawn().expect("bwp starts");
        let done = started.wait_with_output().await.expect("it ends");
        let said = String::from_utf8(done.stderr).expect("UTF-8");
        assert!(!done.status.success() && said.contains("standard output"), "{said}");
        assert_eq!(folder.postgres_processes(), [0; 0]);
        // The second time nothing is made, and so nothing lost.
        let lost = said.contains("They are lost");
        assert_eq!(lost, !json.is_empty(), "{said}");
        if !lost {
            continue;
        }
        let commands: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("bwp ")).collect();
        assert_eq!(commands.len(), 2, "{said}");
        let program = env!("CARGO_BIN_EXE_bwp");
        let set = shell(&format!("echo correct horse battery | {program} --json {}", commands[0])).await;
        assert_eq!(set["email"], "admin@localhost");
        let made = shell(&format!("{program} --json {}", commands[1])).await;
        assert!(made["key"].is_string(), "{made}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_once() {
    let said = refused(&attempt_bwp(&["--data-dir", "/proc/bwp", "serve", "--listen", "127.0.0.1:0"]).await);
    assert!(said.contains("/proc/bwp") && said.matches("os error").count() == 1, "{said}");
}

#[tokio::test]
async fn a_folder_without_a_database_is_left_alone() {
    let folder = DataFolder::new();
    let [option, path] = folder.arguments();
    let file = folder.data_dir().with_file_name("all.dump");
    for exists in [false, true] {
        for arguments in [
            &["backup", file.to_str().expect("UTF-8")][..],
            &["tenant", "list"],
            &["user", "list", "--tenant", "tnt_00000000000000000000000000"],
            &["key", "revoke", "key_00000000000000000000000000"],
            &["cursor-secret", "rotate"],
        ] {
            let said = refused(&attempt_bwp(&[&[option.as_str(), path.as_str()], arguments].concat()).await);
            for named in [path.as_str(), "--data-dir", "--database-url", "bwp serve"] {
                assert!(said.contains(named), "{arguments:?}: {named}: {said}");
            }
        }
        assert!(!file.exists() && folder.data_dir().exists() == exists);
        if exists {
            assert_eq!(std::fs::read_dir(folder.data_dir()).expect("readable").count(), 0);
        } else {
            std::fs::create_dir(folder.data_dir()).expect("made");
        }
    }
}

#[tokio::test]
async fn commands_work_with_no_server_running() {
    let folder = DataFolder::new();
    let tenant = text(&json(&folder, &["tenant", "create", "--name", "Acme"]).await["publicId"]);
    let create = ["key", "create", "--tenant", &tenant, "--name", "k", "--scope", "contacts:write"];
    let key = json(&folder, &create).await;
    let file = folder.data_dir().with_file_name("all.dump");
    let file = file.to_str().expect("UTF-8");
    json(&folder, &["backup", file]).await;
    json(&folder, &["key", "revoke", &text(&key["keyId"])]).await;
    assert_eq!(folder.postgres_processes(), [0; 0]);
    json(&folder, &["restore", file, "--overwrite"]).await;
    assert_eq!(folder.postgres_processes(), [0; 0]);

    // Someone made a tenant already: it is no first start.
    let arguments = folder.arguments();
    let mut server = Server::start_as(&arguments.each_ref().map(String::as_str), &[]).await;
    assert_eq!(server.ready.get("firstStart"), None);
    let client = Client::new(&server, &text(&key["key"]));
    client.post("/contacts", &json!({ "type": "other" })).await.data(201);
    json(&folder, &["key", "revoke", &text(&key["keyId"])]).await;
    client.get("/me").await.problem(401, "unauthorized");
    assert!(server.stop().await.success());
    assert_eq!(folder.postgres_processes(), [0; 0]);
}
