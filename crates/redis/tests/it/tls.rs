//! TLS to Redis.

use bwp_domain::rate_limits::{
    InProcessLimiter,
    ports::{LimiterStatus, RateLimiter, WhenLost},
};
use bwp_redis::{RedisLimiter, testing::RedisServer};
use bwp_tls::testing::Authority;

use crate::support::{SETTINGS, SystemClock, budgets, charge, limiter_at, used};

async fn finds(url: &str) -> bool {
    limiter_at(url, SETTINGS, WhenLost::Refuse).await.status() == LimiterStatus::Connected
}

#[tokio::test]
async fn redis_is_believed_if_a_trusted_authority_says_that_it_is_the_one() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = RedisServer::start_with_tls(&authority.issue(&["localhost"]));
    let ours = authority.file(server.folder(), "ca.pem").display().to_string();
    let theirs = other.file(server.folder(), "other.pem").display().to_string();

    let good = format!("{}/1?sslrootcert={ours}", server.tls_url("localhost"));
    let limiter = limiter_at(&good, SETTINGS, WhenLost::Refuse).await;
    let budgets = budgets(10, 1, 10);
    assert_eq!(used(charge(&limiter, &budgets, 1).await.standing()), (1, 1));
    assert_eq!(used(charge(&limiter, &budgets, 1).await.standing()), (2, 2));

    assert!(!finds(&format!("{}?sslrootcert={ours}", server.tls_url("127.0.0.1"))).await, "another name");
    assert!(!finds(&format!("{}?sslrootcert={theirs}", server.tls_url("localhost"))).await, "another authority");
    assert!(!finds(&server.tls_url("localhost")).await, "the system knows nothing of a test's authority");
    assert!(!finds(&good.replace("rediss://", "redis://").replace("/1?", "/0?")).await, "without TLS");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_believed() {
    let authority = Authority::new();
    let server = RedisServer::start_with_tls(&authority.issue_expired(&["localhost"]));
    let ours = authority.file(server.folder(), "ca.pem").display().to_string();
    assert!(!finds(&format!("{}?sslrootcert={ours}", server.tls_url("localhost"))).await);
}

#[tokio::test]
async fn redis_is_found_again_with_tls() {
    let authority = Authority::new();
    let mut server = RedisServer::start_with_tls(&authority.issue(&["localhost"]));
    let ours = authority.file(server.folder(), "ca.pem").display().to_string();
    let url = format!("{}?sslrootcert={ours}", server.tls_url("localhost"));
    let limiter = limiter_at(&url, SETTINGS, WhenLost::Refuse).await;
    let budgets = budgets(10, 1, 10);
    charge(&limiter, &budgets, 1).await;
    server.kill();
    assert!(limiter.charge(crate::support::tenant(), &budgets, 1).await.is_err());
    server.start_again();
    for _ in 0..6_000 {
        if limiter.status() == LimiterStatus::Connected {
            assert_eq!(used(charge(&limiter, &budgets, 1).await.standing()), (1, 1));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("still {:?}", limiter.status());
}

#[test]
fn what_cannot_be_right_is_refused_at_once_without_showing_the_password() {
    for (url, expected) in [
        ("rediss://u:secret@h:1/0#insecure", "sslrootcert=/path/to/ca.pem"),
        ("rediss://u:secret@h:1/x", "expected redis:// or rediss://"),
        ("rediss://u:secret@h?sslrootcert=/absent.pem", "sslrootcert: /absent.pem: "),
        ("http://u:secret@h", "expected redis:// or rediss://"),
    ] {
        let alone = std::sync::Arc::new(InProcessLimiter::new(std::sync::Arc::new(SystemClock)));
        let made = RedisLimiter::new(url, SETTINGS, std::sync::Arc::new(SystemClock), WhenLost::Refuse, alone);
        let error = made.expect_err("refused").to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
}
