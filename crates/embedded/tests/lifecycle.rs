//! A cluster is made, opened again, and reached by libpq's clients, wherever its folder is.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, symlink},
    },
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use bwp_embedded::{Cluster, EmbeddedError, Options};
use nix::{sys::stat::Mode, unistd::mkfifo};
use support::{Scratch, quick, sql, try_sql};

#[test]
fn data_is_kept() {
    let scratch = Scratch::new();
    let cluster = Cluster::open(scratch.path(), &Options::default()).unwrap();
    assert_eq!(sql(&cluster, "SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes"), "on\non\non");
    assert_eq!(sql(&cluster, "SHOW data_checksums; SHOW server_encoding; SHOW max_connections"), "on\nUTF8\n200");
    sql(&cluster, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    cluster.close().unwrap();
    assert!(scratch.server_processes().is_empty());
    assert!(!scratch.pgdata().join("postmaster.pid").exists());

    let cluster = scratch.open();
    assert_eq!(sql(&cluster, "SELECT v FROM t"), "kept");
}

#[test]
fn the_schema_can_have_its_extensions_and_letters() {
    let scratch = Scratch::new();
    let cluster = scratch.open();
    sql(&cluster, "CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin; CREATE EXTENSION btree_gist");
    // Both need a locale that knows Unicode.
    assert_eq!(sql(&cluster, "SELECT lower('ÄÉЖ'), show_trgm('ЖÄ') <> '{}'"), "äéж|t");
    // By code point, on every platform.
    assert_eq!(sql(&cluster, "SELECT string_agg(v, '' ORDER BY v) FROM unnest('{a,B,é,Z}'::text[]) v"), "BZaé");
}

#[test]
fn options_reach_the_server_but_cannot_open_a_port() {
    let scratch = Scratch::new();
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = Options {
        max_connections: 33,
        settings: vec![setting("work_mem", "12MB"), setting("listen_addresses", "127.0.0.1")],
        ..quick()
    };
    let cluster = Cluster::open(scratch.path(), &options).unwrap();
    assert_eq!(sql(&cluster, "SHOW max_connections; SHOW work_mem; SHOW fsync"), "33\n12MB\noff");
    assert_eq!(sql(&cluster, "SHOW listen_addresses; SHOW unix_socket_permissions"), "\n0700");
    assert_eq!(sql(&cluster, "SHOW idle_in_transaction_session_timeout"), "1min");
}

#[test]
fn a_wrong_setting_is_told_with_the_end_of_the_log() {
    let scratch = Scratch::new();
    let options = Options { settings: vec![("no_such_setting".to_owned(), "1".to_owned())], ..quick() };
    let error = Cluster::open(scratch.path(), &options).unwrap_err();
    assert!(matches!(error, EmbeddedError::Start { .. }), "{error}");
    assert!(error.to_string().contains("unrecognized configuration parameter \"no_such_setting\""), "{error}");
    // And it is in nobody's way.
    sql(&scratch.open(), "SELECT 1");
}

#[test]
fn values_do_not_reach_the_log() {
    let scratch = Scratch::new();
    let cluster = scratch.open();
    sql(&cluster, "CREATE TABLE t (v text UNIQUE); INSERT INTO t VALUES ('s3cret')");
    assert!(!try_sql(&cluster, "INSERT INTO t VALUES ('s3cret')").status.success());
    let log = fs::read_to_string(cluster.log_path()).unwrap();
    assert!(log.contains("duplicate key value violates unique constraint"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_lost_database_is_made_again() {
    let scratch = Scratch::new();
    let cluster = scratch.open();
    let dropped = cluster.tool("psql").args(["-Xqc", "DROP DATABASE bwp", "-d", &cluster.url("postgres")]).status();
    assert!(dropped.unwrap().success());
    // At a start, and when joining.
    assert_eq!(sql(&scratch.open(), "SELECT current_database()"), "bwp");
}

#[test]
fn unusual_characters_in_the_path() {
    let names: [&[u8]; 5] = [
        "with space ".as_bytes(),
        "ünïcode/数据".as_bytes(),
        "quotes'and\"more\\".as_bytes(),
        "per%cent@at:colon?&=#$(x)`".as_bytes(),
        b"not utf-8 \xff\xfe",
    ];
    for name in names {
        works_in(&Scratch::named(OsStr::from_bytes(name)), false);
    }
}

#[test]
fn a_comma_in_the_path() {
    works_in(&Scratch::named("a,b"), true);
}

#[test]
fn a_path_longer_than_a_socket_address() {
    let name = format!("{}/{}", "long".repeat(20), "longer".repeat(20));
    let scratch = Scratch::named(&name);
    assert!(scratch.path().as_os_str().len() > 200);
    works_in(&scratch, true);
}

/// Makes a cluster, reaches it with two of libpq's clients, and opens it again.
fn works_in(scratch: &Scratch, socket_is_elsewhere: bool) {
    let cluster = scratch.open();
    assert_eq!(!cluster.socket_dir().starts_with(scratch.path()), socket_is_elsewhere);
    assert_eq!(fs::metadata(cluster.socket_dir()).unwrap().mode() & 0o777, 0o700);
    sql(&cluster, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    let dump = cluster.tool("pg_dump").arg(cluster.url("bwp")).output().unwrap();
    assert!(String::from_utf8_lossy(&dump.stdout).contains("kept"), "{}", String::from_utf8_lossy(&dump.stderr));
    let socket_dir = cluster.socket_dir().to_owned();
    cluster.close().unwrap();
    if socket_is_elsewhere {
        assert!(!socket_dir.exists());
    }
    assert_eq!(sql(&scratch.open(), "SELECT v FROM t"), "kept");
}

#[test]
fn a_folder_that_somebody_put_in_the_sockets_place_is_refused() {
    let scratch = Scratch::named("x".repeat(120));
    let cluster = scratch.open();
    let socket_dir = cluster.socket_dir().to_owned();
    cluster.close().unwrap();
    symlink(scratch.base(), &socket_dir).unwrap();
    let error = scratch.try_open().unwrap_err();
    fs::remove_file(&socket_dir).unwrap();
    assert!(matches!(error, EmbeddedError::Untrusted { .. }), "{error}");
    scratch.open();
}

#[test]
fn what_somebody_put_in_a_files_place_is_refused() {
    let scratch = Scratch::new();
    scratch.open().close().unwrap();
    let victim = scratch.base().join("victim");
    fs::write(&victim, "kept").unwrap();
    for name in ["start.lock", "users.lock", "postgres.log", "postgres.location"] {
        let path = scratch.path().join(name);
        let plants: [(&str, &dyn Fn()); 3] = [
            ("a symbolic link", &|| symlink(&victim, &path).unwrap()),
            // Opened like a file, it waits for another end that never comes.
            ("a FIFO", &|| mkfifo(&path, Mode::S_IRWXU).unwrap()),
            ("a file with another name elsewhere", &|| fs::hard_link(&victim, &path).unwrap()),
        ];
        for (what, plant) in plants {
            if name == "postgres.location" && what.starts_with("a file") {
                // It is only read, and believed in little.
                continue;
            }
            let _ = fs::remove_file(&path);
            plant();
            let (said, heard) = channel();
            let folder = scratch.path().to_owned();
            thread::spawn(move || said.send(Cluster::open(&folder, &quick()).map(drop)));
            let opened = heard.recv_timeout(Duration::from_mins(1));
            let error = opened.unwrap_or_else(|_| panic!("{name}, {what}: it waits")).unwrap_err().to_string();
            assert!(error.contains(&format!("{} cannot be trusted: it is {what}", path.display())), "{error}");
            fs::remove_file(&path).unwrap();
        }
    }
    assert_eq!(fs::read(&victim).unwrap(), b"kept");
    scratch.open();
}

#[test]
fn a_folder_that_is_no_cluster_is_left_alone() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.pgdata()).unwrap();
    fs::write(scratch.pgdata().join("mine"), "").unwrap();
    let error = scratch.try_open().unwrap_err();
    assert!(matches!(error, EmbeddedError::Damaged { .. }), "{error}");
    assert!(scratch.pgdata().join("mine").exists());
}

#[test]
fn a_cluster_of_another_major_version_is_told() {
    let scratch = Scratch::new();
    scratch.open().close().unwrap();
    fs::write(scratch.pgdata().join("PG_VERSION"), "99\n").unwrap();
    let message = scratch.try_open().unwrap_err().to_string();
    assert!(message.contains("was made by PostgreSQL 99, and only "), "{message}");
}
