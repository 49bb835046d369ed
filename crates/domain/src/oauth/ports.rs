//! What OAuth needs from a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{AppCredential, Challenge, Client, ClientMetadata, Connection, GrantEnd, Resource, Rotation, SecretHash};
use crate::{
    clock::Timestamp,
    ids::{ClientId, ClientPublicId, GrantId, OauthTokenId, RefreshTokenId, TenantId, UserId},
    paging::{Page, PageRequest},
    scopes::ScopeSet,
    store::StoreError,
    tenants::Tenant,
    users::User,
};

/// A client that is about to be stored.
#[derive(Clone, Debug)]
pub struct ClientRecord {
    /// By which it calls itself.
    pub public_id: ClientPublicId,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// What it proves itself by. `None` for a public one.
    pub secret: Option<SecretHash>,
    /// When.
    pub created_at: Timestamp,
}

/// A code that is about to be stored: a user's consent, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// What it is found by.
    pub hash: SecretHash,
    /// Who alone may redeem it.
    pub client: ClientId,
    /// Who consented.
    pub user: UserId,
    /// To what.
    pub scopes: ScopeSet,
    /// For what.
    pub resource: Resource,
    /// Where the user was sent back to.
    pub redirect_uri: String,
    /// What the client committed to.
    pub challenge: Challenge,
    /// From when on it cannot be redeemed.
    pub expires_at: Timestamp,
}

/// A code as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCode {
    /// Whose data it is about.
    pub tenant: TenantId,
    /// What it is.
    pub record: CodeRecord,
    /// Whether it was redeemed, or spent by a wrong proof.
    pub spent: bool,
    /// What came of it.
    pub grant: Option<GrantId>,
}

/// What a user gave an app, about to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// The app.
    pub client: ClientId,
    /// The user.
    pub user: UserId,
    /// What it may do.
    pub scopes: ScopeSet,
    /// For what.
    pub resource: Resource,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a user gave an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// The app.
    pub client: ClientId,
    /// What it calls itself.
    pub app: String,
    /// The user, as they are now.
    pub user: User,
    /// Their tenant, as it is now.
    pub tenant: Tenant,
    /// What it may do.
    pub scopes: ScopeSet,
    /// For what.
    pub resource: Resource,
    /// How its refresh tokens stand. `None` if it has none.
    pub rotation: Option<Rotation<RefreshTokenId>>,
    /// Whether it was ended.
    pub is_ended: bool,
}

/// A refresh token as it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundRefresh {
    /// Whose data it is about.
    pub tenant: TenantId,
    /// What it came of.
    pub grant: GrantId,
    /// Which.
    pub id: RefreshTokenId,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
}

/// An access token that is about to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRecord {
    /// What it is found by.
    pub hash: SecretHash,
    /// The refresh token that was given with it.
    pub given_with: Option<RefreshTokenId>,
    /// What it may do, within the grant.
    pub scopes: ScopeSet,
    /// When it was given.
    pub created_at: Timestamp,
    /// From when on it is good for nothing.
    pub expires_at: Timestamp,
}

/// Apps, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OauthReader: Send + Sync {
    /// The access token with this hash, if neither it nor its grant is ended. The hash tells the tenant.
    ///
    /// MUST read what is committed now: an answer from before the end of a grant, a change of a user's role or access, or a
    /// suspension was acknowledged is wrong. MUST have stored, before it answers, that the refresh token which was given with it
    /// [arrived](Rotation::arrive).
    async fn find_access(&self, hash: &SecretHash) -> Result<Option<Arc<AppCredential>>, StoreError>;

    /// The client that calls itself so.
    async fn find_client(&self, id: ClientPublicId) -> Result<Option<Client>, StoreError>;

    /// A page of what the tenant's users gave apps, newest first by (time, id); of one user alone, if `user` is given.
    ///
    /// MUST list what an app can still use or renew at `now`, and what [ended by theft](GrantEnd::Theft) within
    /// [`Connection::THEFT_SHOWN`] before it, and nothing else.
    async fn list_connections(
        &self,
        tenant: TenantId,
        user: Option<UserId>,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Connection>, StoreError>;

    /// One of those that [`list_connections`](Self::list_connections) lists, whoever's it is.
    async fn find_connection(
        &self,
        tenant: TenantId,
        id: GrantId,
        now: Timestamp,
    ) -> Result<Option<Connection>, StoreError>;
}

/// Apps, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OauthRepository: Send {
    /// Stores a client. Of a public one that was registered with the same metadata before, MUST store nothing and give that one:
    /// registration is open to all, and must not fill the table.
    async fn insert_client(&mut self, record: ClientRecord) -> Result<Client, StoreError>;

    /// Stores a code.
    async fn insert_code(&mut self, tenant: TenantId, record: CodeRecord) -> Result<(), StoreError>;

    /// The code with this hash, held so that nobody else redeems it until the unit of work ends.
    async fn lock_code(&mut self, hash: &SecretHash) -> Result<Option<StoredCode>, StoreError>;

    /// Notes that the code with this hash is spent, and what came of it.
    async fn spend_code(
        &mut self,
        tenant: TenantId,
        hash: &SecretHash,
        grant: Option<GrantId>,
    ) -> Result<(), StoreError>;

    /// Stores what a user gave an app, without any token.
    async fn insert_grant(&mut self, tenant: TenantId, record: GrantRecord) -> Result<GrantId, StoreError>;

    /// The grant, held alone until the unit of work ends.
    ///
    /// MUST take the grant's lock exclusively (the one that
    /// [`CredentialRepository::hold_app`](crate::keys::ports::CredentialRepository::hold_app) takes shared), then read the grant in a
    /// later statement.
    async fn lock_grant(&mut self, tenant: TenantId, id: GrantId) -> Result<Option<Grant>, StoreError>;

    /// Ends the grant and all of its tokens. MUST be called on a grant that this unit of work has locked.
    /// One that has ended MUST stay as it is.
    async fn end_grant(
        &mut self,
        tenant: TenantId,
        id: GrantId,
        at: Timestamp,
        why: GrantEnd,
    ) -> Result<(), StoreError>;

    /// Stores a refresh token of a grant and gives it its id.
    async fn insert_refresh(
        &mut self,
        tenant: TenantId,
        grant: GrantId,
        hash: SecretHash,
        expires_at: Timestamp,
    ) -> Result<RefreshTokenId, StoreError>;

    /// Stores how the grant's refresh tokens stand. MUST be called on a grant that this unit of work has locked or made.
    async fn set_rotation(
        &mut self,
        tenant: TenantId,
        grant: GrantId,
        rotation: Rotation<RefreshTokenId>,
    ) -> Result<(), StoreError>;

    /// The refresh token with this hash, whatever its state.
    async fn find_refresh(&mut self, hash: &SecretHash) -> Result<Option<FoundRefresh>, StoreError>;

    /// Stores an access token of a grant.
    async fn insert_access(&mut self, tenant: TenantId, grant: GrantId, record: AccessRecord)
    -> Result<(), StoreError>;

    /// Where the access token with this hash is, whatever its state.
    async fn locate_access(
        &mut self,
        hash: &SecretHash,
    ) -> Result<Option<(TenantId, GrantId, OauthTokenId)>, StoreError>;

    /// Ends this access token alone. MUST be called on one whose grant this unit of work has locked.
    async fn end_access(&mut self, tenant: TenantId, id: OauthTokenId) -> Result<(), StoreError>;

    /// Ends the access tokens that were given with this refresh token. MUST be called on those of a grant that this unit of work has
    /// locked.
    async fn end_given_with(&mut self, tenant: TenantId, refresh: RefreshTokenId) -> Result<(), StoreError>;
}

/// A unit of work that lends apps, and what they were given.
pub trait HasOauth: Send {
    /// They.
    fn oauth(&mut self) -> &mut dyn OauthRepository;
}
