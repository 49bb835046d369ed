//! What invitations need from a store.

use async_trait::async_trait;

use super::{Invitation, InvitationHash};
use crate::{
    clock::Timestamp,
    ids::{InvitationId, TenantId, UserId},
    paging::{Page, PageRequest},
    store::StoreError,
    tenants::Tenant,
    text::Email,
    users::Role,
};

/// An invitation that is about to be stored.
#[derive(Clone, Debug)]
pub struct InvitationRecord {
    /// Who.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// What it is found by.
    pub hash: InvitationHash,
    /// By whom. `None` for the operator.
    pub invited_by: Option<UserId>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// An invitation, as the one who holds its link sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// Where to.
    pub tenant: Tenant,
    /// Whether there is an account with the invitation's address: then its owner signs in to accept.
    pub has_account: bool,
}

/// Invitations, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InvitationReader: Send + Sync {
    /// The invitation with this hash, whatever became of it. A finder without a tenant: the hash tells the tenant.
    async fn find(&self, hash: &InvitationHash) -> Result<Option<SeenInvitation>, StoreError>;

    /// A page of the tenant's invitations that are pending, those whose time is over included, newest first.
    async fn pending(&self, tenant: TenantId, page: PageRequest) -> Result<Page<Invitation>, StoreError>;
}

/// Invitations, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InvitationRepository: Send {
    /// Stores an invitation and gives it its id.
    ///
    /// MUST take the place of a pending one for the same address, whatever the case of its letters: the earlier link finds
    /// nothing then. Of two at once, one MUST take the other's place.
    async fn put(&mut self, tenant: TenantId, record: InvitationRecord) -> Result<Invitation, StoreError>;

    /// The invitation, held so that nobody else accepts, replaces or withdraws it until the unit of work ends.
    async fn lock(&mut self, tenant: TenantId, id: InvitationId) -> Result<Option<Invitation>, StoreError>;

    /// The invitation with this hash, held like one [by its id](Self::lock). The hash tells the tenant.
    async fn lock_by_hash(&mut self, hash: &InvitationHash) -> Result<Option<Invitation>, StoreError>;

    /// Withdraws, at `now`, every invitation by this user that is pending.
    async fn withdraw_those_of(&mut self, tenant: TenantId, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// Stores what became of the invitation. MUST be called on one that this unit of work has locked.
    async fn update_state(&mut self, tenant: TenantId, invitation: &Invitation) -> Result<(), StoreError>;
}

/// A unit of work that lends the invitations.
pub trait HasInvitations: Send {
    /// The invitations.
    fn invitations(&mut self) -> &mut dyn InvitationRepository;
}
