//! What keys need from a store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ApiKey, CreatedBy, KeyFilter, KeyHash, KeyRef, NewKey};
use crate::{
    clock::Timestamp,
    ids::{AccountId, GrantId, KeyId, KeyPublicId, OauthTokenId, SessionId, TenantId},
    oauth::AppCredential,
    paging::{Page, PageRequest, Position},
    principal::KeyCredential,
    sessions::SignedIn,
    store::StoreError,
};

/// A key that is about to be stored.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// Its public id.
    pub public_id: KeyPublicId,
    /// What it is found by.
    pub hash: KeyHash,
    /// The part of the key that may be shown.
    pub display_prefix: String,
    /// What was asked for.
    pub new: NewKey,
    /// The key whose successor it is.
    pub replaces: Option<KeyId>,
    /// By whom.
    pub created_by: CreatedBy,
    /// When.
    pub created_at: Timestamp,
}

/// A key, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyListing {
    /// The key.
    pub key: ApiKey,
    /// When it was last used, as far as that was written: up to some ten seconds late. `None` if it never was.
    pub last_used_at: Option<Timestamp>,
}

impl KeyListing {
    /// Where the key stands in lists.
    pub const fn position(&self) -> Position {
        Position { created_at: self.key.created_at, id: self.key.id.get() }
    }
}

/// Keys, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait KeyReader: Send + Sync {
    /// The key with this hash, and its tenant. The only finder without a tenant: the hash tells the tenant.
    ///
    /// MUST read what is committed now: an answer from before a revocation was acknowledged is wrong.
    async fn find_by_hash(&self, hash: &KeyHash) -> Result<Option<Arc<KeyCredential>>, StoreError>;

    /// What was last known of the key with this hash, without asking the store. A guess that lets work begin whose result
    /// is thrown away unless [`find_by_hash`](Self::find_by_hash), called after this, finds the same revision: nobody
    /// may be let in by it. `None` if nothing is known.
    fn recall(&self, hash: &KeyHash) -> Option<Arc<KeyCredential>>;

    /// A page of the tenant's keys, newest first by (createdAt, id).
    ///
    /// MUST cost the same wherever the page starts. MUST NOT show a key twice or leave one out that fitted throughout a walk,
    /// whatever is made or changed meanwhile.
    async fn page(
        &self,
        tenant: TenantId,
        filter: &KeyFilter,
        page: PageRequest,
    ) -> Result<Page<KeyListing>, StoreError>;

    /// This key, whatever its state.
    async fn get(&self, tenant: TenantId, key: KeyRef) -> Result<Option<KeyListing>, StoreError>;

    /// Where the key with this public id is. For the operator's commands, which may not know the tenant.
    async fn locate(&self, public_id: KeyPublicId) -> Result<Option<(TenantId, KeyId)>, StoreError>;
}

/// Keys, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait KeyRepository: Send {
    /// Stores a key and gives it its id. MUST store no second key that replaces the same one.
    async fn insert(&mut self, tenant: TenantId, record: KeyRecord) -> Result<ApiKey, StoreError>;

    /// The key, held so that nobody else uses or changes it until the unit of work ends.
    ///
    /// MUST take the credential's lock exclusively (the one that [`CredentialRepository::hold`] takes shared), then
    /// read the key in a later statement.
    async fn lock(&mut self, tenant: TenantId, id: KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Stores the key's name, allowlist, state and successor: nothing else of it ever changes. MUST be called on a key that
    /// this unit of work has locked.
    async fn update(&mut self, tenant: TenantId, key: &ApiKey) -> Result<(), StoreError>;
}

/// The credentials of those who call.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CredentialRepository: Send {
    /// The key and its tenant, held so that the key cannot be revoked or narrowed until the unit of work ends.
    ///
    /// MUST take the credential's lock shared and read in a *later* statement: a statement that does both has a
    /// snapshot from before the lock was granted. MUST let other holders in, and MUST NOT starve the one who revokes.
    ///
    /// In a unit of work that [expects](crate::store::Store::begin_expecting) a credential, this may be the expected one:
    /// then all of the above MUST happen before the unit of work commits.
    async fn hold(&mut self, tenant: TenantId, id: KeyId) -> Result<Option<Arc<KeyCredential>>, StoreError>;

    /// The app's access token with its grant, user and tenant, held so that the grant cannot be ended, nor the user's role or
    /// access changed, until the unit of work ends. `None` if the token or the grant is ended.
    ///
    /// MUST take the account's lock shared, then the grant's (the one that
    /// [`OauthRepository::lock_grant`](crate::oauth::ports::OauthRepository::lock_grant) takes exclusively), and read in a *later*
    /// statement.
    async fn hold_app(
        &mut self,
        tenant: TenantId,
        account: AccountId,
        grant: GrantId,
        token: OauthTokenId,
    ) -> Result<Option<Arc<AppCredential>>, StoreError>;

    /// Waits until nobody else holds or changes the key, and keeps it so until the unit of work ends. Whether there is such a
    /// key is not said: it is read by [`hold`](Self::hold) or [`KeyRepository::lock`], which this unit of work may call then.
    ///
    /// MUST take the lock that [`KeyRepository::lock`] takes. For one who changes their own key: those who hold it with
    /// others, and then want it alone, wait for each other.
    async fn take(&mut self, tenant: TenantId, id: KeyId) -> Result<(), StoreError>;

    /// Who is signed in by this session of this account and as which user, held so that the session cannot be ended, nor
    /// the user's role or access changed, until the unit of work ends. `None` if it is ended, or acts as nobody.
    ///
    /// MUST take the account's lock shared and read in a *later* statement. MUST let other holders in, and MUST NOT starve
    /// the one who ends the session.
    async fn hold_session(
        &mut self,
        account: AccountId,
        session: SessionId,
    ) -> Result<Option<Arc<SignedIn>>, StoreError>;
}

/// A unit of work that lends the keys.
pub trait HasKeys: Send {
    /// The keys.
    fn keys(&mut self) -> &mut dyn KeyRepository;
}
