//! Requests that a spent budget refused.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    ids::{KeyId, TenantId},
    principal::Credential,
    rate_limits::{Layer, Standing},
};

/// Whose budget refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Tenant(TenantId),
    Key(KeyId),
}

/// What is remembered of requests that a spent budget refused. A refused request costs its sender nothing, and so must cost
/// us little: the first thousand in each minute are recorded, for each budget, or a key could fill the disk; and while the
/// budget has no room, nothing is read before the next one is refused.
#[derive(Debug, Default)]
pub struct Refusals {
    /// When the last of the spent budgets has room again, in milliseconds since 1970. Asked for each read: not behind the
    /// lock.
    latest: AtomicI64,
    stretch: Mutex<Stretch>,
}

/// What happened in one stretch of time.
#[derive(Debug, Default)]
struct Stretch {
    number: i64,
    spent: HashMap<Whose, Spent>,
}

/// A budget that refused.
#[derive(Debug)]
struct Spent {
    /// How many of its refusals were picked, to be recorded.
    picked: u32,
    /// When it has room again.
    until: Timestamp,
}

impl Refusals {
    /// How long a stretch is, in milliseconds.
    const STRETCH: i64 = 60_000;
    /// The most that are picked in a stretch for one budget.
    const EACH: u32 = 1_000;
    /// The most budgets that are remembered in a stretch: some hundred kilobytes.
    const BUDGETS: usize = 10_000;

    /// Notes that a budget refused a request with `credential` now. Whether that is to be recorded.
    pub(crate) fn note(&self, clock: &dyn Clock, credential: &Credential, layer: Layer, standing: &Standing) -> bool {
        let (whose, counter) = match layer {
            Layer::Tenant => (Whose::Tenant(credential.tenant.id), Some(&standing.tenant)),
            Layer::Key => (Whose::Key(credential.key.id), standing.key.as_ref()),
        };
        let wait = Duration::from_secs(counter.map_or(0, |counter| counter.reset_seconds).into());
        let mut stretch = self.stretch();
        // Read under the lock: no other thread is still in the stretch before.
        let now = clock.now();
        let until = now.plus(wait);
        self.latest.fetch_max(until.unix_millis(), Ordering::Relaxed);
        stretch.note(now, whose, until)
    }

    /// Whether a request with `credential` would be refused now, as far as is known. The limiter may know better.
    pub(crate) fn foresee(&self, clock: &dyn Clock, credential: &Credential) -> bool {
        let now = clock.now();
        if now.unix_millis() >= self.latest.load(Ordering::Relaxed) {
            return false;
        }
        let stretch = self.stretch();
        let is_spent = |whose| stretch.spent.get(&whose).is_some_and(|spent| now < spent.until);
        is_spent(Whose::Key(credential.key.id)) || is_spent(Whose::Tenant(credential.tenant.id))
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    fn note(&mut self, now: Timestamp, whose: Whose, until: Timestamp) -> bool {
        let number = now.unix_millis().div_euclid(Refusals::STRETCH);
        if number != self.number {
            *self = Self { number, spent: HashMap::new() };
        }
        let has_room = self.spent.len() < Refusals::BUDGETS;
        match self.spent.get_mut(&whose) {
            Some(spent) => {
                spent.until = until;
                let picked = spent.picked < Refusals::EACH;
                spent.picked += u32::from(picked);
                picked
            }
            None if has_room => {
                self.spent.insert(whose, Spent { picked: 1, until });
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use bwp_domain::{
        rate_limits::Budgets,
        testing::{FixedClock, credential, tenant_id},
    };

    use super::*;

    #[test]
    fn a_thousand_are_picked_for_each_budget_and_minute_and_of_no_more_budgets_than_can_be_remembered() {
        let mut stretch = Stretch::default();
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_040_000 + millis);
        let key = |id| Whose::Key(KeyId::new(id).expect("positive"));
        let tenant = Whose::Tenant(TenantId::new(1).expect("positive"));
        let mut of = |millis, whose| (0..1_500).filter(|_| stretch.note(at(millis), whose, at(millis))).count();
        assert_eq!([of(0, key(1)), of(1, key(2)), of(2, tenant), of(59_999, key(1))], [1_000, 1_000, 1_000, 0]);
        assert_eq!([of(60_000, key(1)), of(119_999, key(1))], [1_000, 0]);
        let budgets = (1..=20_000).filter(|id| stretch.note(at(120_000), key(*id), at(120_000))).count();
        assert_eq!((budgets, stretch.spent.len()), (Refusals::BUDGETS, Refusals::BUDGETS));
        assert!(stretch.note(at(120_001), key(1), at(120_001)), "it is remembered, and has room");
    }

    #[test]
    fn a_refusal_is_foreseen_until_the_budget_has_room() {
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_040_000 + millis);
        let clock = FixedClock::new(at(0));
        let refusals = Refusals::default();
        let of = |tenant, key| {
            let mut credential = credential(&[]);
            credential.tenant.id = tenant_id(tenant);
            credential.key.id = KeyId::new(key).expect("positive");
            credential
        };
        let foreseen = || [of(1, 1), of(1, 2), of(2, 3)].map(|credential| refusals.foresee(&clock, &credential));
        let note = |layer, tenant_reset, key_reset| {
            let mut standing = Standing::untouched(&Budgets::from(&of(1, 1)));
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
