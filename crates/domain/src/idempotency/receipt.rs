//! Receipts: the answers of keyed requests.

use std::fmt;

use async_trait::async_trait;

use super::{Fingerprint, IdempotencyKey};
use crate::{clock::Timestamp, ids::TenantId, store::StoreError};

/// A request that came with an idempotency key.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    /// The key.
    pub key: IdempotencyKey,
    /// What the key stands for.
    pub fingerprint: Fingerprint,
}

/// An answer as a surface rendered it. The domain keeps it and does not read it. `Debug` shows the body's length alone:
/// a body is people's data, and may carry a secret that is shown once.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RenderedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers that are part of the answer's meaning, such as `Location`.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for RenderedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body } = self;
        let body = format_args!("{} bytes", body.len());
        f.debug_struct("RenderedResponse")
            .field("status", status)
            .field("headers", headers)
            .field("body", &body)
            .finish()
    }
}

/// What became of claiming an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is new: the one who holds the claim may do the work.
    Fresh,
    /// The same request was answered before.
    Replay(RenderedResponse),
    /// The key was used for another request.
    Mismatch,
    /// Another transaction holds the key and did not end in time.
    Busy,
}

/// The receipts, inside a unit of work.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ReceiptRepository: Send {
    /// Claims the request's key until the unit of work ends.
    ///
    /// MUST let one of two claims of one key wait for the other's end; MUST return [`Claim::Busy`] when it waited for
    /// one second; MUST treat a receipt whose time is over at `now` as absent, if it is over by the store's own clock
    /// too; MUST NOT leave a claim behind when the unit of work does not commit.
    async fn claim(&mut self, tenant: TenantId, request: &KeyedRequest, now: Timestamp) -> Result<Claim, StoreError>;

    /// Keeps the answer until [`RECEIPT_LIFETIME`](super::RECEIPT_LIFETIME) after the claim.
    async fn record(
        &mut self,
        tenant: TenantId,
        key: &IdempotencyKey,
        response: &RenderedResponse,
    ) -> Result<(), StoreError>;
}
