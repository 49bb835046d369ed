//! Events: what happened, for those who want to be told.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use crate::{
    clock::Timestamp,
    ids::{AccountId, EventId, KeyId, TenantId},
    paging::Limit,
    principal::Principal,
    store::StoreError,
    webhooks::EventType,
};

/// Something that happened to a tenant's data, as it is kept in the outbox.
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
    /// What people call the resource that it happened to, such as `contact`.
    pub resource: &'static str,
    /// Which one.
    pub row: i64,
    /// Who did it.
    pub actor: Actor,
    /// The resource after the change (before it, for a deletion).
    pub data: Value,
    /// For an update, the old values of what changed.
    pub previous_attributes: Option<Value>,
}

/// Who made a change happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The person, if one was signed in.
    pub account: Option<AccountId>,
    /// The key. Neither: the operator, or the server itself.
    pub key: Option<KeyId>,
}

impl Actor {
    /// This one.
    pub fn of(principal: &Principal) -> Self {
        match principal {
            Principal::Key(credential) => Self { key: Some(credential.key.id), ..Self::default() },
            Principal::User(signed_in) => Self { account: Some(signed_in.account().id), ..Self::default() },
            Principal::App(app) => Self { account: Some(app.user.account.id), ..Self::default() },
            Principal::Operator(_) => Self::default(),
            Principal::Job(job) => Self::of(&job.starter),
        }
    }
}

/// What receivers are sent of an event, in this order.
#[derive(Debug, Serialize)]
pub struct EventBody<'a> {
    /// Its id.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// When.
    pub created_at: Timestamp,
    /// To whose data.
    pub tenant_id: TenantId,
    /// The resource.
    pub data: &'a Value,
    /// The old values of what changed. Left out, and not `null`, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_attributes: Option<&'a Value>,
}

impl EventBody<'_> {
    /// Compact JSON. An event is rendered once: what is sent later, and again, are these bytes.
    pub fn render(&self) -> String {
        // No map in it has a key that is not a string.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Event {
    /// What receivers are sent.
    pub fn body(&self, tenant: TenantId) -> String {
        let Self { id, kind, version: _, occurred_at, resource: _, row: _, actor: _, data, previous_attributes } = self;
        let previous_attributes = previous_attributes.as_ref();
        EventBody { id: *id, kind, created_at: *occurred_at, tenant_id: tenant, data, previous_attributes }.render()
    }
}

/// Where events wait to be delivered.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Outbox: Send {
    /// Appends events. MUST become visible together with the changes of the same unit of work, or not at all.
    async fn append(&mut self, tenant: TenantId, events: &[Event]) -> Result<(), StoreError>;
}

/// What one round of reading the outbox did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FannedOut {
    /// How many events were read.
    pub events: u32,
    /// How many deliveries to webhook endpoints were made of them.
    pub deliveries: u32,
}

/// The outbox's reader.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EventReader: Send + Sync {
    /// Reads up to `most` events that were committed and not read before: numbers them, and makes a delivery of each for every
    /// webhook endpoint that wants it.
    ///
    /// MUST read one event before another if the other's change was made with the first one committed: events of one row in the
    /// order of its changes, and events of different rows as clients could tell. MUST be done by one process at a time; another
    /// one reads nothing. MUST read an event, however late it is committed, and never twice.
    async fn fan_out(&self, most: u32) -> Result<FannedOut, StoreError>;
}

/// Where a follower of events stands: behind the event of this number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPosition(pub i64);

/// Which events a follower wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedFilter {
    /// Those of these types; empty for all that receivers are told of.
    pub kinds: Vec<EventType>,
    /// Those of the resource with this id. It means something of types of one resource alone.
    pub row: Option<i64>,
}

/// Some events, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// What receivers are sent of each.
    pub bodies: Vec<String>,
    /// Where the follower stands behind them.
    pub position: FeedPosition,
    /// Whether there are more now.
    pub has_more: bool,
}

/// Events for those who ask for them.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// The tenant's events behind a position that happened since `oldest`, in the order in which they were
    /// [read](EventReader::fan_out). MUST show no event before one that is shown later to a follower who asks again.
    async fn events(
        &self,
        tenant: TenantId,
        filter: &FeedFilter,
        after: FeedPosition,
        oldest: Timestamp,
        limit: Limit,
    ) -> Result<FeedPage, StoreError>;
}
