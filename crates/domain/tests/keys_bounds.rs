//! What lies within a key's own bounds, whatever they are.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bwp_domain::{
    clock::Timestamp,
    keys::{Allowlist, Bounds, Excess, GIVEN_BY_ADMINS},
    rate_limits::RateLimit,
    scopes::{ScopeId, ScopeSet},
};
use proptest::{prelude::*, sample::subsequence};

/// Blocks that often lie within each other.
fn block() -> impl Strategy<Value = String> {
    let v4 = (0_u8..4, 0_u8..4, 0_u8..=4).prop_map(|(a, b, n)| format!("{}.{}.0.0/{}", a * 64, b * 64, n * 4));
    let v6 = (0_u16..4, 0_u8..=4).prop_map(|(a, n)| format!("{:x}::/{}", a * 0x4000, n * 2));
    // Two ways to write one address.
    let one = prop_oneof![Just("192.0.2.7".to_owned()), Just("::ffff:192.0.2.7".to_owned())];
    prop_oneof![4 => v4, 2 => v6, 1 => one]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let scopes = subsequence(ScopeId::ALL, 0..=ScopeId::ALL.len());
    let list = prop::collection::vec(block(), 0..3);
    let limit = prop_oneof![Just(0_u32), 1_u32..5];
    let expiry = prop::option::of((0_i64..4).prop_map(Timestamp::from_unix_millis));
    (scopes, list, limit, expiry).prop_map(|(scopes, list, limit, expires_at)| Bounds {
        scopes: scopes.into_iter().collect(),
        allowlist: Allowlist::parse(&list).expect("blocks"),
        rate_limit: RateLimit::new(limit).expect("small"),
        expires_at,
    })
}

fn address() -> impl Strategy<Value = Option<IpAddr>> {
    let v4 = any::<u32>().prop_map(|n| Some(IpAddr::V4(Ipv4Addr::from(n))));
    let v6 = any::<u128>().prop_map(|n| Some(IpAddr::V6(Ipv6Addr::from(n))));
    prop_oneof![3 => v4, 3 => v6, 1 => Just(None), 1 => Just(Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))))]
}

/// How many requests, without a limit the most.
const fn often(limit: RateLimit) -> u32 {
    if limit.is_none() { u32::MAX } else { limit.get() }
}

proptest! {
    #[test]
    fn what_is_included_can_do_nothing_more(
        outer in bounds(), inner in bounds(), addresses in prop::collection::vec(address(), 16), at in 0_i64..5,
    ) {
        if outer.include(&inner).is_ok() {
            prop_assert!(outer.scopes.includes(inner.scopes));
            prop_assert!(often(inner.rate_limit) <= often(outer.rate_limit));
            for address in addresses {
                prop_assert!(!inner.allowlist.allows(address) || outer.allowlist.allows(address), "{address:?}");
            }
            let works = |bounds: &Bounds| bounds.expires_at.is_none_or(|end| Timestamp::from_unix_millis(at) < end);
            prop_assert!(!works(&inner) || works(&outer));
        }
    }

    #[test]
    fn everything_lies_within_itself_and_within_what_has_no_bounds(inner in bounds()) {
        let all = Bounds {
            scopes: ScopeId::ALL.iter().copied().collect(),
            allowlist: Allowlist::any(),
            rate_limit: RateLimit::NONE,
            expires_at: None,
        };
        prop_assert_eq!(inner.include(&inner), Ok(()));
        prop_assert_eq!(all.include(&inner), Ok(()));
    }

    #[test]
    fn lying_within_passes_on(a in bounds(), b in bounds(), c in bounds()) {
        if a.include(&b).is_ok() && b.include(&c).is_ok() {
            prop_assert_eq!(a.include(&c), Ok(()));
        }
    }

    #[test]
    fn each_excess_is_one(outer in bounds(), inner in bounds()) {
        let Err(excesses) = outer.include(&inner) else { return Ok(()) };
        prop_assert!(excesses.iter().next().is_some());
        for excess in &excesses {
            match excess {
                Excess::Scopes(scopes) => prop_assert_eq!(*scopes, inner.scopes.without(outer.scopes)),
                Excess::GivenByAdmins(_) => prop_assert!(false, "that is asked of new keys"),
                Excess::Everywhere => prop_assert!(inner.allowlist.allows(None) && !outer.allowlist.allows(None)),
                Excess::Networks(named) => {
                    let named = Allowlist::parse(named).expect("blocks");
                    prop_assert!(named.networks().iter().all(|network| inner.allowlist.networks().contains(network)));
                }
                Excess::RateLimit(own) => {
                    prop_assert_eq!(*own, outer.rate_limit);
                    prop_assert!(often(inner.rate_limit) > often(*own));
                }
                Excess::Expiry(own) => {
                    prop_assert_eq!(Some(*own), outer.expires_at);
                    prop_assert!(inner.expires_at.is_none_or(|end| end > *own));
                }
            }
        }
        prop_assert!(!excesses.to_string().is_empty());
    }

    #[test]
    fn a_new_key_is_never_given_what_admins_give(outer in bounds(), inner in bounds()) {
        let given = inner.scopes.common(GIVEN_BY_ADMINS);
        let rest = Bounds { scopes: inner.scopes.without(GIVEN_BY_ADMINS), ..inner.clone() };
        let expected = given == ScopeSet::EMPTY && outer.include(&rest).is_ok();
        prop_assert_eq!(outer.include_new(&inner).is_ok(), expected);
    }
}
