//! Webhooks: who is told of events, and what became of telling them.
//!
//! An [`Endpoint`] is a URL of a tenant's own that is told of events of some types. Each event that is committed while an endpoint
//! wants it becomes a [`Delivery`], which is tried until it succeeds or has been tried [often enough](delivery::MOST_ATTEMPTS).
//! What is sent is [signed](SigningSecret::sign). How deliveries are told apart and kept waiting is said by the
//! [ports](self::ports); what sends them is not in this crate.

mod commands;
pub mod delivery;
mod draft;
mod endpoint;
mod event_type;
pub mod ports;
mod redact;
mod secret;
mod url;

pub use commands::{CreateEndpoint, CreatedEndpoint, DeleteEndpoint, EditEndpoint, ReplayDelivery, RotateSecret};
pub use delivery::{Answer, Delivery, DeliveryFilter, DeliveryStatus, NoAnswer, Payload};
pub use draft::{EndpointChanges, EndpointDraft, NewEndpoint};
pub use endpoint::{Endpoint, EndpointState, MOST_ENDPOINTS, MOST_FAILURES};
pub use event_type::EventType;
pub use redact::redacted;
pub use secret::{SECRET_OVERLAP, SigningSecret, signature};
pub use url::{UrlRefusal, WebhookUrl};

use crate::fields::FieldErrors;

/// Why nothing was done about a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// There is no such endpoint.
    #[error("no such webhook endpoint")]
    NoEndpoint,
    /// There is no such delivery.
    #[error("no such webhook delivery")]
    NoDelivery,
    /// Fields are wrong.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The tenant has as many endpoints as it may have.
    #[error("there are {MOST_ENDPOINTS} webhook endpoints already")]
    TooMany,
    /// There is no key to keep a secret with.
    #[error("there is no key to keep secrets with")]
    VaultLocked,
    /// The endpoint of a delivery is gone.
    #[error("the endpoint was deleted")]
    EndpointDeleted,
}
