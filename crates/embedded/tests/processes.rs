//! Many processes, one cluster: whoever comes first starts it, whoever leaves last stops it.

mod support;

use std::{fs, thread};

use support::{Holder, Scratch, sql};

#[test]
fn hold_a_cluster() {
    support::hold();
}

#[test]
fn the_starter_may_leave_first() {
    let scratch = Scratch::new();
    let starter = Holder::open(scratch.path());
    let pid = scratch.recorded_pid();
    let joiner = scratch.open();
    assert_eq!(scratch.recorded_pid(), pid);
    starter.close();
    sql(&joiner, "SELECT 1");
    joiner.close().unwrap();
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn the_joiner_may_leave_first() {
    let scratch = Scratch::new();
    let starter = scratch.open();
    let joiner = Holder::open(scratch.path());
    joiner.close();
    sql(&starter, "SELECT 1");
    drop(starter);
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn a_joiner_that_stops_the_server_leaves_no_zombie_to_its_starter() {
    let scratch = Scratch::new();
    let starter = scratch.open();
    let pid = scratch.recorded_pid().unwrap();
    let joiner = Holder::open(scratch.path());
    starter.close().unwrap();
    joiner.close();
    support::eventually("the server was reaped", || !std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn one_process_may_open_it_twice() {
    let scratch = Scratch::new();
    let first = scratch.open();
    let second = scratch.open();
    first.close().unwrap();
    sql(&second, "SELECT 1");
    second.close().unwrap();
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn a_killed_user_counts_no_more_and_its_server_is_joined() {
    let scratch = Scratch::new();
    let starter = Holder::open(scratch.path());
    let pid = scratch.recorded_pid();
    starter.kill();
    let cluster = scratch.open();
    assert_eq!(scratch.recorded_pid(), pid);
    sql(&cluster, "SELECT 1");
    cluster.close().unwrap();
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn many_at_once() {
    let scratch = Scratch::new();
    let holders: Vec<_> = (0..6).map(|_| Holder::start(scratch.path())).collect();
    for holder in &holders {
        holder.expect("open");
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    sql(&scratch.open(), "SELECT 1");
                }
            });
        }
    });
    for holder in holders {
        holder.close();
    }
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn starts_and_stops_interleave() {
    let scratch = Scratch::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let cluster = scratch.open();
                    sql(&cluster, "SELECT 1");
                    cluster.close().unwrap();
                }
            });
        }
    });
    assert!(scratch.server_processes().is_empty());
}

#[test]
fn an_interrupt_of_the_group_spares_the_server() {
    let scratch = Scratch::new();
    let _cluster = scratch.open();
    let group = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_ne!(group(&scratch.recorded_pid().unwrap().to_string()), group("self"));
}
