//! Redis is gone: requests go on, and find it again when it is back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bwp_domain::rate_limits::{
    Admission,
    ports::{LimiterStatus, RateLimiter, WhenLost},
};
use bwp_redis::{RedisLimiter, RedisSettings, testing::RedisServer};
use tokio::time::sleep;

use crate::support::{SETTINGS, budgets, limiter_at, tenant, used};

/// Returns when the limiter has this status.
async fn until(limiter: &RedisLimiter, connected: bool) {
    let began = Instant::now();
    while (limiter.status() == LimiterStatus::Connected) != connected {
        assert!(began.elapsed() < Duration::from_mins(1), "still {:?}", limiter.status());
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn each_server_counts_alone_until_redis_is_back() {
    let mut server = RedisServer::start();
    let limiter = limiter_at(&server.url(), SETTINGS, WhenLost::CountAlone).await;
    let budgets = budgets(0, 1, 3);
    let charge = || async { limiter.charge(tenant(), &budgets, 1).await.expect("an answer") };
    for expected in 1..=2 {
        assert_eq!(used(charge().await.standing()), (0, expected));
    }
    server.kill();
    for expected in 1..=3 {
        assert_eq!(used(charge().await.standing()), (0, expected));
    }
    assert!(matches!(limiter.status(), LimiterStatus::Lost { meanwhile: WhenLost::CountAlone, .. }));
    assert!(matches!(charge().await, Admission::Refused { .. }));
    server.start_again();
    until(&limiter, true).await;
    assert_eq!(used(charge().await.standing()), (0, 1));
}

#[tokio::test]
async fn or_refuses_or_lets_all_in() {
    let mut server = RedisServer::start();
    let refusing = limiter_at(&server.url(), SETTINGS, WhenLost::Refuse).await;
    let allowing = limiter_at(&server.url(), SETTINGS, WhenLost::Allow).await;
    server.kill();
    let budgets = budgets(1, 1, 1);
    assert!(refusing.charge(tenant(), &budgets, 1).await.is_err());
    assert!(refusing.standing(tenant(), &budgets).await.is_err());
    for _ in 0..5 {
        let admission = allowing.charge(tenant(), &budgets, 1).await.expect("an answer");
        assert!(matches!(admission, Admission::Admitted(_)));
        assert_eq!(used(admission.standing()), (0, 0));
    }
    server.start_again();
    until(&refusing, true).await;
    assert!(refusing.charge(tenant(), &budgets, 1).await.is_ok());
}

#[tokio::test]
async fn it_is_noticed_when_nobody_asks() {
    let mut server = RedisServer::start();
    let limiter = limiter_at(&server.url(), SETTINGS, WhenLost::CountAlone).await;
    server.kill();
    until(&limiter, false).await;
}

#[tokio::test]
async fn redis_may_come_later_than_the_server() {
    let mut server = RedisServer::start();
    server.kill();
    let limiter = limiter_at(&server.url(), SETTINGS, WhenLost::CountAlone).await;
    assert!(matches!(limiter.status(), LimiterStatus::Lost { .. }));
    assert!(limiter.charge(tenant(), &budgets(1, 1, 1), 1).await.is_ok());
    server.start_again();
    until(&limiter, true).await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_once() {
    const DEADLINE: Duration = Duration::from_millis(500);
    const CALLS: u32 = 100;
    let server = RedisServer::start();
    // Nobody looks while nobody asks.
    let settings = RedisSettings {
        deadline: DEADLINE,
        probe_every: Duration::from_mins(1),
        retry_every: Duration::from_millis(100),
        ..SETTINGS
    };
    let limiter = limiter_at(&server.url(), settings, WhenLost::CountAlone).await;
    server.pause();
    let began = Instant::now();
    let budgets = budgets(0, 1, 1_000);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let limiter = Arc::clone(&limiter);
        tasks.spawn(async move { limiter.charge(tenant(), &budgets, 1).await.expect("an answer") });
    }
    tasks.join_all().await;
    assert!(began.elapsed() >= DEADLINE, "{:?}", began.elapsed());
    for _ in 0..CALLS {
        limiter.charge(tenant(), &budgets, 1).await.expect("an answer");
    }
    // If each call waited, or each of the second hundred, it would take all of their deadlines.
    assert!(began.elapsed() < DEADLINE * CALLS, "{:?}", began.elapsed());
    server.resume();
    until(&limiter, true).await;
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_lost_until_it_does() {
    let server = RedisServer::start();
    let limiter = limiter_at(&server.url(), SETTINGS, WhenLost::CountAlone).await;
    server.command::<String>(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(limiter.charge(tenant(), &budgets(1, 1, 1), 1).await.is_ok());
    for _ in 0..20 {
        assert!(matches!(limiter.status(), LimiterStatus::Lost { .. }));
        sleep(Duration::from_millis(20)).await;
    }
    server.command::<String>(&["CONFIG", "SET", "maxmemory", "0"]);
    until(&limiter, true).await;
}

#[test]
fn a_wrong_url_is_refused_and_not_shown() {
    for url in ["", "localhost", "http://user:secret@localhost", "redis://user:secret@localhost:port"] {
        let clock: Arc<dyn bwp_domain::clock::Clock> = bwp_domain::testing::environment().clock;
        let alone = Arc::new(bwp_domain::rate_limits::InProcessLimiter::new(Arc::clone(&clock)));
        let refused = RedisLimiter::new(url, SETTINGS, clock, WhenLost::Refuse, alone).expect_err(url);
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}
