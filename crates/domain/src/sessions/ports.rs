//! What sessions need from a store. They belong to an account and to no tenant: which tenants there are is what is asked.

use std::net::IpAddr;

use async_trait::async_trait;

use super::{Membership, OpenSession, Session, SessionHash};
use crate::{
    audit::Excerpt,
    clock::Timestamp,
    ids::{AccountId, SessionId, TenantId, UserId},
    paging::{Page, PageRequest},
    store::StoreError,
};

/// A session that is about to be stored.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// Whose.
    pub account: AccountId,
    /// What it is found by.
    pub hash: SessionHash,
    /// As which user of which tenant it acts.
    pub acts_as: Option<(TenantId, UserId)>,
    /// When they signed in.
    pub created_at: Timestamp,
    /// From which address, if it could be determined.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub user_agent: Option<Excerpt>,
}

/// A session, as its owner sees it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionListing {
    /// The session.
    pub session: Session,
    /// From which address they signed in, if it could be determined.
    pub address: Option<IpAddr>,
    /// What the browser called itself then.
    pub user_agent: Option<String>,
}

/// Sessions, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionReader: Send + Sync {
    /// The session with this hash, whose it is, and as whom it acts, if that user is active. `None` if there is no such
    /// session, or it is over at `now`.
    ///
    /// MUST read what is committed now: an answer from before the session's end, or a change of the user's role or access,
    /// was acknowledged is wrong. MUST note that it was seen at `now`, but not more than once a minute.
    async fn find(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<OpenSession>, StoreError>;

    /// A page of the account's sessions that are not over at `now`, the one begun last first.
    async fn list(
        &self,
        account: AccountId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<SessionListing>, StoreError>;

    /// Where the account has an active user, by the tenants' names.
    async fn memberships(&self, account: AccountId) -> Result<Vec<Membership>, StoreError>;
}

/// Sessions, inside a unit of work. Every change MUST be made by one that holds the account's lock exclusively.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send {
    /// Stores a session and gives it its id.
    ///
    /// MUST keep of the account no more than [`MOST_SESSIONS`](super::MOST_SESSIONS): of those that are not over the ones that
    /// were begun last. The others end.
    async fn insert(&mut self, record: SessionRecord) -> Result<Session, StoreError>;

    /// This session of this account, held so that nobody acts by it, or by any other of the account's, until the unit of
    /// work ends. `None` if it has ended.
    ///
    /// MUST take the account's lock exclusively (the one that
    /// [`CredentialRepository::hold_session`](crate::keys::ports::CredentialRepository::hold_session) takes shared), then
    /// read the session in a later statement.
    async fn lock(&mut self, account: AccountId, session: SessionId) -> Result<Option<Session>, StoreError>;

    /// Gives the session another token and another id, and has it act as `acts_as`. What is under way by the old token
    /// MUST be refused.
    async fn renew(
        &mut self,
        session: SessionId,
        hash: SessionHash,
        acts_as: Option<(TenantId, UserId)>,
    ) -> Result<(), StoreError>;

    /// Notes that this session acts in this tenant at `now`. `false`, and nothing is noted, if that was noted within
    /// [`Session::NOTED_AGAIN_AFTER`]. MUST know that of the session when it was [renewed](Self::renew) as well.
    async fn note(&mut self, session: SessionId, tenant: TenantId, now: Timestamp) -> Result<bool, StoreError>;

    /// Ends this session of this account. `false` if there is none.
    async fn end(&mut self, account: AccountId, session: SessionId) -> Result<bool, StoreError>;

    /// Ends every session of this account, but for `except`.
    async fn end_all(&mut self, account: AccountId, except: Option<SessionId>) -> Result<(), StoreError>;

    /// Has no session act as this user any more. The sessions stay.
    async fn stop_acting(&mut self, tenant: TenantId, user: UserId) -> Result<(), StoreError>;

    /// Where the account has an active user, by the tenants' names.
    async fn memberships(&mut self, account: AccountId) -> Result<Vec<Membership>, StoreError>;
}

/// A unit of work that lends the sessions.
pub trait HasSessions: Send {
    /// The sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
}
