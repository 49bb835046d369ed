//! The limiter.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bwp_domain::{
    clock::Clock,
    ids::TenantId,
    rate_limits::{
        Admission, Budgets, InProcessLimiter, Standing,
        ports::{LimiterStatus, LimiterUnavailable, RateLimiter, WhenLost},
    },
};

use crate::{
    address::{Address, InvalidRedisUrl},
    link::Link,
    script::{ChargeScript, Mode},
};

/// How patient a limiter is with Redis.
#[derive(Clone, Copy, Debug)]
pub struct RedisSettings {
    /// How long an answer may take. After that, Redis is lost.
    pub deadline: Duration,
    /// How long connecting may take.
    pub connect_deadline: Duration,
    /// How often Redis is looked for while it is lost.
    pub retry_every: Duration,
    /// How often Redis is looked at while it is there.
    pub probe_every: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(250),
            connect_deadline: Duration::from_secs(1),
            retry_every: Duration::from_millis(500),
            probe_every: Duration::from_secs(1),
        }
    }
}

/// Counts in Redis, with every server that uses the same one.
///
/// When Redis fails once, it is lost: requests go on at once as [`WhenLost`] says, without asking it, until
/// [`keep_connected`](Self::keep_connected) has found it again. What was counted meanwhile is not brought to Redis.
pub struct RedisLimiter {
    pub(crate) address: Address,
    pub(crate) script: ChargeScript,
    pub(crate) settings: RedisSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) link: Link,
    when_lost: WhenLost,
    alone: Arc<InProcessLimiter>,
}

impl RedisLimiter {
    /// A limiter over the Redis at `url`, which is lost until [`connect`](Self::connect) or
    /// [`keep_connected`](Self::keep_connected) finds it. `alone` counts meanwhile, if `when_lost` says so.
    pub fn new(
        url: &str,
        settings: RedisSettings,
        clock: Arc<dyn Clock>,
        when_lost: WhenLost,
        alone: Arc<InProcessLimiter>,
    ) -> Result<Self, InvalidRedisUrl> {
        let address = Address::parse(url)?;
        let link = Link::down(clock.now());
        Ok(Self { address, script: ChargeScript::new(), settings, clock, link, when_lost, alone })
    }

    /// What Redis says. `None` if it is lost, or was lost just now.
    async fn ask(&self, tenant: TenantId, budgets: &Budgets, mode: Mode) -> Option<Admission> {
        let mut connected = self.link.connected()?;
        let asked = self.script.run(&mut connected.connection, tenant, budgets, mode);
        match tokio::time::timeout(self.settings.deadline, asked).await {
            Ok(Ok(admission)) => return Some(admission),
            Ok(Err(error)) => self.link.lose(&connected, self.clock.now(), &error),
            Err(elapsed) => self.link.lose(&connected, self.clock.now(), &elapsed),
        }
        None
    }
}

#[async_trait]
impl RateLimiter for RedisLimiter {
    async fn charge(&self, tenant: TenantId, budgets: &Budgets, cost: u32) -> Result<Admission, LimiterUnavailable> {
        if let Some(admission) = self.ask(tenant, budgets, Mode::Charge(cost)).await {
            return Ok(admission);
        }
        match self.when_lost {
            WhenLost::CountAlone => Ok(self.alone.charge_now(tenant, budgets, cost)),
            WhenLost::Refuse => Err(lost()),
            WhenLost::Allow => Ok(Admission::Admitted(Standing::untouched(budgets))),
        }
    }

    async fn standing(&self, tenant: TenantId, budgets: &Budgets) -> Result<Standing, LimiterUnavailable> {
        if let Some(admission) = self.ask(tenant, budgets, Mode::Look).await {
            return Ok(*admission.standing());
        }
        match self.when_lost {
            WhenLost::CountAlone => Ok(self.alone.standing_now(tenant, budgets)),
            WhenLost::Refuse => Err(lost()),
            WhenLost::Allow => Ok(Standing::untouched(budgets)),
        }
    }

    fn status(&self) -> LimiterStatus {
        match self.link.lost_since() {
            None => LimiterStatus::Connected,
            Some(since) => LimiterStatus::Lost { since, meanwhile: self.when_lost },
        }
    }
}

fn lost() -> LimiterUnavailable {
    LimiterUnavailable("Redis is lost".to_owned())
}

/// Without the URL, which may hold a password.
impl fmt::Debug for RedisLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimiter").field("status", &self.status()).finish_non_exhaustive()
    }
}
