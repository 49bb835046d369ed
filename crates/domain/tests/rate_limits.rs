//! Both layers together, counted in one process.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use bwp_domain::{
    clock::Timestamp,
    ids::{KeyId, TenantId},
    rate_limits::{Admission, Budget, Budgets, Counter, InProcessLimiter, Layer, RateLimit, Standing},
    testing::{FixedClock, credential, tenant_id},
};
use proptest::prelude::*;

const START: i64 = 1_767_225_600_000;

struct Ground {
    clock: Arc<FixedClock>,
    limiter: InProcessLimiter,
    now: i64,
}

impl Ground {
    fn new() -> Self {
        let clock = Arc::new(FixedClock::new(Timestamp::from_unix_millis(START)));
        Self { limiter: InProcessLimiter::new(Arc::clone(&clock) as _), clock, now: 0 }
    }

    fn wait(&mut self, millis: i64) {
        self.now += millis;
        self.clock.set(Timestamp::from_unix_millis(START + self.now));
    }

    fn charge(&self, budgets: &Budgets, cost: u32) -> Admission {
        self.limiter.charge_now(tenant(), budgets, cost)
    }

    fn standing(&self, budgets: &Budgets) -> Standing {
        self.limiter.standing_now(tenant(), budgets)
    }
}

fn tenant() -> TenantId {
    tenant_id(1)
}

fn limit(number: u32) -> RateLimit {
    RateLimit::new(number).expect("a limit")
}

/// Budgets of the usual windows, with these limits.
fn budgets(tenant: u32, key_id: i64, key: u32) -> Budgets {
    let id = KeyId::new(key_id).expect("positive");
    Budgets { tenant: Budget::of_tenant(limit(tenant)), key: Some((id, Budget::of_key(limit(key)))) }
}

fn used(standing: &Standing) -> (u64, u64) {
    (standing.tenant.used, standing.key.expect("a key").used)
}

#[test]
fn a_credential_brings_its_budgets() {
    let credential = credential(&[]);
    let budgets = Budgets::from(&credential);
    assert_eq!(budgets, self::budgets(10_000, 7, 60));
    assert_eq!(
        (budgets.tenant.window, budgets.key.expect("a key").1.window),
        (Duration::from_hours(1), Duration::from_mins(1))
    );
}

#[test]
fn the_tenant_pays_units_and_the_key_requests() {
    let ground = Ground::new();
    let budgets = budgets(100, 7, 60);
    let Admission::Admitted(standing) = ground.charge(&budgets, 5) else { panic!("there is room") };
    let tenant = Counter { limit: 100, used: 5, remaining: 95, reset_seconds: 3_600, window_seconds: 3_600 };
    let key = Counter { limit: 60, used: 1, remaining: 59, reset_seconds: 60, window_seconds: 60 };
    assert_eq!(standing, Standing { tenant, key: Some(key) });
    assert_eq!(ground.standing(&budgets), standing, "looking costs nothing");
    assert_eq!(ground.standing(&budgets), standing);
}

#[test]
fn who_is_refused_by_one_layer_is_charged_by_none() {
    let ground = Ground::new();
    let (one, other) = (budgets(20, 1, 2), budgets(20, 2, 60));
    assert!(matches!(ground.charge(&one, 5), Admission::Admitted(_)));
    assert!(matches!(ground.charge(&one, 5), Admission::Admitted(_)));
    // The key's budget is spent, the tenant's is not.
    let Admission::Refused { layer, standing } = ground.charge(&one, 5) else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Key, (10, 2)));
    // Another key of the tenant goes on, and overdraws.
    assert!(matches!(ground.charge(&other, 200), Admission::Admitted(_)));
    let Admission::Refused { layer, standing } = ground.charge(&other, 1) else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Tenant, (210, 1)));
    assert_eq!((standing.tenant.remaining, standing.tenant.reset_seconds), (0, 3_600));
    // Both are spent: the one that has room later is named.
    let Admission::Refused { layer, standing } = ground.charge(&one, 1) else { panic!("no room") };
    assert_eq!((layer, used(&standing)), (Layer::Tenant, (210, 2)));
}

#[test]
fn tenants_do_not_share() {
    let ground = Ground::new();
    let budgets = budgets(1, 1, 1);
    for id in 1..200 {
        assert!(matches!(ground.limiter.charge_now(tenant_id(id), &budgets, 1), Admission::Admitted(_)), "{id}");
        assert!(matches!(ground.limiter.charge_now(tenant_id(id), &budgets, 1), Admission::Refused { .. }), "{id}");
    }
}

#[test]
fn without_a_limit_nothing_is_tracked() {
    let ground = Ground::new();
    let free = budgets(0, 1, 0);
    for _ in 0..1_000 {
        let Admission::Admitted(standing) = ground.charge(&free, 200) else { panic!("no limit") };
        assert_eq!(used(&standing), (0, 0));
        assert_eq!((standing.tenant.limit, standing.tenant.remaining, standing.tenant.reset_seconds), (0, 0, 0));
    }
    assert!(ground.limiter.is_empty());
    // One layer alone.
    let Admission::Admitted(standing) = ground.charge(&budgets(0, 1, 5), 5) else { panic!("room") };
    assert_eq!(used(&standing), (0, 1));
    let Admission::Admitted(standing) = ground.charge(&budgets(50, 1, 0), 5) else { panic!("room") };
    assert_eq!(used(&standing), (5, 0));
    let no_key = Budgets { key: None, ..budgets(50, 1, 0) };
    let Admission::Admitted(standing) = ground.charge(&no_key, 5) else { panic!("room") };
    assert_eq!((standing.tenant.used, standing.key), (10, None));
}

#[test]
fn what_is_over_is_forgotten() {
    let mut ground = Ground::new();
    ground.charge(&budgets(100, 1, 10), 5);
    ground.charge(&budgets(100, 2, 10), 5);
    assert_eq!(ground.limiter.len(), 3);
    ground.wait(60_000);
    ground.limiter.sweep();
    assert_eq!(ground.limiter.len(), 1, "the keys' windows are empty");
    ground.wait(3_539_999);
    ground.limiter.sweep();
    assert_eq!(ground.standing(&budgets(100, 1, 10)).tenant.used, 10);
    ground.wait(1);
    ground.limiter.sweep();
    assert!(ground.limiter.is_empty());
}

#[test]
fn of_many_at_once_exactly_as_many_are_admitted_as_there_is_room_for() {
    for (tenant_limit, key_limit) in [(500, 0), (0, 500), (500, 500)] {
        let ground = Ground::new();
        let admitted = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..250 {
                        if let Admission::Admitted(_) = ground.charge(&budgets(tenant_limit, 1, key_limit), 1) {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 500);
    }
}

proptest! {
    /// A client that sends at any pace, and sleeps as the headers say when nothing remains, is never refused.
    #[test]
    fn a_client_that_obeys_is_never_refused(
        tenant_limit in 1..40_u32, key_limit in 1..10_u32,
        requests in prop::collection::vec((0..3_000_i64, prop::sample::select(vec![1, 5, 20, 50, 100, 200])), 1..60),
    ) {
        let mut ground = Ground::new();
        let budgets = budgets(tenant_limit, 1, key_limit);
        for (pause, cost) in requests {
            ground.wait(pause);
            let Admission::Admitted(standing) = ground.charge(&budgets, cost) else {
                return Err(TestCaseError::fail("refused"));
            };
            let spent = [standing.tenant, standing.key.expect("a key")].into_iter().filter(|layer| layer.remaining == 0);
            let seconds = spent.map(|layer| layer.reset_seconds).max().unwrap_or(0);
            ground.wait(i64::from(seconds) * 1_000);
        }
    }

    /// Against a ledger of everything that was ever admitted.
    #[test]
    fn both_layers_are_exact(
        tenant_limit in 1..200_u32, key_limit in 1..10_u32,
        requests in prop::collection::vec((0..20_000_i64, 1..4_i64, 1..60_u32), 1..200),
    ) {
        let mut ground = Ground::new();
        let mut units: Vec<(i64, u32)> = Vec::new();
        let mut calls: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (pause, key, cost) in requests {
            ground.wait(pause);
            let now = ground.now;
            let of_tenant: u32 = units.iter().filter(|(at, _)| at + 3_600_000 > now).map(|(_, cost)| cost).sum();
            let calls = calls.entry(key).or_default();
            let of_key = calls.iter().filter(|at| *at + 60_000 > now).count();
            let room = (of_tenant < tenant_limit, of_key < key_limit as usize);
            match ground.charge(&budgets(tenant_limit, key, key_limit), cost) {
                Admission::Admitted(standing) => {
                    prop_assert_eq!(room, (true, true));
                    units.push((now, cost));
                    calls.push(now);
                    prop_assert_eq!(used(&standing), (u64::from(of_tenant + cost), of_key as u64 + 1));
                }
                Admission::Refused { layer, standing } => {
                    prop_assert_eq!(used(&standing), (u64::from(of_tenant), of_key as u64));
                    match room {
                        (true, false) => prop_assert_eq!(layer, Layer::Key),
                        (false, true) => prop_assert_eq!(layer, Layer::Tenant),
                        (false, false) => {}
                        (true, true) => return Err(TestCaseError::fail("there was room")),
                    }
                }
            }
        }
    }
}
