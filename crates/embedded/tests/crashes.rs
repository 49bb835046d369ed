//! Whatever was killed, and whenever: the next start needs no hand, and the data is there.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bwp_embedded::{Cluster, Options};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use support::{Holder, Scratch, is_root, set_mode, sql};

#[test]
fn hold_a_cluster() {
    support::hold();
}

#[test]
fn both_killed_together() {
    let scratch = Scratch::new();
    // Started by this process, for its commits to be durable; in the end used by the other alone.
    let cluster = Cluster::open(scratch.path(), &Options::default()).unwrap();
    let holder = Holder::open(scratch.path());
    sql(&cluster, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    cluster.close().unwrap();
    holder.kill();
    scratch.kill_server();
    assert!(scratch.pgdata().join("postmaster.pid").exists());
    let began = Instant::now();
    let cluster = scratch.open();
    println!("started after the crash in {:?}", began.elapsed());
    assert_eq!(sql(&cluster, "SELECT v FROM t"), "kept");
}

#[test]
fn the_server_alone_killed_under_its_user() {
    let scratch = Scratch::new();
    let first = Cluster::open(scratch.path(), &Options::default()).unwrap();
    sql(&first, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    scratch.kill_server();
    // The user that lived on can close or open again.
    let second = scratch.open();
    assert_eq!(sql(&second, "SELECT v FROM t"), "kept");
    first.close().unwrap();
    assert_eq!(sql(&second, "SELECT v FROM t"), "kept");
}

#[test]
fn a_server_that_ended_is_revived_under_its_user() {
    let scratch = Scratch::new();
    let cluster = Cluster::open(scratch.path(), &Options::default()).unwrap();
    sql(&cluster, "CREATE TABLE t (v text); INSERT INTO t VALUES ('kept')");
    assert!(!cluster.revive().unwrap(), "it runs");
    scratch.kill_server();
    assert!(cluster.revive().unwrap());
    assert_eq!(sql(&cluster, "SELECT v FROM t"), "kept");
    assert!(!cluster.revive().unwrap(), "it runs");
    cluster.close().unwrap();
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn the_postmaster_alone_killed_while_a_backend_works() {
    let scratch = Scratch::new();
    let cluster = scratch.open();
    // Works for a second or two without looking around, and so outlives the postmaster.
    let mut busy = cluster
        .tool("psql")
        .args(["-Xqc", "SELECT count(*) FROM generate_series(1, 20000000) n WHERE n % 7 = 1"])
        .args(["-d", &cluster.url("bwp")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    support::eventually("the query runs", || {
        sql(
            &cluster,
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1%' AND state = 'active'",
        ) == "2"
    });
    kill(Pid::from_raw(scratch.recorded_pid().unwrap()), Signal::SIGKILL).unwrap();
    let began = Instant::now();
    let again = scratch.open();
    println!("started beside orphans in {:?}", began.elapsed());
    sql(&again, "SELECT 1");
    let _ = busy.kill();
    busy.wait().unwrap();
}

#[test]
fn a_number_that_another_process_has_now() {
    let scratch = Scratch::new();
    scratch.open();
    // Of the same user as the server: such a one keeps PostgreSQL itself from starting.
    let bystander = bystander(&scratch);
    let pgdata = scratch.pgdata();
    let record = |pid: u32| format!("{pid}\n{}\n1700000000\n5432\n/x\n\n  1 1\nready   \n", pgdata.display());
    for pid in [bystander.0.id(), std::process::id(), 1, 0] {
        fs::write(pgdata.join("postmaster.pid"), record(pid)).unwrap();
        give_to_server(&scratch, "data/postmaster.pid");
        let lock = scratch.root().join("run/.s.PGSQL.5432.lock");
        fs::write(&lock, record(pid)).unwrap();
        give_to_server(&scratch, "run/.s.PGSQL.5432.lock");
        let cluster = scratch.open();
        sql(&cluster, "SELECT 1");
        cluster.close().unwrap();
    }
}

#[test]
fn an_empty_record() {
    let scratch = Scratch::new();
    scratch.open();
    fs::write(scratch.pgdata().join("postmaster.pid"), "").unwrap();
    give_to_server(&scratch, "data/postmaster.pid");
    sql(&scratch.open(), "SELECT 1");
}

#[test]
fn killed_at_random_moments_of_the_first_start() {
    // The whole takes about a second.
    for delay in [5, 30, 100, 200, 300, 450, 600, 750, 900, 1100] {
        let scratch = Scratch::new();
        let holder = Holder::start(scratch.path());
        thread::sleep(Duration::from_millis(delay));
        holder.kill();
        // What it started may live on, as after a crash, or be killed with it.
        if delay % 200 == 100 {
            scratch.kill_server();
        }
        let cluster = scratch.open();
        assert_eq!(sql(&cluster, "SELECT current_database()"), "bwp", "killed after {delay} ms");
        assert!(!scratch.root().join("data.new").exists());
    }
}

#[test]
fn leftovers_of_a_half_made_cluster() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    set_mode(scratch.path(), 0o755);
    let half = scratch.root().join("data.new");
    fs::create_dir_all(half.join("base/1")).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();
    fs::write(half.join("base/1/1259"), "").unwrap();
    sql(&scratch.open(), "SELECT 1");
    assert!(!half.exists());
}

#[test]
fn a_server_that_somebody_is_stopping() {
    let scratch = Scratch::new();
    let first = scratch.open();
    let pid = scratch.recorded_pid().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    let second = scratch.open();
    assert_eq!(sql(&second, "SELECT 1"), "1");
    drop(first);
}

#[test]
fn a_server_without_a_record_yet() {
    let scratch = Scratch::new();
    let real = scratch.open().installation().bin_dir.clone();
    // A `postgres` that finds another just ahead of it, as if its starter had been killed before it wrote its record.
    let bin_dir = scratch.base().join("bin");
    fs::create_dir(&bin_dir).unwrap();
    set_mode(&bin_dir, 0o755);
    std::os::unix::fs::symlink(real.join("initdb"), bin_dir.join("initdb")).unwrap();
    let script = format!(
        "#!/bin/sh\nreal='{}/postgres'\n[ \"$1\" = --version ] && exec \"$real\" --version\n\"$real\" \"$@\" &\n\
         while ! [ -s '{}/postmaster.pid' ]; do sleep 0.01; done\nexec \"$real\" \"$@\"\n",
        real.display(),
        scratch.pgdata().display()
    );
    fs::write(bin_dir.join("postgres"), script).unwrap();
    set_mode(&bin_dir.join("postgres"), 0o755);
    let options = Options { bin_dir: Some(bin_dir), ..support::quick() };
    let cluster = Cluster::open(scratch.path(), &options).unwrap();
    let log = fs::read_to_string(cluster.log_path()).unwrap();
    assert!(log.contains("lock file \"postmaster.pid\" already exists"), "{log}");
    assert_eq!(sql(&cluster, "SELECT 1"), "1");
    cluster.close().unwrap();
    assert!(scratch.server_processes().is_empty());
}

/// A process of the server's user that is no server.
struct Bystander(Child);

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bystander(scratch: &Scratch) -> Bystander {
    let mut command = Command::new("sleep");
    command.arg("60");
    if is_root() {
        let (uid, gid) = support::owner(&scratch.pgdata());
        command.uid(uid).gid(gid);
    }
    Bystander(command.spawn().unwrap())
}

/// Gives a file that the test wrote to the server's user.
fn give_to_server(scratch: &Scratch, file: &str) {
    let (uid, gid) = support::owner(&scratch.pgdata());
    chown(scratch.root().join(file), Some(uid), Some(gid)).unwrap();
}
