//! Throwing away what nobody will ask for again.
//!
//! What is over is over by two clocks: the process's and the database's. One server whose clock is ahead would else throw away
//! what all the others live on.

use std::time::Duration;

use bwp_domain::{
    clock::Timestamp,
    sessions::Session,
    sign_in::{DEVICE_LIFETIME, Failures},
    store::StoreError,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Interval, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::{error::DuringExt, sql::interval, store::PgStore};

/// How many rows were thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Receipts whose time was over.
    pub receipts: usize,
    /// Events that were delivered, or happened, long ago.
    pub events: usize,
    /// Sessions that are over.
    pub sessions: usize,
    /// Browsers in which nobody has signed in for long.
    pub browsers: usize,
    /// Failed attempts to sign in that do not count any more.
    pub failures: usize,
}

impl Purged {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Rows in one statement: small enough to hold no lock for long.
const BATCH: i64 = 1000;

const PURGE_RECEIPTS: &str = "DELETE FROM idempotency_receipts USING (
        SELECT tenant_id, key FROM idempotency_receipts WHERE expires_at <= least($1, now()) - $2
        ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS expired
    WHERE idempotency_receipts.tenant_id = expired.tenant_id AND idempotency_receipts.key = expired.key";

const PURGE_EVENTS: &str = "DELETE FROM outbox USING (
        SELECT tenant_id, id FROM outbox WHERE delivered_at <= least($1, now()) - $2
        ORDER BY delivered_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS delivered
    WHERE outbox.tenant_id = delivered.tenant_id AND outbox.id = delivered.id";

/// Nobody waits for them, so that their age bounds them. The oldest are those with the smallest ids, nearly: these are looked at,
/// along the index of what is not delivered, and those of them that are not old enough are let be. An index of their times would
/// be one more write for every change.
const PURGE_UNREAD_EVENTS: &str = "DELETE FROM outbox USING (
        SELECT outbox.tenant_id, outbox.id FROM (
            SELECT tenant_id, id FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT $3
        ) AS oldest
        JOIN outbox ON outbox.tenant_id = oldest.tenant_id AND outbox.id = oldest.id
        WHERE outbox.occurred_at <= least($1, now()) - $2 FOR UPDATE OF outbox SKIP LOCKED
    ) AS old
    WHERE outbox.tenant_id = old.tenant_id AND outbox.id = old.id";

/// One whose time is over since long ago has been idle since then too. Who signed in a moment ago is not looked at.
const PURGE_SESSIONS: &str = "DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE created_at <= least($1, now()) - $2 AND seen_at <= least($1, now()) - $2
        ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )";

const PURGE_BROWSERS: &str = "DELETE FROM known_browsers USING (
        SELECT account_id, token_hash FROM known_browsers WHERE signed_in_at <= least($1, now()) - $2
        ORDER BY signed_in_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE known_browsers.account_id = old.account_id AND known_browsers.token_hash = old.token_hash";

const PURGE_FAILURES: &str = "DELETE FROM sign_in_failures WHERE key IN (
        SELECT key FROM sign_in_failures WHERE last_at <= least($1, now()) - $2 ORDER BY last_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )";

impl PgStore {
    /// Throws away a batch of what nobody can use at `now` any more: receipts, sessions, known browsers and failed attempts;
    /// and of events that were delivered `events_for` before that or, since nothing delivers them, happened then. Where the
    /// database's clock is behind `now`, it is the one that counts. Servers that do so at once pass over each other's rows. Call
    /// again as long as something was purged.
    pub async fn purge(&self, now: Timestamp, events_for: Duration) -> Result<Purged, StoreError> {
        let mut connection = self.connection().await?;
        let mut purge = async |statement: &str, age: Duration| {
            diesel::sql_query(statement)
                .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
                .bind::<Interval, _>(interval(age))
                .bind::<BigInt, _>(BATCH)
                .execute(&mut connection)
                .await
                .during("purging")
        };
        Ok(Purged {
            receipts: purge(PURGE_RECEIPTS, Duration::ZERO).await?,
            events: purge(PURGE_EVENTS, events_for).await? + purge(PURGE_UNREAD_EVENTS, events_for).await?,
            sessions: purge(PURGE_SESSIONS, Session::IDLE).await?,
            browsers: purge(PURGE_BROWSERS, DEVICE_LIFETIME).await?,
            failures: purge(PURGE_FAILURES, Failures::WINDOW).await?,
        })
    }
}
