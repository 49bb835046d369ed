//! Requests that were refused without being charged.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    ids::{GrantId, KeyId, TenantId},
    principal::Credential,
    rate_limits::{Layer, Standing},
};

/// Whose budget refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Tenant(TenantId),
    Key(KeyId),
    /// An app has no budget of its own, and is counted by what it was given.
    Grant(GrantId),
}

impl Whose {
    /// The one who asks.
    fn of(credential: &Credential) -> Self {
        match credential {
            Credential::Key(credential) => Self::Key(credential.key.id),
            Credential::App(app) => Self::Grant(app.grant),
        }
    }
}

/// What is remembered of requests that a spent budget refused, or that could not be charged. Such a request costs its sender
/// nothing, and so must cost us little: a few in each minute are recorded, or a key could fill the disk; and while the budget
/// has no room, nothing is read before the next one is refused.
#[derive(Debug, Default)]
pub struct Refusals {
    /// When the last of the spent budgets has room again, in milliseconds since 1970. Asked for each read: not behind the
    /// lock.
    latest: AtomicI64,
    /// How many were not picked.
    left_out: AtomicU64,
    stretch: Mutex<Stretch>,
}

/// What happened in one stretch of time.
#[derive(Debug, Default)]
struct Stretch {
    number: i64,
    /// The budgets that refused, and when each has room again.
    spent: HashMap<Whose, Timestamp>,
    /// How many were picked: of each key for each reason, of each tenant, and in all. No more are counted than are picked.
    of_keys: HashMap<(Whose, Option<Layer>), u32>,
    of_tenants: HashMap<TenantId, u32>,
    picked: u32,
}

impl Refusals {
    /// How long a stretch is, in milliseconds.
    const STRETCH: i64 = 60_000;
    /// The most that are picked in a stretch of a key for each reason: a budget, or that the request could not be charged.
    const OF_KEY: u32 = 10;
    /// The most of a tenant, with all of its keys: keys cost nothing either.
    const OF_TENANT: u32 = 30;
    /// The most of all tenants.
    const OF_ALL: u32 = 300;
    /// The most budgets that are remembered in a stretch: some hundred kilobytes.
    const BUDGETS: usize = 10_000;

    /// Notes that a budget refused a request with `credential` now. Whether that is to be recorded.
    pub(crate) fn note(&self, clock: &dyn Clock, credential: &Credential, layer: Layer, standing: &Standing) -> bool {
        let (whose, counter) = match layer {
            Layer::Tenant => (Whose::Tenant(credential.tenant().id), Some(&standing.tenant)),
            Layer::Key => (Whose::of(credential), standing.key.as_ref()),
        };
        let wait = Duration::from_secs(counter.map_or(0, |counter| counter.reset_seconds).into());
        self.in_stretch(clock, |stretch, now| {
            let until = now.plus(wait);
            self.latest.fetch_max(until.unix_millis(), Ordering::Relaxed);
            stretch.remember(whose, until);
            stretch.pick(credential, Some(layer))
        })
    }

    /// Whether a request with `credential` that cannot be charged now is to be recorded.
    pub(crate) fn pick(&self, clock: &dyn Clock, credential: &Credential) -> bool {
        self.in_stretch(clock, |stretch, _| stretch.pick(credential, None))
    }

    /// Whether a request with `credential` would be refused now, as far as is known. The limiter may know better.
    pub(crate) fn foresee(&self, clock: &dyn Clock, credential: &Credential) -> bool {
        let now = clock.now();
        if now.unix_millis() >= self.latest.load(Ordering::Relaxed) {
            return false;
        }
        let stretch = self.stretch();
        let is_spent = |whose| stretch.spent.get(&whose).is_some_and(|until| now < *until);
        is_spent(Whose::of(credential)) || is_spent(Whose::Tenant(credential.tenant().id))
    }

    /// How many requests since the start were refused and are in no log.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Whether `pick` picks in the stretch that is now.
    fn in_stretch(&self, clock: &dyn Clock, pick: impl FnOnce(&mut Stretch, Timestamp) -> bool) -> bool {
        let mut stretch = self.stretch();
        // Read under the lock: no other thread is still in the stretch before.
        let now = clock.now();
        let number = now.unix_millis().div_euclid(Self::STRETCH);
        if number != stretch.number {
            *stretch = Stretch { number, ..Stretch::default() };
        }
        let picked = pick(&mut stretch, now);
        self.left_out.fetch_add(u64::from(!picked), Ordering::Relaxed);
        picked
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    /// Remembers until when a budget is spent, if there is room.
    fn remember(&mut self, whose: Whose, until: Timestamp) {
        if self.spent.len() < Refusals::BUDGETS || self.spent.contains_key(&whose) {
            self.spent.insert(whose, until);
        }
    }

    /// Whether one more is picked.
    fn pick(&mut self, credential: &Credential, layer: Option<Layer>) -> bool {
        let (tenant, key) = (credential.tenant().id, (Whose::of(credential), layer));
        let picked = self.picked < Refusals::OF_ALL
            && has_room(&self.of_tenants, &tenant, Refusals::OF_TENANT)
            && has_room(&self.of_keys, &key, Refusals::OF_KEY);
        if picked {
            self.picked += 1;
            *self.of_tenants.entry(tenant).or_default() += 1;
            *self.of_keys.entry(key).or_default() += 1;
        }
        picked
    }
}

fn has_room<K: Eq + Hash>(counts: &HashMap<K, u32>, of: &K, most: u32) -> bool {
    counts.get(of).is_none_or(|count| *count < most)
}

#[cfg(test)]
mod tests {
    use bwp_domain::testing::{FixedClock, credential, tenant_id};

    use super::*;

    const START: i64 = 1_700_000_040_000;

    fn of(tenant: i64, key: i64) -> Credential {
        let mut credential = credential(&[]);
        credential.tenant.id = tenant_id(tenant);
        credential.key.id = KeyId::new(key).expect("positive");
        Credential::Key(std::sync::Arc::new(credential))
    }

    /// Refusals, and how many of so many are picked of a key for a reason.
    struct Flood(Refusals, FixedClock);

    impl Flood {
        fn new() -> Self {
            Self(Refusals::default(), FixedClock::new(Timestamp::from_unix_millis(START)))
        }

        fn picked(&self, (tenant, key): (i64, i64), layer: Option<Layer>) -> usize {
            let credential = of(tenant, key);
            let standing = Standing::untouched(&credential.budgets());
            let pick = |_: &usize| match layer {
                Some(layer) => self.0.note(&self.1, &credential, layer, &standing),
                None => self.0.pick(&self.1, &credential),
            };
            (0..50).filter(pick).count()
        }

        fn at(&self, millis: i64) {
            self.1.set(Timestamp::from_unix_millis(START + millis));
        }
    }

    #[test]
    fn ten_are_picked_of_a_key_for_each_reason_and_minute() {
        let flood = Flood::new();
        let reasons = [Some(Layer::Key), Some(Layer::Tenant), None];
        assert_eq!(reasons.map(|layer| flood.picked((1, 1), layer)), [10; 3]);
        flood.at(59_999);
        assert_eq!(reasons.map(|layer| flood.picked((1, 1), layer)), [0; 3]);
        assert_eq!(flood.0.left_out(), 3 * 40 + 3 * 50);
        flood.at(60_000);
        assert_eq!(reasons.map(|layer| flood.picked((1, 1), layer)), [10; 3]);
    }

    #[test]
    fn a_thousand_keys_leave_no_more_than_three_and_others_are_seen_beside_them() {
        let flood = Flood::new();
        let picked: usize = (1..=1_000).map(|key| flood.picked((1, key), Some(Layer::Key))).sum();
        assert_eq!((picked, flood.picked((1, 1), Some(Layer::Tenant))), (30, 0));
        assert_eq!(flood.picked((2, 1_001), Some(Layer::Key)), 10);
    }

    #[test]
    fn of_all_tenants_together_no_more_are_picked_or_counted_than_there_is_room_for() {
        let flood = Flood::new();
        let picked: usize = (1..=20_000).map(|n| flood.picked((n, n), Some(Layer::Key))).sum();
        let stretch = flood.0.stretch();
        assert_eq!((picked, stretch.of_keys.len(), stretch.of_tenants.len()), (300, 30, 30));
        assert_eq!(stretch.spent.len(), Refusals::BUDGETS);
    }

    #[test]
    fn a_refusal_is_foreseen_until_the_budget_has_room() {
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_040_000 + millis);
        let clock = FixedClock::new(at(0));
        let refusals = Refusals::default();
        let foreseen = || [of(1, 1), of(1, 2), of(2, 3)].map(|credential| refusals.foresee(&clock, &credential));
        let note = |layer, tenant_reset, key_reset| {
            let mut standing = Standing::untouched(&of(1, 1).budgets());
            standing.tenant.reset_seconds = tenant_reset;
            standing.key.iter_mut().for_each(|key| key.reset_seconds = key_reset);
            refusals.note(&clock, &of(1, 1), layer, &standing);
        };
        assert_eq!(foreseen(), [false; 3]);
        note(Layer::Key, 900, 2);
        assert_eq!(foreseen(), [true, false, false]);
        note(Layer::Tenant, 10, 2);
        assert_eq!(foreseen(), [true, true, false]);
        clock.set(at(9_999));
        assert_eq!(foreseen(), [true, true, false]);
        clock.set(at(10_000));
        assert_eq!(foreseen(), [false; 3]);
    }
}
