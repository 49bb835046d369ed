//! Events: what happened, for those who want to be told.

use async_trait::async_trait;

use crate::{clock::Timestamp, ids::EventId, ids::TenantId, store::StoreError};

/// Something that happened to a tenant's data, as it is kept in the outbox.
///
/// The payload is the domain's, with a version, and not what any receiver is sent: a delivery renders it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id, `evt_…`.
    pub id: EventId,
    /// What happened, such as `contact.created`.
    pub kind: &'static str,
    /// The version of the payload's shape.
    pub version: i16,
    /// When.
    pub occurred_at: Timestamp,
    /// The resource after the change (before it, for a deletion).
    pub data: serde_json::Value,
    /// For an update, the old values of what changed.
    pub previous_attributes: Option<serde_json::Value>,
}

/// Where events wait to be delivered.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Outbox: Send {
    /// Appends events. MUST become visible together with the changes of the same unit of work, or not at all.
    async fn append(&mut self, tenant: TenantId, events: &[Event]) -> Result<(), StoreError>;
}
