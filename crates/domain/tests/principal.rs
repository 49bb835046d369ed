//! Who is let in, and to what.

#![expect(clippy::expect_used, reason = "a test that cannot do what it says has failed")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use bwp_domain::{
    clock::Timestamp,
    keys::{Allowlist, KeyRefusal, KeyState},
    principal::{Caller, KeyCredential, Principal, Refusal},
    scopes::{ScopeId, ScopeSet},
    tenants::{TenantRefusal, TenantStatus},
    testing::{credential, tenant_id},
};
use proptest::{prelude::*, sample::subsequence};

const NOW: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);
const LISTED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// What is wrong with a credential, each part of it on its own.
#[derive(Clone, Copy, Debug)]
struct Flaws {
    revoked: bool,
    /// Milliseconds from now to its expiry.
    expires_in: Option<i64>,
    listed: bool,
    address: Option<IpAddr>,
    status: TenantStatus,
}

impl Flaws {
    fn credential(self) -> KeyCredential {
        let mut credential = credential(&[]);
        let expires_at = self.expires_in.map(|millis| Timestamp::from_unix_millis(NOW.unix_millis() + millis));
        credential.key.state =
            if self.revoked { KeyState::Revoked { at: NOW } } else { KeyState::Active { expires_at } };
        if self.listed {
            credential.key.allowlist = Allowlist::parse(&["192.0.2.1"]).expect("an address");
        }
        credential.tenant.status = self.status;
        credential
    }

    /// The first thing that is wrong: with the key, then with where it is used from, then with its tenant. A caller who
    /// has no good key learns nothing of the tenant.
    fn expected(self) -> Result<(), Refusal> {
        if self.revoked {
            return Err(Refusal::Key(KeyRefusal::Revoked));
        }
        if self.expires_in.is_some_and(|millis| millis <= 0) {
            return Err(Refusal::Key(KeyRefusal::Expired));
        }
        if self.listed && self.address != Some(LISTED) {
            return Err(Refusal::Key(KeyRefusal::AddressNotAllowed));
        }
        match self.status {
            TenantStatus::Active => Ok(()),
            TenantStatus::Suspended => Err(Refusal::Tenant(TenantRefusal::Suspended)),
            TenantStatus::SubscriptionInactive => Err(Refusal::Tenant(TenantRefusal::SubscriptionInactive)),
        }
    }
}

fn flaws() -> impl Strategy<Value = Flaws> {
    let addresses = prop::sample::select(vec![None, Some(LISTED), Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)))]);
    let expiries = prop::option::of(-2_i64..3);
    (any::<bool>(), expiries, any::<bool>(), addresses, prop::sample::select(&TenantStatus::ALL[..])).prop_map(
        |(revoked, expires_in, listed, address, status)| Flaws { revoked, expires_in, listed, address, status },
    )
}

fn scopes() -> impl Strategy<Value = Vec<ScopeId>> {
    subsequence(ScopeId::ALL, 0..=ScopeId::ALL.len())
}

proptest! {
    #[test]
    fn a_credential_is_let_in_if_nothing_is_wrong_with_it(flaws in flaws()) {
        prop_assert_eq!(flaws.credential().admit(NOW, flaws.address), flaws.expected());
    }

    #[test]
    fn all_scopes_that_an_operation_needs_are_needed_and_the_missing_ones_are_named(has in scopes(), needs in scopes()) {
        let missing: ScopeSet = needs.iter().copied().filter(|scope| !has.contains(scope)).collect();
        let expected = if missing.is_empty() { Ok(()) } else { Err(Refusal::Scopes { missing }) };
        prop_assert_eq!(credential(&has).authorize(ScopeSet::of(&needs)), expected);
    }
}

#[test]
fn a_caller_acts_on_the_data_of_their_own_tenant() {
    let key = Principal::Key(Arc::new(credential(&[])));
    assert_eq!(key.tenant(), tenant_id(1));
    assert_eq!(Caller::operator(tenant_id(3)).principal.tenant(), tenant_id(3));
}
