//! Which refused requests are recorded.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bwp_domain::{
    clock::{Clock, Timestamp},
    ids::{KeyId, TenantId},
    principal::Credential,
    rate_limits::Layer,
};

/// Whose budget refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Tenant(TenantId),
    Key(KeyId),
}

/// Picks those that are recorded of the requests that a spent budget refused: the first thousand in each minute, for each
/// budget. A refused request costs its sender nothing; were each an entry, a key could fill the disk.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Stretch>);

/// What was picked in one stretch of time.
#[derive(Debug, Default)]
struct Stretch {
    number: i64,
    /// How many, for each budget.
    picked: HashMap<Whose, u32>,
}

impl Refusals {
    /// How long a stretch is, in milliseconds.
    const STRETCH: i64 = 60_000;
    /// The most that are picked in a stretch for one budget.
    const EACH: u32 = 1_000;
    /// The most budgets of which any are picked in a stretch: some hundred kilobytes are remembered.
    const BUDGETS: usize = 10_000;

    /// Whether a request with `credential` that this budget refused now is to be recorded.
    pub(crate) fn pick(&self, clock: &dyn Clock, credential: &Credential, layer: Layer) -> bool {
        let whose = match layer {
            Layer::Tenant => Whose::Tenant(credential.tenant.id),
            Layer::Key => Whose::Key(credential.key.id),
        };
        let mut stretch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: no other thread is still in the stretch before.
        stretch.pick(clock.now(), whose)
    }
}

impl Stretch {
    fn pick(&mut self, now: Timestamp, whose: Whose) -> bool {
        let number = now.unix_millis().div_euclid(Refusals::STRETCH);
        if number != self.number {
            *self = Self { number, picked: HashMap::new() };
        }
        let has_room = self.picked.len() < Refusals::BUDGETS;
        match self.picked.get_mut(&whose) {
            Some(count) if *count < Refusals::EACH => *count += 1,
            None if has_room => drop(self.picked.insert(whose, 1)),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_are_picked_for_each_budget_and_minute_and_of_no_more_budgets_than_can_be_remembered() {
        let mut stretch = Stretch::default();
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_040_000 + millis);
        let key = |id| Whose::Key(KeyId::new(id).expect("positive"));
        let tenant = Whose::Tenant(TenantId::new(1).expect("positive"));
        let mut of = |millis, whose| (0..1_500).filter(|_| stretch.pick(at(millis), whose)).count();
        assert_eq!([of(0, key(1)), of(1, key(2)), of(2, tenant), of(59_999, key(1))], [1_000, 1_000, 1_000, 0]);
        assert_eq!([of(60_000, key(1)), of(119_999, key(1))], [1_000, 0]);
        let budgets = (1..=20_000).filter(|id| stretch.pick(at(120_000), key(*id))).count();
        assert_eq!((budgets, stretch.picked.len()), (Refusals::BUDGETS, Refusals::BUDGETS));
        assert!(stretch.pick(at(120_001), key(1)), "it is remembered, and has room");
    }
}
