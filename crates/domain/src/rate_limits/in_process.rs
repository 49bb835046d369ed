//! Counting in this process alone.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    Admission, Budget, Budgets, Counter, Standing, Window,
    ports::{LimiterStatus, LimiterUnavailable, RateLimiter},
};
use crate::{
    clock::{Clock, Timestamp},
    ids::{KeyId, TenantId},
};

/// Enough that workers seldom meet at one lock.
const SHARDS: usize = 64;

/// Counts in this process: exact for one server, each for itself with many.
///
/// A tenant's window and those of its keys are behind one lock, so that both layers are decided at once.
pub struct InProcessLimiter {
    clock: Arc<dyn Clock>,
    shards: [Mutex<Shard>; SHARDS],
}

type Shard = HashMap<TenantId, Account>;

/// What one tenant and its keys spent.
#[derive(Default)]
struct Account {
    tenant: Window,
    keys: HashMap<KeyId, Window>,
}

/// One layer of a request: its budget, and its window unless there is no limit.
struct Metered<'a> {
    budget: Budget,
    window: Option<&'a mut Window>,
}

impl<'a> Metered<'a> {
    /// The layer at `now`.
    fn new(budget: Budget, window: Option<&'a mut Window>, now: Timestamp) -> Self {
        let mut window = window.filter(|_| !budget.limit.is_none());
        if let Some(window) = &mut window {
            window.advance(&budget, now);
        }
        Self { budget, window }
    }

    fn has_room(&self) -> bool {
        self.window.as_ref().is_none_or(|window| window.has_room(&self.budget))
    }

    fn spend(&mut self, now: Timestamp, amount: u32) {
        if let Some(window) = &mut self.window {
            window.spend(&self.budget, now, amount);
        }
    }

    fn counter(&self, now: Timestamp) -> Counter {
        match &self.window {
            Some(window) => window.counter(&self.budget, now),
            None => Counter::untouched(&self.budget),
        }
    }
}

impl InProcessLimiter {
    /// A limiter that has counted nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Charges a request, as [`RateLimiter::charge`] says.
    pub fn charge_now(&self, tenant: TenantId, budgets: &Budgets, cost: u32) -> Admission {
        if !is_limited(budgets) {
            return Admission::Admitted(Standing::untouched(budgets));
        }
        let mut shard = self.shard(tenant);
        // Read under the lock: times of one tenant never go back.
        let now = self.clock.now();
        let Account { tenant, keys } = shard.entry(tenant).or_default();
        let mut tenant = Metered::new(budgets.tenant, Some(tenant), now);
        let mut key = budgets.key.map(|(id, budget)| {
            let window = (!budget.limit.is_none()).then(|| keys.entry(id).or_default());
            Metered::new(budget, window, now)
        });
        let rooms = (tenant.has_room(), key.as_ref().is_none_or(Metered::has_room));
        if rooms == (true, true) {
            tenant.spend(now, cost);
            if let Some(key) = &mut key {
                key.spend(now, 1);
            }
        }
        let standing = Standing { tenant: tenant.counter(now), key: key.map(|key| key.counter(now)) };
        drop(shard);
        Admission::of(rooms.0, rooms.1, standing)
    }

    /// How the budgets stand, as [`RateLimiter::standing`] says.
    pub fn standing_now(&self, tenant: TenantId, budgets: &Budgets) -> Standing {
        let mut shard = self.shard(tenant);
        let now = self.clock.now();
        let Some(Account { tenant, keys }) = shard.get_mut(&tenant) else { return Standing::untouched(budgets) };
        Standing {
            tenant: Metered::new(budgets.tenant, Some(tenant), now).counter(now),
            key: budgets.key.map(|(id, budget)| Metered::new(budget, keys.get_mut(&id), now).counter(now)),
        }
    }

    /// Forgets the tenants and keys of which nothing is left in their windows. To be called now and then.
    pub fn sweep(&self) {
        // What has left a window depends on its length alone, which is the same for all of a layer.
        let tenant_budget = Budget::of_tenant(super::RateLimit::NONE);
        let key_budget = Budget::of_key(super::RateLimit::NONE);
        for shard in &self.shards {
            let mut shard = lock(shard);
            let now = self.clock.now();
            shard.retain(|_, account| {
                account.tenant.advance(&tenant_budget, now);
                account.keys.retain(|_, window| {
                    window.advance(&key_budget, now);
                    !window.is_empty()
                });
                !account.tenant.is_empty() || !account.keys.is_empty()
            });
        }
    }

    /// How many tenants and keys it remembers.
    pub fn len(&self) -> usize {
        let accounts = |shard: &Mutex<Shard>| lock(shard).values().map(|account| 1 + account.keys.len()).sum::<usize>();
        self.shards.iter().map(accounts).sum()
    }

    /// Whether it remembers nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, tenant: TenantId) -> MutexGuard<'_, Shard> {
        // Ids are given one after another: the lowest bits spread them evenly.
        let index = usize::try_from(tenant.get().unsigned_abs() % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[index])
    }
}

/// A panic elsewhere leaves a count that is still a count.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_limited(budgets: &Budgets) -> bool {
    !budgets.tenant.limit.is_none() || budgets.key.is_some_and(|(_, budget)| !budget.limit.is_none())
}

impl fmt::Debug for InProcessLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessLimiter").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimiter for InProcessLimiter {
    async fn charge(&self, tenant: TenantId, budgets: &Budgets, cost: u32) -> Result<Admission, LimiterUnavailable> {
        Ok(self.charge_now(tenant, budgets, cost))
    }

    async fn standing(&self, tenant: TenantId, budgets: &Budgets) -> Result<Standing, LimiterUnavailable> {
        Ok(self.standing_now(tenant, budgets))
    }

    fn status(&self) -> LimiterStatus {
        LimiterStatus::Connected
    }
}
