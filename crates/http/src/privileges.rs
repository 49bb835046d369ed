//! What a handler may do, as a type in its signature.

use bwp_domain::scopes::{ScopeId, ScopeSet};

/// The scopes that a handler needs, all of them.
pub trait Privilege: 'static {
    /// The scopes.
    const SCOPES: &'static [ScopeId];

    /// The scopes, as a set.
    fn needs() -> ScopeSet {
        ScopeSet::of(Self::SCOPES)
    }
}

macro_rules! privileges {
    ($($(#[$doc:meta])* $name:ident: $scopes:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Privilege for $name {
            const SCOPES: &'static [ScopeId] = &$scopes;
        }
    )*};
}

privileges! {
    /// Any valid credential.
    AnyCredential: [];
    /// To see API keys.
    ApiKeysRead: [ScopeId::ApiKeysRead];
    /// To make, change, rotate and revoke API keys.
    ApiKeysManage: [ScopeId::ApiKeysManage];
    /// To see the audit log, and what was spent.
    AuditRead: [ScopeId::AuditRead];
    /// To follow jobs.
    JobsRead: [ScopeId::JobsRead];
    /// To start and cancel jobs.
    JobsWrite: [ScopeId::JobsWrite];
    /// To see users.
    UsersRead: [ScopeId::UsersRead];
    /// To manage webhooks, and to follow events.
    WebhooksManage: [ScopeId::WebhooksManage];
}
