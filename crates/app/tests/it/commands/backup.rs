//! `bwp backup` and `bwp restore`

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bwp_embedded::find_installation;
use bwp_postgres::testing::{Options, Role, TestDatabase, TestPooler, TlsServer};
use serde_json::json;
use tokio::process::Command;

use super::{Operator, printed, refused, text};
use crate::support::{Client, Server, Sql, World, attempt_bwp, bwp, contact};

#[tokio::test]
async fn all_comes_back_in_another_database() {
    let world = World::start().await;
    let key = world.key(&world.tenant, &["contacts:read", "contacts:write"], &[]).await;
    let client = Client::new(&world.server, &text(&key["key"]));
    let made = client.post("/contacts", &contact("Söhne 🏗️")).await.data(201).clone();
    client.post("/contacts", &contact("second")).await.data(201);
    let first = client.get("/contacts?limit=1").await;
    let next = first.json["meta"]["pagination"]["cursor"].as_str().expect("a cursor");

    world.sql("SELECT api_audit_logs_make_partition('2024-02-29')").await;
    let old = "INSERT INTO api_audit_logs (tenant_id, created_at, id, duration_ms, status, method, path, request_id)
               SELECT id, '2024-02-29', 1, 1, 200, 'GET', '/', '' FROM tenants";
    world.sql(old).await;
    world.wait_until("SELECT greatest(0, count(*) - 3) FROM api_audit_logs").await;
    // The server goes on meanwhile.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.dump");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(world.bwp(&["backup", path]).await, json!({ "file": path }));
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);

    // Into one with the schema, and into one with nothing at all. The other's log has other months.
    for other in [Operator(TestDatabase::empty().await), Operator::new().await] {
        assert_eq!(other.json(&["restore", path]).await, json!({ "restored": path }));
        let mut sql = Sql::connect(&other.0.url()).await;
        assert_eq!(sql.number("SELECT count(*) FROM api_audit_logs WHERE created_at < '2025-01-01'").await, 1);
        assert_eq!(sql.number("SELECT count(*) FROM api_audit_logs WHERE method = 'POST'").await, 2);
        let server = Server::start(&other.0.url(), &[]).await;
        let there = client.at(&server);
        assert_eq!(there.get("/me").await.data(200)["keyId"], key["keyId"]);
        assert_eq!(there.get(&format!("/contacts?cursor={next}")).await.data(200), &json!([made]));
        let new = there.post("/contacts", &contact("new")).await;
        assert!(new.data(201)["id"].as_i64() > made["id"].as_i64());
    }
}

/// A folder with programs that note their arguments, and run those of PostgreSQL with them.
fn noting_programs(folder: &Path) -> PathBuf {
    let real = find_installation(None).expect("PostgreSQL is installed").bin_dir;
    let (programs, notes) = (folder.join("bin"), folder.join("arguments"));
    fs::create_dir(&programs).expect("made");
    for name in ["postgres", "initdb", "pg_dump", "pg_restore", "psql"] {
        let (program, real) = (programs.join(name), real.join(name));
        let script =
            format!("#!/bin/sh\necho {name} \"$@\" >> '{}'\nexec '{}' \"$@\"\n", notes.display(), real.display());
        fs::write(&program, script).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("changed");
    }
    programs
}

#[tokio::test]
async fn no_program_is_told_the_password_by_an_argument() {
    let mut server = TlsServer::new().await;
    server.start(Some(&server.authority.issue(&["localhost"]))).await;
    let url = server.url(Role::Encrypted, "");
    let (_, place) = url.split_once('@').expect("a place");
    let (host, name) = place.split_once('/').expect("a name");
    let port = host.split_once(':').expect("a port").1;
    let folder = tempfile::tempdir().expect("a folder");
    let (programs, file) = (noting_programs(folder.path()), folder.path().join("all.dump"));
    let arguments = ["--postgres-bin", programs.to_str().expect("UTF-8")];
    let path = file.to_str().expect("UTF-8");
    printed(&attempt_bwp(&["--database-url", &url, "migrate"]).await);
    for url in [
        url.clone(),
        format!("postgres://encrypted:secret@{host},{host}/{name}"),
        format!("postgresql://encrypted:s%65cret@{host},{host}/{name}?sslmode=require"),
        format!("postgres://encrypted@{host},{host}/{name}?connect_timeout=9&password=secret"),
        format!("postgres://{host},{host}/{name}?user=encrypted&p%61ssword=s%65cret"),
        format!("host=localhost,localhost port={port},{port} user=encrypted password=secret dbname={name}"),
        format!("password = 'se\\cret' user=encrypted host=localhost port={port} dbname={name}"),
    ] {
        for work in [&["backup", path][..], &["restore", path, "--overwrite"]] {
            printed(&attempt_bwp(&[&arguments, &["--database-url", &url], work].concat()).await);
        }
        let notes = folder.path().join("arguments");
        let told = fs::read_to_string(&notes).expect("the programs ran");
        assert!(told.matches("--dbname").count() == 2 && told.contains("encrypted"), "{url}: {told}");
        for written in ["secret", "s%65cret", "se\\cret"] {
            assert!(!told.contains(written), "{url}: {told}");
        }
        fs::remove_file(notes).expect("removed");
    }
}

/// The programs of PostgreSQL would leave an empty `search_path` in a session that others use.
#[tokio::test]
async fn a_pooler_in_between_is_refused() {
    let one = Operator::new().await;
    let pooler = TestPooler::start(&one.0.url(), 2, Options::Ignored);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.dump");
    let path = file.to_str().expect("UTF-8");
    one.text(&["backup", path]).await;
    for command in ["backup", "restore"] {
        let refused = attempt_bwp(&["--database-url", pooler.url(), command, path]).await;
        assert!(!refused.status.success());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("pooler"), "{said}");
    }
}

#[tokio::test]
async fn a_database_with_tenants_is_overwritten_only_when_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.dump");
    let path = file.to_str().expect("UTF-8");
    let (one, other) = (Operator::new().await, Operator::new().await);
    one.json(&["tenant", "create", "--name", "of the backup"]).await;
    assert!(one.text(&["backup", path]).await.contains(path));
    other.json(&["tenant", "create", "--name", "of the other"]).await;
    assert!(other.refusal(&["restore", path]).await.contains("--overwrite"));
    assert_eq!(other.json(&["tenant", "list"]).await[0]["name"], "of the other");
    assert!(other.text(&["restore", path, "--overwrite"]).await.contains(path));
    assert_eq!(other.json(&["tenant", "list"]).await, one.json(&["tenant", "list"]).await);
}

#[tokio::test]
async fn a_failure_leaves_no_file_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let operator = Operator::new().await;
    assert!(operator.refusal(&["backup", &at("no/such/folder")]).await.contains("no/such/folder"));
    assert!(operator.refusal(&["restore", &at("nothing")]).await.contains("nothing"));
    fs::create_dir(at("folder")).expect("made");
    assert!(operator.refusal(&["backup", &at("folder")]).await.contains("is a folder"));
    // The name is good until all is written.
    assert!(operator.refusal(&["backup", &at("absent/")]).await.contains("absent/"));
    fs::remove_dir(at("folder")).expect("nothing is in it");
    fs::write(at("rubbish"), "rubbish").expect("written");
    assert!(operator.refusal(&["restore", &at("rubbish")]).await.contains("pg_restore"));
    // One that was cut off is restored as little as rubbish.
    let whole = at("whole");
    let tenant = operator.tenant().await;
    operator.json(&["backup", &whole]).await;
    let bytes = fs::read(&whole).expect("a backup");
    for part in [bytes.len() / 2, bytes.len() - 10] {
        fs::write(&whole, &bytes[..part]).expect("written");
        operator.refusal(&["restore", &whole, "--overwrite"]).await;
        assert_eq!(operator.json(&["tenant", "list"]).await[0]["publicId"], tenant, "cut off at {part}");
    }
    fs::remove_file(&whole).expect("removed");
    assert_eq!(names(folder.path()), ["rubbish"]);
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_lies_beside_the_file_is_neither_followed_nor_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let operator = Operator::new().await;
    fs::write(at("victim"), "kept").expect("written");
    let file = at("all.dump");
    // What was there is replaced, and so its mode.
    fs::write(&file, "an older backup").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("changed");
    for planted in ["symbolic link", "hard link", "file of another"] {
        let beside = at("all.dump.partial");
        match planted {
            "symbolic link" => symlink(at("victim"), &beside).expect("linked"),
            "hard link" => fs::hard_link(at("victim"), &beside).expect("linked"),
            _ => fs::write(&beside, "kept").expect("written"),
        }
        let before = fs::symlink_metadata(&beside).expect("there").ino();
        operator.json(&["backup", file.to_str().expect("UTF-8")]).await;
        assert_eq!(fs::read_to_string(at("victim")).ok().as_deref(), Some("kept"), "{planted}");
        assert_eq!(fs::symlink_metadata(&beside).expect("there").ino(), before, "{planted}");
        let written = fs::symlink_metadata(&file).expect("there");
        assert!(written.is_file() && written.ino() != before, "{planted}");
        assert_eq!((written.mode() & 0o7777, written.nlink()), (0o600, 1), "{planted}");
        assert!(fs::read(&file).expect("there").starts_with(b"PGDMP"), "{planted}");
        assert_eq!(names(folder.path()), ["all.dump", "all.dump.partial", "victim"], "{planted}");
        fs::remove_file(beside).expect("removed");
    }
}

/// Runs a program, and says whether it did what it should.
async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stderr(Stdio::null());
    command.status().await.unwrap_or_else(|error| panic!("{program}: {error}")).success()
}

#[tokio::test]
async fn what_is_no_file_is_not_replaced_by_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let operator = Operator::new().await;
    fs::write(at("target"), "kept").expect("written");
    symlink(at("target"), at("link")).expect("linked");
    symlink(at("nothing"), at("dangling")).expect("linked");
    drop(UnixListener::bind(at("socket")).expect("bound"));
    assert!(succeeds("mkfifo", &[&at("fifo")]).await);
    let mut planted =
        vec![("link", "symbolic link"), ("dangling", "symbolic link"), ("socket", "socket"), ("fifo", "FIFO")];
    // A device of its own, as /dev/null is. A user who may make none has none to lose either.
    if succeeds("mknod", &[&at("null"), "c", "1", "3"]).await {
        planted.push(("null", "device"));
    } else {
        eprintln!("without a device: this user may not make one");
    }
    let before = names(folder.path());
    for (name, kind) in planted {
        let kept = fs::symlink_metadata(at(name)).expect("there");
        let said = operator.refusal(&["backup", &at(name)]).await;
        for told in [&at(name), kind, &format!("bwp backup - > {}", at(name))] {
            assert!(said.contains(told), "{told}: {said}");
        }
        let left = fs::symlink_metadata(at(name)).expect("there");
        assert_eq!((left.file_type(), left.ino()), (kept.file_type(), kept.ino()), "{name}");
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(fs::read(at("target")).expect("there"), b"kept");
}

/// `backup` in a shell that hands the backup on, and what it says beside it.
async fn shell(operator: &Operator, folder: &Path, line: &str) -> String {
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", line]).current_dir(folder).kill_on_drop(true).stdin(Stdio::null());
    command.env("BWP", env!("CARGO_BIN_EXE_bwp")).env("DATABASE_URL", operator.0.url());
    let done = command.output().await.expect("bash runs");
    let said = String::from_utf8(done.stderr).expect("UTF-8");
    assert!(done.status.success() && done.stdout.is_empty(), "{line}: {said}");
    said
}

#[tokio::test]
async fn a_backup_goes_through_pipes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (Operator::new().await, Operator::new().await);
    one.tenant().await;
    let tenants = one.json(&["tenant", "list"]).await;
    let restore = format!("\"$BWP\" --database-url '{}' --json restore --overwrite", other.0.url());
    assert!(succeeds("mkfifo", &[folder.path().join("fifo").to_str().expect("UTF-8")]).await);
    for (line, restored) in [
        (format!("\"$BWP\" backup - | {restore} - > said"), "-"),
        (format!("\"$BWP\" backup - > fifo & {restore} fifo > said && wait $!"), "fifo"),
        (format!("\"$BWP\" backup - > file && {restore} - < file > said"), "-"),
    ] {
        let said = shell(&one, folder.path(), &line).await;
        assert!(
            said.starts_with("Wrote the backup to standard output.") && said.lines().count() == 1,
            "{line}: {said}"
        );
        let said = fs::read_to_string(folder.path().join("said")).expect("there");
        assert_eq!(said.trim_end(), json!({ "restored": restored }).to_string(), "{line}");
        assert_eq!(other.json(&["tenant", "list"]).await, tenants, "{line}");
        other.json(&["tenant", "create", "--name", "made since"]).await;
    }
    assert_eq!(names(folder.path()), ["fifo", "file", "said"]);
    assert!(fs::symlink_metadata(folder.path().join("fifo")).expect("there").file_type().is_fifo());
    assert_eq!(shell(&one, folder.path(), "\"$BWP\" --json backup - > file").await, "{\"file\":\"-\"}\n");
    // Neither a backup that could not be written nor a part of one passes for a whole one.
    let cut = format!("! \"$BWP\" backup - > /dev/full && head -c 999 file > part && ! {restore} - < part");
    let said = shell(&one, folder.path(), &cut).await;
    assert!(said.contains("pg_dump failed") && said.contains("pg_restore failed"), "{said}");
}

#[tokio::test]
async fn a_backup_that_is_ended_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let operator = Operator::new().await;
    let programs = noting_programs(folder.path());
    let (place, begun) = (folder.path().join("place"), folder.path().join("begun"));
    fs::create_dir(&place).expect("made");
    // It writes something, and never ends.
    let script = format!("#!/bin/sh\necho PGDMP\n: > '{}'\nexec sleep 1000\n", begun.display());
    fs::write(programs.join("pg_dump"), script).expect("written");
    for signal in ["-INT", "-TERM"] {
        let mut command = bwp();
        command.args(["--database-url", &operator.0.url(), "--postgres-bin"]).arg(&programs);
        command.arg("backup").arg(place.join("all.dump")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let backup = command.spawn().expect("bwp starts");
        while !begun.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let partial = names(&place);
        assert!(partial.len() == 1 && partial[0].ends_with(".partial"), "{partial:?}");
        assert_eq!(fs::metadata(place.join(&partial[0])).expect("there").mode() & 0o7777, 0o600);
        assert!(succeeds("kill", &[signal, &backup.id().expect("it runs").to_string()]).await);
        let said = refused(&backup.wait_with_output().await.expect("it ends"));
        assert!(said.contains("ended by a signal"), "{said}");
        assert_eq!(names(&place), [""; 0]);
        fs::remove_file(&begun).expect("removed");
    }
}

/// The steps, newest first, by their folders' names.
fn steps() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let folders = fs::read_dir(folder).expect("the migrations are beside the crates").flatten();
    let names = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    names
}

#[tokio::test]
async fn a_backup_of_every_older_version_is_restored_over_the_newest() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("old.dump");
    let path = file.to_str().expect("UTF-8");
    let (old, new) = (Operator::new().await, Operator::new().await);
    let tenant = old.tenant().await;
    let create =
        ["user", "create", "--tenant", &tenant, "--email", "ada@example.com", "--role", "member", "--password-stdin"];
    printed(&old.feed(&create, "correct horse battery").await);
    let users = old.json(&["user", "list", "--tenant", &tenant]).await;
    let steps = steps();
    // Before the first step there is nothing to keep.
    for step in &steps[..steps.len() - 1] {
        let down = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(step).join("down.sql");
        let version: String = step.split('_').next().expect("a version").chars().filter(char::is_ascii_digit).collect();
        let mut sql = Sql::connect(&old.0.url()).await;
        sql.run(&fs::read_to_string(down).expect("a way back")).await;
        sql.run(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'")).await;
        let taken = "SELECT count(*) FROM __diesel_schema_migrations";
        let before = sql.number(taken).await;
        old.json(&["backup", path]).await;
        assert_eq!(sql.number(taken).await, before, "it is backed up as it is");
        // The one with the newest schema, as it was left by the restore before.
        new.json(&["restore", path, "--overwrite"]).await;
        assert_eq!(new.json(&["tenant", "list"]).await[0]["publicId"], tenant, "before {step}");
        let restored = new.json(&["user", "list", "--tenant", &tenant]).await;
        assert_eq!(restored[0]["email"], users[0]["email"], "before {step}");
    }
}
