//! What rate limits need: someone who counts.

use async_trait::async_trait;

use super::{Admission, Budgets, Standing};
use crate::{clock::Timestamp, ids::TenantId};

/// Nobody can tell whether a request may go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rate limits cannot be counted: {0}")]
pub struct LimiterUnavailable(pub String);

/// What a limiter does while the place where it counts is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenLost {
    /// Each server counts alone.
    CountAlone,
    /// Every request is refused.
    Refuse,
    /// Every request is let in, and none is counted.
    Allow,
}

/// Whether a limiter counts where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimiterStatus {
    /// It does.
    Connected,
    /// The place where it counts is lost.
    Lost {
        /// Since when.
        since: Timestamp,
        /// What it does meanwhile.
        meanwhile: WhenLost,
    },
}

/// Counts what tenants and keys spend.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Charges a request: `cost` units to the tenant's budget and 1 request to the key's, if both have room.
    ///
    /// MUST decide both layers in one step: of requests that come at once, no more are admitted than there is room for.
    /// MUST charge nothing when it refuses. MUST let a spending leave the window exactly one window later; for budgets
    /// above [`Budget::EXACT_UP_TO`](super::Budget::EXACT_UP_TO) up to one slot later, and never sooner. MUST answer
    /// soon, or fail.
    async fn charge(&self, tenant: TenantId, budgets: &Budgets, cost: u32) -> Result<Admission, LimiterUnavailable>;

    /// How the budgets stand. Charges nothing.
    async fn standing(&self, tenant: TenantId, budgets: &Budgets) -> Result<Standing, LimiterUnavailable>;

    /// Whether it counts where it should. MUST answer at once.
    fn status(&self) -> LimiterStatus;
}
