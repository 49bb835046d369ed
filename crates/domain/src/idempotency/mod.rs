//! Idempotency keys: a request that is sent again has one effect.

mod fingerprint;
mod key;
mod receipt;

pub use fingerprint::Fingerprint;
pub use key::{IdempotencyKey, InvalidIdempotencyKey};
pub use receipt::{Claim, KeyedRequest, ReceiptRepository, RenderedResponse};

#[cfg(feature = "testing")]
pub use receipt::MockReceiptRepository;

use std::time::Duration;

/// For how long after the first request its answer is given again.
pub const RECEIPT_LIFETIME: Duration = Duration::from_hours(24);
