//! Endpoints.

use super::{EventType, WebhookUrl};
use crate::{clock::Timestamp, ids::EndpointId, text::Text};

/// The most endpoints of a tenant.
pub const MOST_ENDPOINTS: usize = 200;

/// How many attempts in a row may fail before an endpoint is disabled.
pub const MOST_FAILURES: u32 = 20;

/// A URL of a tenant's own that is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where deliveries go.
    pub url: WebhookUrl,
    /// What it is for.
    pub description: Option<Text>,
    /// What it wants to be told of, each type once.
    pub event_types: Vec<EventType>,
    /// Whether anything is sent.
    pub state: EndpointState,
    /// How many attempts in a row have failed, over all of its deliveries.
    pub consecutive_failures: u32,
    /// When a delivery succeeded last.
    pub last_delivered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed by somebody.
    pub updated_at: Timestamp,
}

/// Whether anything is sent to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Active,
    /// Somebody said that nothing is to be sent.
    Paused,
    /// Too many attempts in a row failed.
    Disabled {
        /// When.
        at: Timestamp,
        /// What happened.
        reason: String,
    },
}

impl EndpointState {
    /// Whether anything is sent.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Active)
    }

    /// When and why it was disabled, if it was.
    pub fn disabled(&self) -> Option<(Timestamp, &str)> {
        match self {
            Self::Active | Self::Paused => None,
            Self::Disabled { at, reason } => Some((*at, reason)),
        }
    }
}
