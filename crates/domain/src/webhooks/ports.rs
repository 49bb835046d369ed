//! What webhooks need from outside.
//!
//! # How deliveries are worked on
//! Deliveries of an endpoint wait in a queue. A worker leases queues, not deliveries: while it holds one, it alone sends to that
//! endpoint, and so starts first attempts in the order of commit. Its leases are good as long as it is heard of; a queue whose worker
//! was not heard of for [`LEASE`] is leased by another, which sends again whatever has no recorded outcome.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{
    Answer, Delivery, DeliveryFilter, DeliveryStatus, Endpoint, NewEndpoint, Payload, SigningSecret, UrlRefusal,
    WebhookUrl, commands::about, signature,
};
use crate::{
    clock::Timestamp,
    ids::{DeliveryId, EndpointId, EventId, TenantId},
    paging::{Page, PageRequest},
    store::StoreError,
    vault::{Unopenable, Vault},
};

/// For how long a worker that is not heard of keeps its leases.
pub const LEASE: Duration = Duration::from_secs(10);

/// A signing secret as it is kept: sealed. `Debug` shows its length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptSecret(pub Vec<u8>);

impl KeptSecret {
    /// The secret of an endpoint of `tenant`.
    pub fn open(&self, tenant: TenantId, vault: &Vault) -> Result<SigningSecret, Unopenable> {
        let text = vault.open(&about(tenant), &self.0)?;
        String::from_utf8(text).map(SigningSecret::kept).map_err(|_| Unopenable)
    }
}

impl std::fmt::Debug for KeptSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeptSecret({} bytes)", self.0.len())
    }
}

/// Endpoints and deliveries, outside any unit of work. Deleted endpoints are absent; their deliveries are not.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebhookReader: Send + Sync {
    /// All endpoints, newest first.
    async fn endpoints(&self, tenant: TenantId) -> Result<Vec<Endpoint>, StoreError>;

    /// The endpoint with this id.
    async fn endpoint(&self, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError>;

    /// A page of deliveries, newest first by (createdAt, id).
    async fn deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<Delivery>, StoreError>;

    /// The delivery with this id, and its body.
    async fn delivery(&self, tenant: TenantId, id: DeliveryId) -> Result<Option<Payload>, StoreError>;
}

/// Endpoints and deliveries, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebhookRepository: Send {
    /// How many endpoints the tenant has. MUST keep others from making one until the unit of work ends.
    async fn count_in_turn(&mut self, tenant: TenantId) -> Result<usize, StoreError>;

    /// Stores an active endpoint made at `now`.
    async fn insert(
        &mut self,
        tenant: TenantId,
        endpoint: &NewEndpoint,
        secret: KeptSecret,
        now: Timestamp,
    ) -> Result<Endpoint, StoreError>;

    /// The endpoint, locked so that nobody else changes or deletes it until the unit of work ends.
    async fn lock(&mut self, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError>;

    /// Stores what can be changed of an endpoint that this unit of work has locked, and was `before`. Whoever holds its queue MUST
    /// be told: nothing is sent any more to one that is not active, and what waits is due at once when it is active again.
    async fn update(&mut self, tenant: TenantId, before: &Endpoint, endpoint: &Endpoint) -> Result<(), StoreError>;

    /// Gives an endpoint that this unit of work has locked another secret; the one before is kept until `overlap_ends`.
    async fn rotate(
        &mut self,
        tenant: TenantId,
        id: EndpointId,
        secret: KeptSecret,
        now: Timestamp,
        overlap_ends: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes an endpoint that this unit of work has locked, and ends the deliveries that wait for it.
    async fn delete(&mut self, tenant: TenantId, id: EndpointId, now: Timestamp) -> Result<(), StoreError>;

    /// The endpoint of a delivery.
    async fn endpoint_of(&mut self, tenant: TenantId, id: DeliveryId) -> Result<Option<EndpointId>, StoreError>;

    /// Makes a delivery as if it had not been tried, due at once. Its endpoint is locked. MUST see to it that the outcome of an
    /// attempt that is under way is not taken for one of the new run.
    async fn replay(&mut self, tenant: TenantId, id: DeliveryId, now: Timestamp)
    -> Result<Option<Payload>, StoreError>;
}

/// A unit of work that lends the webhooks.
pub trait HasWebhooks: Send {
    /// The webhooks.
    fn webhooks(&mut self) -> &mut dyn WebhookRepository;
}

/// A process that sends, for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub u128);

/// Which queue: that of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The tenant.
    pub tenant: TenantId,
    /// The endpoint.
    pub endpoint: EndpointId,
}

/// What is asked of a leased queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refill {
    /// Which.
    pub queue: QueueId,
    /// Which state of it was seen last. Nothing is read of one that is still in it, unless `more` is asked for.
    pub seen: i64,
    /// Behind which delivery first attempts are wanted; the smallest id at first.
    pub after: i64,
    /// Whether there may be more in the state that was seen.
    pub more: bool,
}

/// What a queue holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refilled {
    /// Which.
    pub queue: QueueId,
    /// Which state of it this is. It changes with whatever is put into it and with its endpoint.
    pub state: i64,
    /// Whether the worker has it still.
    pub is_leased: bool,
    /// Where deliveries go. `None`: nowhere, for the endpoint is not active or is gone, or the lease is lost.
    pub target: Option<Target>,
    /// Deliveries that are due: first attempts in the order of commit, then others in the order in which they are due. Of these,
    /// attempts that are under way are among them.
    pub due: Vec<Due>,
    /// Whether there may be more that are due.
    pub more: bool,
}

/// Where deliveries of an endpoint go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The URL, as text.
    pub url: String,
    /// The secrets that sign, the newest first.
    pub secrets: Vec<KeptSecret>,
    /// How many attempts in a row have failed.
    pub consecutive_failures: u32,
}

/// An attempt that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Whether it is the first attempt at all: those are made in the order of commit.
    pub is_first: bool,
    /// How often the delivery was replayed.
    pub replays: u32,
    /// The number of the attempt in this run, counted from 1.
    pub attempt: u32,
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub event_type: String,
    /// What is sent.
    pub body: String,
}

impl Due {
    /// What tells this run of the delivery from others: `BuildWorkPro-Delivery-Id`.
    pub fn delivery_id(&self) -> String {
        match self.replays {
            0 => self.delivery.to_string(),
            replays => format!("{}-r{replays}", self.delivery),
        }
    }
}

/// The outcome of an attempt, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of which queue.
    pub queue: QueueId,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// In which run.
    pub replays: u32,
    /// The number of the attempt.
    pub attempt: u32,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How far the delivery has come.
    pub status: DeliveryStatus,
    /// When it is tried again, of one that failed.
    pub next_attempt_at: Option<Timestamp>,
    /// The status of the answer.
    pub response_status: Option<u16>,
    /// What is kept of its body.
    pub response_body: Option<String>,
    /// What is kept of its headers.
    pub response_headers: Option<BTreeMap<String, String>>,
    /// Why there was none.
    pub error_message: Option<String>,
}

/// Queues of deliveries, for workers.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DeliveryQueues: Send + Sync {
    /// Says that the worker is there, and so keeps its leases.
    async fn beat(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Leases up to `most` queues in which something is due and that no living worker has. MUST give a queue to one worker alone.
    async fn lease(&self, worker: WorkerId, most: usize) -> Result<Vec<QueueId>, StoreError>;

    /// What is due in queues that the worker has leased, up to `most` first attempts and as many others of each. Of a queue in which
    /// nothing has changed nothing is said.
    async fn refill(&self, worker: WorkerId, asked: &[Refill], most: usize) -> Result<Vec<Refilled>, StoreError>;

    /// Gives back queues, each in the state in which nothing was due. One that has changed since is kept: it is not among those that
    /// are returned.
    async fn release(&self, worker: WorkerId, queues: &[(QueueId, i64)]) -> Result<Vec<QueueId>, StoreError>;

    /// Records outcomes, in the order in which attempts ended. One of a run that is over, by a replay or because the endpoint was
    /// deleted, leaves the delivery as it is. Gives the endpoints whose attempts have failed so often that they are to be disabled.
    async fn record(&self, outcomes: &[Outcome]) -> Result<Vec<QueueId>, StoreError>;

    /// Disables an endpoint that is active and whose attempts failed [too often](super::MOST_FAILURES) in a row, and notes that in
    /// the security log. `last` is what came of the last one.
    async fn disable(&self, queue: QueueId, last: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Gives back all queues of a worker that stops.
    async fn leave(&self, worker: WorkerId) -> Result<(), StoreError>;
}

/// A request to a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub url: WebhookUrl,
    /// Headers besides those of every request.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Message {
    /// The message that tells a receiver of an event, signed now by each of these secrets.
    pub fn telling(url: WebhookUrl, event: &EventMessage<'_>, secrets: &[SigningSecret], now: Timestamp) -> Self {
        Self {
            url,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("user-agent", "BuildWorkPro-Webhooks/1.0".to_owned()),
                ("buildworkpro-signature", signature(now, event.body.as_bytes(), secrets)),
                ("buildworkpro-event", event.kind.to_owned()),
                ("buildworkpro-event-id", event.id.clone()),
                ("buildworkpro-delivery-id", event.delivery.clone()),
            ],
            body: event.body.to_owned(),
        }
    }
}

/// What a receiver is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMessage<'a> {
    /// The event's id.
    pub id: String,
    /// Its type.
    pub kind: &'a str,
    /// What tells this delivery of it from others.
    pub delivery: String,
    /// Its bytes.
    pub body: &'a str,
}

/// What sends to receivers.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Courier: Send + Sync {
    /// Sends a message by POST, and waits for the head of the answer and the beginning of its body until the
    /// [deadline](super::delivery::DEADLINE).
    ///
    /// MUST connect to an address that is allowed, and was found to be just before; MUST NOT follow a redirection.
    async fn send(&self, message: Message) -> Answer;
}

/// What knows whither nothing may be sent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UrlGuard: Send + Sync {
    /// Whether deliveries may go to a URL, by the addresses that its host has now.
    async fn check(&self, url: &WebhookUrl) -> Result<(), UrlRefusal>;
}
