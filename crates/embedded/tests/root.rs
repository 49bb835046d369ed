//! What root has to do because PostgreSQL refuses to run as root. These tests do nothing for an ordinary user.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
};

use bwp_embedded::{Cluster, EmbeddedError};
use nix::unistd::User;
use support::{Scratch, is_root, owner, quick, set_mode, sql};

#[test]
fn the_server_is_not_roots_and_its_folders_are_tight() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let _cluster = scratch.open();
    let server = owner(Path::new(&format!("/proc/{}", scratch.recorded_pid().unwrap())));
    assert_ne!(server.0, 0);
    assert_eq!(owner(&scratch.pgdata()), server);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(owner(scratch.path()), (0, server.1));
    assert_eq!(mode(scratch.path()), 0o710);
    assert_eq!(mode(&scratch.root()), 0o700);
    assert_eq!(mode(&scratch.path().join("postgres.log")), 0o600);
    assert_eq!(mode(&scratch.path().join("users.lock")), 0o600);
    // No supplementary groups of root's.
    let status = fs::read_to_string(format!("/proc/{}/status", scratch.recorded_pid().unwrap())).unwrap();
    assert!(status.lines().any(|line| line.trim_end() == "Groups:"), "{status}");
}

#[test]
fn a_folder_that_the_server_cannot_enter() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::named("closed/data");
    fs::create_dir(scratch.base().join("closed")).unwrap();
    set_mode(&scratch.base().join("closed"), 0o700);
    let cluster = scratch.open();
    assert!(scratch.root().starts_with("/var/lib/bwp"), "{:?}", scratch.root());
    assert!(!scratch.path().join("postgres").exists());
    assert_eq!(fs::metadata(scratch.base().join("closed")).unwrap().mode() & 0o777, 0o700);
    sql(&cluster, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    cluster.close().unwrap();
    // Found again, even from another path.
    let moved = scratch.base().join("closed/moved");
    fs::rename(scratch.path(), &moved).unwrap();
    let cluster = Cluster::open(&moved, &quick()).unwrap();
    assert_eq!(sql(&cluster, "SELECT v FROM t"), "kept");
    cluster.close().unwrap();
    fs::rename(&moved, scratch.path()).unwrap();

    let root = scratch.root();
    let aside = root.with_extension("aside");
    fs::rename(&root, &aside).unwrap();
    let error = scratch.try_open().unwrap_err();
    fs::rename(&aside, &root).unwrap();
    assert!(matches!(error, EmbeddedError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("postgres.location"), "{error}");
}

#[test]
fn a_closed_folder_with_a_group_of_its_own_is_not_opened_to_another() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    set_mode(scratch.path(), 0o750);
    sql(&scratch.open(), "SELECT 1");
    assert!(scratch.root().starts_with("/var/lib/bwp"), "{:?}", scratch.root());
    assert_eq!(owner(scratch.path()), (0, 0));
    assert_eq!(fs::metadata(scratch.path()).unwrap().mode() & 0o777, 0o750);
}

#[test]
fn an_ordinary_users_folder_stays_his() {
    let Some(user) = User::from_name("nobody").unwrap().filter(|_| is_root()) else { return };
    let user = (user.uid.as_raw(), user.gid.as_raw());
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    set_mode(scratch.path(), 0o700);
    chown(scratch.path(), Some(user.0), Some(user.1)).unwrap();
    sql(&scratch.open(), "SELECT 1");
    for name in ["postgres", "postgres/data", "postgres/run", "postgres.log", "start.lock", "users.lock"] {
        assert_eq!(owner(&scratch.path().join(name)), user, "{name}");
    }
}

#[test]
fn a_folder_of_a_user_without_a_name() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    set_mode(scratch.path(), 0o755);
    chown(scratch.path(), Some(54321), Some(54321)).unwrap();
    sql(&scratch.open(), "SELECT 1");
    assert_ne!(owner(&scratch.pgdata()).0, 54321);
    // The server itself, unlike initdb, runs as such a user.
    chown_all(&scratch.root(), 54321);
    sql(&scratch.open(), "SELECT 1");
    assert_eq!(owner(&scratch.pgdata()).0, 54321);
}

#[test]
fn a_cluster_that_belongs_to_root_is_told() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    scratch.open();
    chown_all(&scratch.root(), 0);
    let message = scratch.try_open().unwrap_err().to_string();
    assert!(message.contains("it belongs to user root") && message.contains("chown -R"), "{message}");
}

fn chown_all(path: &Path, id: u32) {
    chown(path, Some(id), Some(id)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            chown_all(&entry.unwrap().path(), id);
        }
    }
}
