//! An app's access token, as a credential.

use crate::{
    clock::Timestamp,
    ids::{ClientId, GrantId, OauthTokenId},
    oauth::Resource,
    principal::Refusal,
    scopes::ScopeSet,
    tenants::Tenant,
    users::User,
};

/// An access token as it was stored at one moment, with the user for whom it acts and their tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppCredential {
    /// Which token.
    pub token: OauthTokenId,
    /// What it came of.
    pub grant: GrantId,
    /// Whose it is.
    pub client: ClientId,
    /// What the app calls itself.
    pub app: String,
    /// What the token was given.
    pub granted: ScopeSet,
    /// What it is good for.
    pub resource: Resource,
    /// From this moment on it is not.
    pub expires_at: Timestamp,
    /// For whom it acts.
    pub user: User,
    /// On whose data.
    pub tenant: Tenant,
}

impl AppCredential {
    /// What the app may do: what it was given, within what its user's role holds now.
    pub fn scopes(&self) -> ScopeSet {
        self.granted.common(self.user.role.scopes())
    }

    /// Whether the token is good at `now`, whatever the app wants.
    pub fn admit(&self, now: Timestamp) -> Result<(), Refusal> {
        if !self.user.is_active() {
            return Err(Refusal::Unknown);
        }
        if self.expires_at <= now {
            return Err(Refusal::TokenExpired);
        }
        self.tenant.check().map_err(Refusal::Tenant)
    }
}
