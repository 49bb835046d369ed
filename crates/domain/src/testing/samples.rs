//! Values that tests start from.

use crate::{
    accounts::{Account, PersonName},
    audit::{AuditEntry, Excerpt},
    clock::Timestamp,
    contacts::{Contact, ContactType},
    ids::{AccountId, KeyId, KeyPublicId, SessionId, TenantId, TenantPublicId, UserId},
    keys::{Allowlist, ApiKey, CreatedBy, KeyName, KeyState},
    principal::{KeyCredential, Revision},
    rate_limits::RateLimit,
    resource::Stored,
    scopes::{ScopeId, ScopeSet},
    sessions::{Session, SignedIn},
    tenants::{Tenant, TenantName, TenantStatus, TimeZone},
    text::{Email, Name},
    users::{Role, User, UserState},
};

const CREATED_AT: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

/// A tenant's id.
///
/// # Panics
/// If `id` is not positive.
#[expect(clippy::expect_used, reason = "a test's own number")]
pub fn tenant_id(id: i64) -> TenantId {
    TenantId::new(id).expect("a tenant's id is positive")
}

/// An active key 7 of tenant 1 with these scopes and the usual rate limits, usable from everywhere.
///
/// # Panics
/// Never: the values are fixed and valid.
#[expect(clippy::expect_used, reason = "the values are fixed and valid")]
pub fn credential(scopes: &[ScopeId]) -> KeyCredential {
    let tenant = Tenant {
        id: tenant_id(1),
        public_id: TenantPublicId::from_uuid(uuid::Uuid::from_u128(1)),
        name: TenantName::parse("Sample Builders".to_owned()).expect("a name"),
        status: TenantStatus::Active,
        rate_limit: RateLimit::OF_TENANT,
        time_zone: TimeZone::UTC,
        created_at: CREATED_AT,
    };
    let key = ApiKey {
        id: KeyId::new(7).expect("positive"),
        public_id: KeyPublicId::from_uuid(uuid::Uuid::from_u128(7)),
        tenant: tenant.id,
        name: KeyName::parse("sample".to_owned()).expect("a name"),
        display_prefix: "bwp_live_0000".to_owned(),
        scopes: ScopeSet::of(scopes),
        allowlist: Allowlist::any(),
        rate_limit: RateLimit::OF_KEY,
        created_by: CreatedBy::Operator,
        created_at: CREATED_AT,
        state: KeyState::Active { expires_at: None },
        replaces: None,
        replaced_by: None,
    };
    KeyCredential { key, tenant, person: None, revision: Revision { key: 7, tenant: 1 } }
}

/// The user 5 of tenant 1 with this role, who has just signed in.
///
/// # Panics
/// Never: the values are fixed and valid.
#[expect(clippy::expect_used, reason = "the values are fixed and valid")]
pub fn signed_in(role: Role) -> SignedIn {
    let tenant = credential(&[]).tenant;
    // The time of the testing environment.
    let now = Timestamp::from_unix_millis(1_767_225_600_000);
    let user = User {
        id: UserId::new(5).expect("positive"),
        tenant: tenant.id,
        account: Account {
            id: AccountId::new(3).expect("positive"),
            email: Email::parse("sample@example.com".to_owned()).expect("an address"),
            name: PersonName::default(),
            created_at: CREATED_AT,
        },
        role,
        state: UserState::Active,
        created_at: CREATED_AT,
    };
    let session = Session {
        id: SessionId::new(11).expect("positive"),
        acts_as: Some((tenant.id, user.id)),
        created_at: now,
        seen_at: now,
    };
    SignedIn { session, user, tenant }
}

/// A vendor with this company name and nothing else.
///
/// # Panics
/// If the name is empty or contains NUL.
#[expect(clippy::expect_used, reason = "a test's own name")]
pub fn details(company_name: &str) -> Contact {
    Contact {
        first_name: None,
        last_name: None,
        company_name: Some(Name::parse(company_name.to_owned()).expect("a name")),
        position: None,
        parent_contact_id: None,
        email: None,
        phone: None,
        mobile: None,
        website: None,
        notes: None,
        kind: ContactType::Vendor,
    }
}

/// A stored contact with these details.
pub const fn contact(id: i64, details: Contact) -> Stored<Contact> {
    Stored { id, details, created_at: CREATED_AT, updated_at: CREATED_AT }
}

/// What is recorded of a `GET /api/v1/me` of this tenant, with key 7, at `at`.
///
/// # Panics
/// Never: the values are fixed and valid.
#[expect(clippy::expect_used, reason = "the values are fixed and valid")]
pub fn audit_entry(tenant: TenantId, at: Timestamp) -> AuditEntry {
    AuditEntry {
        tenant,
        api_key: Some(KeyId::new(7).expect("positive")),
        oauth_token: None,
        user: None,
        method: "GET",
        path: Excerpt::of(b"/api/v1/me", AuditEntry::MAX_PATH),
        status: 200,
        duration_ms: 3,
        request_id: "req_00000000000000000000000001".into(),
        client_address: Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into()),
        user_agent: Some(Excerpt::of(b"sample/1.0", AuditEntry::MAX_USER_AGENT)),
        error_code: None,
        created_at: at,
    }
}
