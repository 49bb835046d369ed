//! People that tests start from.

use std::sync::Arc;

use super::{credential, tenant_id};
use crate::{
    accounts::{Account, PersonName},
    clock::Timestamp,
    ids::{AccountId, SessionId, TenantId, UserId},
    sessions::{Membership, OpenSession, Session, SignedIn},
    tenants::Tenant,
    text::Email,
    users::{Role, User, UserState},
};

const CREATED_AT: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// An account with this id and address.
///
/// # Panics
/// If the id is not positive, or the text no address.
#[expect(clippy::expect_used, reason = "a test's own values")]
pub fn account(id: i64, email: &str) -> Account {
    Account {
        id: AccountId::new(id).expect("positive"),
        email: Email::parse(email.to_owned()).expect("an address"),
        name: PersonName::default(),
        created_at: CREATED_AT,
    }
}

/// An active user with this id, of an account with the same id and the address `ann@example.com`.
///
/// # Panics
/// If the id is not positive.
#[expect(clippy::expect_used, reason = "a test's own number")]
pub fn user(tenant: TenantId, id: i64, role: Role) -> User {
    User {
        id: UserId::new(id).expect("positive"),
        tenant,
        account: account(id, "ann@example.com"),
        role,
        state: UserState::Active,
        created_at: CREATED_AT,
    }
}

/// A tenant with this id.
///
/// # Panics
/// If the id is not positive.
pub fn tenant(id: i64) -> Tenant {
    Tenant { id: tenant_id(id), ..credential(&[]).tenant }
}

/// That the account of [`user`] 5 is this in the tenant.
///
/// # Panics
/// If the id is not positive.
pub fn membership(tenant_id: i64, role: Role) -> Membership {
    let tenant = tenant(tenant_id);
    Membership { user: user(tenant.id, 5, role), tenant }
}

/// Session 9 of [`user`] 5 of tenant 1, seen just now by the fixed [`environment`](super::environment).
///
/// # Panics
/// Never: the values are fixed and valid.
#[expect(clippy::expect_used, reason = "the values are fixed and valid")]
pub fn open_session(role: Role) -> OpenSession {
    let Membership { tenant, user } = membership(1, role);
    let session = Session {
        id: SessionId::new(9).expect("positive"),
        acts_as: Some((tenant.id, user.id)),
        created_at: CREATED_AT,
        seen_at: CREATED_AT,
    };
    let account = user.account.clone();
    let signed_in = SignedIn { session: session.clone(), user, tenant };
    OpenSession { session, account, signed_in: Some(Arc::new(signed_in)) }
}
