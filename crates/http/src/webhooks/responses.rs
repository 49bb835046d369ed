//! How endpoints and deliveries are shown.

use std::collections::BTreeMap;

use bwp_domain::{
    clock::Timestamp,
    ids::{DeliveryId, EndpointId, EventId},
    webhooks::{Delivery, DeliveryStatus, Endpoint, EventType, Payload},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    openapi::word_schema,
    request::{ReadOnly, ReadOnlyFields},
};

word_schema! {
    /// A type of events.
    pub(crate) EventTypeSchema as "WebhookEventType": EventType::ALL
}
word_schema! {
    /// How far a delivery has come. `pending`: not tried since it was made or replayed. `failed`: it is tried again. `succeeded` and
    /// `exhausted` are final.
    pub(crate) DeliveryStatusSchema as "WebhookDeliveryStatus": DeliveryStatus::ALL
}

/// A webhook endpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEndpoint<'a> {
    /// Its id.
    #[schema(value_type = i64, minimum = 1, example = 12)]
    id: EndpointId,
    /// Where deliveries go.
    #[schema(example = "https://example.com/webhooks")]
    url: &'a str,
    /// What it is for.
    #[schema(value_type = Option<String>, required = true, example = "accounting")]
    description: Option<&'a str>,
    /// What it is told of.
    #[schema(value_type = Vec<EventTypeSchema>)]
    event_types: Vec<&'static str>,
    /// Whether anything is sent.
    is_active: bool,
    /// How many attempts in a row have failed, over all of its deliveries. At 20 it is disabled.
    #[schema(minimum = 0, example = 0)]
    consecutive_failures: u32,
    /// When a delivery succeeded last.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    last_delivered_at: Option<Timestamp>,
    /// When it was disabled because too many attempts failed. `null` if somebody paused it.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = json!(null))]
    disabled_at: Option<Timestamp>,
    /// What happened then.
    #[schema(value_type = Option<String>, required = true, example = json!(null))]
    disabled_reason: Option<&'a str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    updated_at: Timestamp,
}

/// What enables an endpoint again.
const ENABLE: &str = "`isActive: true` enables an endpoint again.";

impl ReadOnlyFields for WebhookEndpoint<'static> {
    const READ_ONLY: &'static [(&'static str, ReadOnly)] = &[
        ("id", ReadOnly::Ignored),
        ("isActive", ReadOnly::Guarded("A new endpoint is active. `PATCH /webhook-endpoints/{id}` pauses it.")),
        ("consecutiveFailures", ReadOnly::Ignored),
        ("lastDeliveredAt", ReadOnly::Ignored),
        ("disabledAt", ReadOnly::Guarded(ENABLE)),
        ("disabledReason", ReadOnly::Guarded(ENABLE)),
        ("createdAt", ReadOnly::Ignored),
        ("updatedAt", ReadOnly::Ignored),
    ];
}

impl<'a> From<&'a Endpoint> for WebhookEndpoint<'a> {
    fn from(endpoint: &'a Endpoint) -> Self {
        let disabled = endpoint.state.disabled();
        Self {
            id: endpoint.id,
            url: endpoint.url.as_str(),
            description: endpoint.description.as_deref(),
            event_types: endpoint.event_types.iter().map(|kind| kind.as_str()).collect(),
            is_active: endpoint.state.is_active(),
            consecutive_failures: endpoint.consecutive_failures,
            last_delivered_at: endpoint.last_delivered_at,
            disabled_at: disabled.map(|(at, _)| at),
            disabled_reason: disabled.map(|(_, reason)| reason),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// A webhook endpoint that was just made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEndpointWithSecret<'a> {
    #[serde(flatten)]
    pub(super) endpoint: WebhookEndpoint<'a>,
    /// What signs deliveries. Shown now, and not again.
    #[schema(example = "bwh_secret_0123456789abcdef…")]
    pub(super) signing_secret: &'a str,
}

/// A secret that was just made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookSecret<'a> {
    /// What signs deliveries from now on, and alone from 24 hours on. Shown now, and not again.
    #[schema(example = "bwh_secret_0123456789abcdef…")]
    pub(super) signing_secret: &'a str,
}

/// An event on its way to an endpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookDelivery<'a> {
    /// Its id.
    #[schema(value_type = i64, minimum = 1, example = 4711)]
    id: DeliveryId,
    /// The event's id.
    #[schema(value_type = String, example = "evt_01JD0C9Z3T7QWERTYV5K8M2N4P")]
    event_id: EventId,
    /// The event's type.
    #[schema(example = "contact.created")]
    event_type: &'a str,
    /// The endpoint's id.
    #[schema(value_type = i64, minimum = 1, example = 12)]
    endpoint_id: EndpointId,
    /// How far it has come.
    #[schema(value_type = DeliveryStatusSchema)]
    status: &'static str,
    /// How often it was tried since it was made or replayed.
    #[schema(minimum = 0, example = 1)]
    attempt_count: u32,
    /// When it is tried next. `null` of one that has ended, or waits for its endpoint to be active.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = json!(null))]
    next_attempt_at: Option<Timestamp>,
    /// When it was tried last.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    last_attempted_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    #[schema(value_type = Option<i32>, required = true, example = 200)]
    response_status: Option<u16>,
    /// The beginning of the last answer's body, up to 1,024 bytes, if it was no success. What looks like a credential is blotted out.
    #[schema(value_type = Option<String>, required = true, example = json!(null))]
    response_body: Option<&'a str>,
    /// Headers of the last answer: `content-type`, `x-request-id` and `x-trace-id`.
    #[schema(required = true)]
    response_headers: Option<&'a BTreeMap<String, String>>,
    /// Why there was no answer: `timeout`, `dns`, `connect`, `tls`, `address_not_allowed`, `protocol`; or `endpoint deleted`.
    #[schema(value_type = Option<String>, required = true, example = json!(null))]
    error_message: Option<&'a str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, required = true, format = DateTime, example = "2026-01-31T08:00:00.000Z")]
    completed_at: Option<Timestamp>,
}

/// An event on its way to an endpoint, as the list of all deliveries has it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookDeliveryFull<'a>(WebhookDelivery<'a>);

/// An event on its way to an endpoint, with the body that is sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookPayload<'a> {
    #[serde(flatten)]
    delivery: WebhookDelivery<'a>,
    /// The body that is sent.
    #[schema(value_type = Object)]
    payload: Value,
}

impl<'a> From<&'a Delivery> for WebhookDelivery<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: delivery.id,
            event_id: delivery.event_id,
            event_type: &delivery.event_type,
            endpoint_id: delivery.endpoint,
            status: delivery.status.as_str(),
            attempt_count: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_attempted_at: delivery.last_attempted_at,
            response_status: delivery.response_status,
            response_body: delivery.response_body.as_deref(),
            response_headers: delivery.response_headers.as_ref(),
            error_message: delivery.error_message.as_deref(),
            created_at: delivery.created_at,
            completed_at: delivery.completed_at,
        }
    }
}

impl<'a> From<&'a Delivery> for WebhookDeliveryFull<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self(delivery.into())
    }
}

impl<'a> From<&'a Payload> for WebhookPayload<'a> {
    fn from(payload: &'a Payload) -> Self {
        Self { delivery: (&payload.delivery).into(), payload: serde_json::from_str(&payload.body).unwrap_or_default() }
    }
}
