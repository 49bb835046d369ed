//! Who counts what callers spend.

use std::sync::Arc;

use anyhow::Context;
use bwp_domain::{
    execute::Environment,
    rate_limits::{
        InProcessLimiter,
        ports::{RateLimiter, WhenLost},
    },
};
use bwp_redis::{RedisLimiter, RedisSettings};

use crate::cli::{RedisLost, ServeArgs};

/// The limiters of a server.
#[derive(Clone)]
pub(super) struct RateLimits {
    /// Counts in this process: always, or while Redis is lost.
    pub(super) alone: Arc<InProcessLimiter>,
    redis: Option<Arc<RedisLimiter>>,
}

impl RateLimits {
    /// The limiters that the operator configured. Nothing is connected yet.
    pub(super) fn configured(args: &ServeArgs, environment: &Environment) -> anyhow::Result<Self> {
        let clock = || Arc::clone(&environment.clock);
        let alone = Arc::new(InProcessLimiter::new(clock()));
        // An empty variable sets nothing.
        let redis = match args.redis_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            None => None,
            Some(url) => {
                let when_lost = match args.redis_lost {
                    RedisLost::Local => WhenLost::CountAlone,
                    RedisLost::Refuse => WhenLost::Refuse,
                    RedisLost::Allow => WhenLost::Allow,
                };
                let settings = RedisSettings { deadline: *args.redis_deadline, ..RedisSettings::default() };
                let limiter = RedisLimiter::new(url, settings, clock(), when_lost, Arc::clone(&alone));
                Some(Arc::new(limiter.context("--redis-url")?))
            }
        };
        Ok(Self { alone, redis })
    }

    /// Connects to Redis, if there is one, and keeps it connected in the background. A server starts without it too.
    pub(super) async fn connect(&self) {
        if let Some(redis) = &self.redis {
            redis.connect().await;
            let redis = Arc::clone(redis);
            actix_web::rt::spawn(async move { redis.keep_connected().await });
        }
    }

    /// The one that requests ask.
    pub(super) fn limiter(&self) -> Arc<dyn RateLimiter> {
        match &self.redis {
            Some(redis) => Arc::clone(redis) as _,
            None => Arc::clone(&self.alone) as _,
        }
    }
}
