//! Notifications: what a person is told of, in the application. They are written in the transaction of their cause.

pub mod ports;

use crate::{
    clock::Timestamp,
    execute::Context,
    ids::{AccountId, TenantId},
    records::About,
    store::{StoreError, UnitOfWork},
    users::Role,
    words,
};

words! {
    /// What a notification is about.
    pub enum NotificationType {
        /// A lead was given to them.
        LeadAssigned = "lead_assigned",
        /// A bid of theirs was accepted.
        BidAccepted = "bid_accepted",
        /// A bid of theirs was rejected.
        BidRejected = "bid_rejected",
        /// A bid of theirs has expired.
        BidExpired = "bid_expired",
        /// A task was given to them.
        TaskAssigned = "task_assigned",
        /// A task of theirs is due soon.
        TaskDueSoon = "task_due_soon",
        /// A comment names them.
        Mention = "mention",
        /// Somebody else writes in a thread of theirs.
        Comment = "comment",
        /// An application for payment was submitted.
        PayAppSubmitted = "pay_app_submitted",
        /// An application for payment was approved.
        PayAppApproved = "pay_app_approved",
        /// An application for payment was rejected.
        PayAppRejected = "pay_app_rejected",
        /// A change order was submitted.
        ChangeOrderSubmitted = "change_order_submitted",
        /// A change order was approved.
        ChangeOrderApproved = "change_order_approved",
        /// A change order was rejected.
        ChangeOrderRejected = "change_order_rejected",
        /// A change order was voided.
        ChangeOrderVoided = "change_order_voided",
    }
}

impl NotificationType {
    /// Whether a person can switch such notifications off.
    pub const fn can_be_muted(self) -> bool {
        matches!(
            self,
            Self::LeadAssigned
                | Self::BidAccepted
                | Self::BidRejected
                | Self::TaskAssigned
                | Self::TaskDueSoon
                | Self::Mention
                | Self::Comment
        )
    }
}

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NotificationType,
    /// What happened, in some words.
    pub title: String,
    /// More about it.
    pub message: Option<String>,
    /// The record that it is about. Those who may not see it are not told.
    pub about: Option<About>,
}

/// A notification of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: i64,
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub account: AccountId,
    /// What it is about, as it is written.
    pub kind: String,
    /// What happened, in some words.
    pub title: String,
    /// More about it.
    pub message: Option<String>,
    /// The kind of the record that it is about, as it is written.
    pub entity_type: Option<String>,
    /// The id of that record.
    pub entity_id: Option<i64>,
    /// When they read it.
    pub read_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Tells people what was just done: all of `people` but the one who did it, those who may not see what it is about, those who have no
/// access any more, and those who have switched it off.
pub async fn notify(
    context: &Context<'_>,
    uow: &mut dyn UnitOfWork,
    notice: &Notice,
    people: impl IntoIterator<Item = AccountId>,
) -> Result<(), StoreError> {
    let cause = context.principal.account();
    let mut people: Vec<_> = people.into_iter().filter(|person| Some(*person) != cause).collect();
    people.sort_unstable();
    people.dedup();
    if people.is_empty() {
        return Ok(());
    }
    let sees = |role: &Role| notice.about.is_none_or(|about| about.kind.is_seen_by(*role));
    let roles: Vec<_> = Role::ALL.into_iter().filter(sees).collect();
    uow.notifications().notify(context.tenant, notice, &people, &roles, context.now).await
}
