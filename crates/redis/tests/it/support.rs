//! A Redis with limiters over it.

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    clock::{Clock, Timestamp},
    ids::{KeyId, TenantId},
    rate_limits::{
        Admission, Budget, Budgets, InProcessLimiter, RateLimit, Standing,
        ports::{RateLimiter, WhenLost},
    },
    testing::tenant_id,
};
use bwp_redis::{RedisLimiter, RedisSettings, testing::RedisServer};

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        Timestamp::from_unix_millis(i64::try_from(since.as_millis()).expect("small"))
    }
}

/// Short waits, and a deadline that a busy machine keeps.
pub(crate) const SETTINGS: RedisSettings = RedisSettings {
    deadline: Duration::from_mins(1),
    connect_deadline: Duration::from_mins(1),
    retry_every: Duration::from_millis(50),
    probe_every: Duration::from_millis(50),
};

/// A limiter over the Redis at `url` that has looked for it, and looks for it again when it is lost.
pub(crate) async fn limiter_at(url: &str, settings: RedisSettings, when_lost: WhenLost) -> Arc<RedisLimiter> {
    let alone = Arc::new(InProcessLimiter::new(Arc::new(SystemClock)));
    let limiter = RedisLimiter::new(url, settings, Arc::new(SystemClock), when_lost, alone).expect("a URL");
    let limiter = Arc::new(limiter);
    limiter.connect().await;
    let keeping = Arc::clone(&limiter);
    tokio::spawn(async move { keeping.keep_connected().await });
    limiter
}

/// A limiter that refuses rather than count anywhere but in Redis.
pub(crate) async fn limiter(server: &RedisServer) -> Arc<RedisLimiter> {
    limiter_at(&server.url(), SETTINGS, WhenLost::Refuse).await
}

pub(crate) fn budget(limit: u32, window: Duration) -> Budget {
    Budget { limit: RateLimit::new(limit).expect("a limit"), window }
}

/// Budgets with these limits, in windows that outlast a test.
pub(crate) fn budgets(tenant: u32, key_id: i64, key: u32) -> Budgets {
    let id = KeyId::new(key_id).expect("positive");
    Budgets { tenant: budget(tenant, Budget::TENANT_WINDOW), key: Some((id, budget(key, Budget::KEY_WINDOW))) }
}

pub(crate) fn tenant() -> TenantId {
    tenant_id(1)
}

pub(crate) async fn charge(limiter: &RedisLimiter, budgets: &Budgets, cost: u32) -> Admission {
    limiter.charge(tenant(), budgets, cost).await.expect("Redis answers")
}

/// What the tenant and the key spent.
pub(crate) fn used(standing: &Standing) -> (u64, u64) {
    (standing.tenant.used, standing.key.expect("a key").used)
}
