//! Throwing away what nobody will ask for again.

use bwp_domain::{clock::Timestamp, store::StoreError};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, store::PgStore};

/// How many rows were thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Receipts whose time was over.
    pub receipts: usize,
    /// Events delivered long ago.
    pub events: usize,
}

/// Rows in one statement: small enough to hold no lock for long.
const BATCH: i64 = 1000;

const PURGE_RECEIPTS: &str = "DELETE FROM idempotency_receipts USING (
        SELECT tenant_id, key FROM idempotency_receipts WHERE expires_at <= $1
        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) AS expired
    WHERE idempotency_receipts.tenant_id = expired.tenant_id AND idempotency_receipts.key = expired.key";

const PURGE_EVENTS: &str = "DELETE FROM outbox USING (
        SELECT tenant_id, id FROM outbox WHERE delivered_at <= $1
        ORDER BY delivered_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) AS delivered
    WHERE outbox.tenant_id = delivered.tenant_id AND outbox.id = delivered.id";

impl PgStore {
    /// Throws away a batch of receipts whose time is over at `now`, and of events that were delivered before
    /// `delivered_before`. Servers that do so at once pass over each other's rows. Call again as long as something was
    /// purged.
    pub async fn purge(&self, now: Timestamp, delivered_before: Timestamp) -> Result<Purged, StoreError> {
        let mut connection = self.connection().await?;
        let mut purge = async |statement: &str, until: Timestamp| {
            diesel::sql_query(statement)
                .bind::<Timestamptz, _>(DateTime::<Utc>::from(until))
                .bind::<BigInt, _>(BATCH)
                .execute(&mut connection)
                .await
                .during("purging")
        };
        Ok(Purged { receipts: purge(PURGE_RECEIPTS, now).await?, events: purge(PURGE_EVENTS, delivered_before).await? })
    }
}
