//! What notifications need from a store.

use async_trait::async_trait;

use super::{Notice, Notification, NotificationType};
use crate::{
    clock::Timestamp,
    ids::{AccountId, TenantId},
    records::About,
    store::StoreError,
    users::Role,
};

/// Notifications, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Notifications: Send {
    /// Notifies these people. For commands there is [`notify`](super::notify), which knows whom to leave out.
    ///
    /// MUST pass over those who have no access, those whose role is none of `roles`, and those who have muted the kind.
    async fn notify(
        &mut self,
        tenant: TenantId,
        notice: &Notice,
        people: &[AccountId],
        roles: &[Role],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Switches notifications of a kind off for a user, or on again.
    async fn mute(
        &mut self,
        tenant: TenantId,
        account: AccountId,
        kind: NotificationType,
        muted: bool,
    ) -> Result<(), StoreError>;

    /// Those who have written comments on a record that are there, each once.
    async fn writers(&mut self, tenant: TenantId, about: About) -> Result<Vec<AccountId>, StoreError>;
}

/// A unit of work that lends the notifications.
pub trait HasNotifications: Send {
    /// The notifications.
    fn notifications(&mut self) -> &mut dyn Notifications;
}

/// Which notifications are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// Of this kind. One that there is not fits none.
    pub kind: Option<String>,
    /// Not yet read.
    pub unread_only: bool,
}

/// Notifications, outside any unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait NotificationReader: Send + Sync {
    /// Up to `limit` of a person's notifications that fit, newest first, behind the first `offset`.
    async fn notifications(
        &self,
        tenant: TenantId,
        account: AccountId,
        filter: &NotificationFilter,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Notification>, StoreError>;

    /// What a user has muted.
    async fn muted(&self, tenant: TenantId, account: AccountId) -> Result<Vec<NotificationType>, StoreError>;
}
