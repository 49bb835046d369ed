//! Windows slide in Redis's own time.

use std::time::{Duration, Instant};

use bwp_domain::rate_limits::{Admission, Budgets};
use bwp_redis::testing::RedisServer;
use tokio::time::sleep;

use crate::support::{budget, budgets, charge, limiter, used};

/// The tenant's budget alone.
fn of_tenant(limit: u32, window_millis: u64) -> Budgets {
    Budgets { tenant: budget(limit, Duration::from_millis(window_millis)), key: None }
}

/// The milliseconds, amounts and sums of the tenant's list.
fn entries(server: &RedisServer) -> Vec<[i64; 3]> {
    let texts: Vec<String> = server.command(&["LRANGE", "bwp:rate:{1}", "0", "-1"]);
    let read = |text: String| {
        let numbers: Vec<i64> = text.split(':').map(|number| number.parse().expect("a number")).collect();
        numbers.try_into().expect("three")
    };
    texts.into_iter().map(read).collect()
}

/// Redis's time in milliseconds.
fn now(server: &RedisServer) -> i64 {
    let (seconds, micros): (i64, i64) = server.command(&["TIME"]);
    seconds * 1_000 + micros / 1_000
}

#[tokio::test]
async fn a_spending_leaves_one_window_later_and_not_sooner() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let budgets = of_tenant(1, 150);
    let mut times = Vec::new();
    while times.len() < 8 {
        if let Admission::Admitted(_) = charge(&limiter, &budgets, 1).await {
            times.push(entries(&server).last().expect("an entry")[0]);
        }
    }
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= 150, "{times:?}");
    }
}

#[tokio::test]
async fn what_is_counted_is_what_was_spent_in_the_window() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let (limit, window) = (40, 200);
    let budgets = of_tenant(limit, 200);
    let mut ledger: Vec<(i64, u64)> = Vec::new();
    let (mut refused, mut admitted) = (0, 0);
    let began = Instant::now();
    let mut step = 0_u32;
    while admitted <= 50 || refused <= 50 {
        assert!(began.elapsed() < Duration::from_mins(1), "{admitted} admitted, {refused} refused");
        step += 1;
        let cost = [1, 5, 1, 20, 1][step as usize % 5];
        let before = now(&server);
        let done = charge(&limiter, &budgets, cost).await;
        let after = now(&server);
        let spent = |now: i64| ledger.iter().filter(|(at, _)| at + window > now).map(|(_, cost)| cost).sum::<u64>();
        let (most, least) = (spent(before), spent(after));
        match done {
            Admission::Admitted(standing) => {
                admitted += 1;
                assert!(least < u64::from(limit));
                let used = standing.tenant.used - u64::from(cost);
                assert!((least..=most).contains(&used), "{least} {used} {most}");
                ledger.push((entries(&server).last().expect("an entry")[0], u64::from(cost)));
            }
            Admission::Refused { standing, .. } => {
                refused += 1;
                assert!(most >= u64::from(limit));
                assert!((least..=most).contains(&standing.tenant.used));
            }
        }
        sleep(Duration::from_millis(u64::from(step % 7))).await;
    }
}

#[tokio::test]
async fn spendings_of_large_budgets_are_merged_into_slots() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let budgets = of_tenant(20_000, 10_000);
    let slot = budgets.tenant.slot_millis();
    assert_eq!(slot, 100);
    let began = now(&server);
    for _ in 0..2_000_u32 {
        charge(&limiter, &budgets, 3).await;
    }
    let took = now(&server) - began;
    let entries = entries(&server);
    assert!(i64::try_from(entries.len()).expect("few") <= took / slot + 2, "{} in {took} ms", entries.len());
    assert_eq!(entries.iter().map(|[_, amount, _]| amount).sum::<i64>(), 6_000);
    assert_eq!(entries.last().expect("an entry")[2], 6_000);
    for pair in entries.windows(2) {
        assert!(pair[0][0] / slot < pair[1][0] / slot, "{pair:?}");
        assert_eq!(pair[0][2] + pair[1][1], pair[1][2], "{pair:?}");
    }
}

#[tokio::test]
async fn more_than_a_hundred_leave_at_once() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let now = now(&server);
    let spent = (1..=350).map(|n| format!("{}:1:{n}", now - 3_700_000 + n)).chain([format!("{now}:1:351")]);
    let command: Vec<_> = ["RPUSH", "bwp:rate:{1}"].map(str::to_owned).into_iter().chain(spent).collect();
    let command: Vec<_> = command.iter().map(String::as_str).collect();
    server.command::<i64>(&command);
    let Admission::Admitted(standing) = charge(&limiter, &of_tenant(1_000, 3_600_000), 1).await else { panic!("room") };
    assert_eq!(standing.tenant.used, 2);
}

#[tokio::test]
async fn a_lower_limit_is_waited_for() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    for _ in 0..150 {
        charge(&limiter, &of_tenant(1_000, 3_600_000), 1).await;
        sleep(Duration::from_millis(2)).await;
    }
    let before = now(&server);
    let Admission::Refused { standing, .. } = charge(&limiter, &of_tenant(3, 3_600_000), 1).await else {
        panic!("none")
    };
    let times = entries(&server);
    let wait = |from: i64| (times[times.len() - 3][0] + 3_600_000 - from + 999) / 1_000;
    assert!((wait(now(&server))..=wait(before)).contains(&i64::from(standing.tenant.reset_seconds)), "{standing:?}");
}

#[tokio::test]
async fn keys_expire_by_themselves() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    charge(&limiter, &budgets(100, 1, 100), 1).await;
    let left = |key: &str| server.command::<i64>(&["PTTL", key]);
    assert!((3_000_000..=3_601_000).contains(&left("bwp:rate:{1}")));
    assert!((1..=61_000).contains(&left("bwp:rate:{1}:key:1")));
    server.command::<String>(&["FLUSHALL"]);
    charge(&limiter, &of_tenant(10, 100), 1).await;
    let began = Instant::now();
    while server.command::<i64>(&["EXISTS", "bwp:rate:{1}"]) == 1 {
        assert!(began.elapsed() < Duration::from_mins(1), "it does not expire");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_nobody_out_for_longer_than_a_window() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let (past, future) = (now(&server) - 100, now(&server) + 3_600_000);
    let written = [format!("{past}:2:2"), format!("{future}:3:5"), format!("{}:1:6", future + 1)];
    server.command::<i64>(&["RPUSH", "bwp:rate:{1}", &written[0], &written[1], &written[2]]);
    let Admission::Admitted(standing) = charge(&limiter, &of_tenant(100, 60_000), 5).await else { panic!("room") };
    assert_eq!(standing.tenant.used, 11);
    let [[first, 2, 2], [last, 9, 11]] = entries(&server)[..] else { panic!("{:?}", entries(&server)) };
    assert_eq!(first, past);
    assert!((past + 100..=now(&server)).contains(&last));
}

#[tokio::test]
async fn a_client_that_obeys_is_never_refused() {
    let server = RedisServer::start();
    let limiter = limiter(&server).await;
    let id = budgets(1, 1, 1).key.expect("a key").0;
    let budgets =
        Budgets { tenant: budget(12, Duration::from_secs(1)), key: Some((id, budget(3, Duration::from_millis(700)))) };
    for step in 0..16_u32 {
        let Admission::Admitted(standing) = charge(&limiter, &budgets, [1, 5][step as usize % 2]).await else {
            panic!("refused")
        };
        assert!(used(&standing).1 <= 3);
        let spent = [standing.tenant, standing.key.expect("a key")].into_iter().filter(|layer| layer.remaining == 0);
        if let Some(seconds) = spent.map(|layer| layer.reset_seconds).max() {
            sleep(Duration::from_secs(seconds.into())).await;
        }
    }
}
