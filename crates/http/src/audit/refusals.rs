//! Which refused requests are recorded.

use std::{
    collections::HashSet,
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

/// Picks those that are recorded of the requests that a spent budget refused: the first in each stretch of ten seconds,
/// for each budget. A refused request costs its sender nothing; were each an entry, a key could fill the disk.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Stretch>);

/// What was picked in one stretch of time.
#[derive(Debug, Default)]
struct Stretch {
    number: i64,
    picked: HashSet<Whose>,
}

impl Refusals {
    /// How long a stretch is, in milliseconds.
    const STRETCH: i64 = 10_000;
    /// The most that are picked in a stretch, whosoever: some hundred kilobytes are remembered.
    const MOST: usize = 10_000;

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
            *self = Self { number, picked: HashSet::new() };
        }
        self.picked.len() < Refusals::MOST && self.picked.insert(whose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_picked_for_each_budget_and_stretch_and_no_more_than_can_be_remembered() {
        let mut stretch = Stretch::default();
        let at = |millis: i64| Timestamp::from_unix_millis(1_700_000_000_000 + millis);
        let key = |id| Whose::Key(KeyId::new(id).expect("positive"));
        let tenant = Whose::Tenant(TenantId::new(1).expect("positive"));
        let picked = |stretch: &mut Stretch, millis, whose| stretch.pick(at(millis), whose);
        assert!(picked(&mut stretch, 0, key(1)) && picked(&mut stretch, 1, key(2)) && picked(&mut stretch, 2, tenant));
        assert!(!picked(&mut stretch, 3, key(1)) && !picked(&mut stretch, 9_999, tenant));
        assert!(picked(&mut stretch, 10_000, key(1)) && !picked(&mut stretch, 10_001, key(1)));
        let many = (1..=20_000).filter(|id| picked(&mut stretch, 20_000, key(*id))).count();
        assert_eq!((many, stretch.picked.len()), (Refusals::MOST, Refusals::MOST));
    }
}
