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
    webhooks::delivery::KEPT_FOR,
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
    /// Events that were read and happened long ago.
    pub events: usize,
    /// Webhook deliveries that ended long ago.
    pub deliveries: usize,
    /// Workers that were not heard of for long.
    pub workers: usize,
    /// Sessions that are over.
    pub sessions: usize,
    /// Browsers in which nobody has signed in for long.
    pub browsers: usize,
    /// Failed attempts to sign in that do not count any more.
    pub failures: usize,
    /// Codes and tokens of apps whose time has been over for long.
    pub tokens: usize,
    /// Apps that nobody has let in.
    pub apps: usize,
}

impl Purged {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Rows in one statement: small enough to hold no lock for long.
const BATCH: i64 = 1000;

/// For how long it is remembered that there was a worker.
const WORKERS_FOR: Duration = Duration::from_hours(24);

const PURGE_RECEIPTS: &str = "DELETE FROM idempotency_receipts USING (
        SELECT tenant_id, key FROM idempotency_receipts WHERE expires_at <= least($1, now()) - $2
        ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS expired
    WHERE idempotency_receipts.tenant_id = expired.tenant_id AND idempotency_receipts.key = expired.key";

/// Those that were read, up to the first that is not old enough: they are in the order in which they were read, nearly that of their
/// times. One with a delivery that is still kept stays.
const PURGE_EVENTS: &str = "DELETE FROM outbox USING (
        SELECT tenant_id, id FROM outbox
        WHERE position IS NOT NULL AND occurred_at <= least($1, now()) - $2
            AND position < coalesce(
                (
                    SELECT young.position FROM outbox AS young
                    WHERE young.position IS NOT NULL AND young.occurred_at > least($1, now()) - $2
                    ORDER BY young.position LIMIT 1
                ),
                9223372036854775807
            )
            AND NOT EXISTS (
                SELECT FROM webhook_deliveries AS delivery
                WHERE delivery.tenant_id = outbox.tenant_id AND delivery.outbox_id = outbox.id
            )
        ORDER BY position LIMIT $3 FOR UPDATE OF outbox SKIP LOCKED
    ) AS old
    WHERE outbox.tenant_id = old.tenant_id AND outbox.id = old.id";

const PURGE_DELIVERIES: &str = "DELETE FROM webhook_deliveries USING (
        SELECT tenant_id, id FROM webhook_deliveries WHERE completed_at <= least($1, now()) - $2
        ORDER BY completed_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE webhook_deliveries.tenant_id = old.tenant_id AND webhook_deliveries.id = old.id";

/// Those that were made just when their endpoint was deleted.
const END_DELIVERIES: &str = "UPDATE webhook_deliveries AS delivery SET
        status = 'exhausted', is_first = false, next_attempt_at = NULL, completed_at = endpoint.deleted_at,
        error_message = 'endpoint deleted'
    FROM webhook_endpoints AS endpoint
    WHERE endpoint.deleted_at IS NOT NULL AND endpoint.deleted_at > least($1, now()) - $2
        AND delivery.tenant_id = endpoint.tenant_id AND delivery.endpoint_id = endpoint.id AND delivery.completed_at IS NULL";

/// One that still has queues stays: by its row others see that they may take them.
const PURGE_WORKERS: &str = "DELETE FROM webhook_workers WHERE id IN (
        SELECT id FROM webhook_workers AS worker WHERE seen_at <= least($1, now()) - $2
        AND NOT EXISTS (SELECT FROM webhook_queues AS queue WHERE queue.worker = worker.id)
        LIMIT $3 FOR UPDATE SKIP LOCKED
    )";

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

const PURGE_CODES: &str = "DELETE FROM oauth_codes USING (
        SELECT tenant_id, id FROM oauth_codes WHERE expires_at <= least($1, now()) - $2
        ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE oauth_codes.tenant_id = old.tenant_id AND oauth_codes.id = old.id";

const PURGE_ACCESS: &str = "DELETE FROM oauth_access_tokens USING (
        SELECT tenant_id, id FROM oauth_access_tokens WHERE expires_at <= least($1, now()) - $2
        ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE oauth_access_tokens.tenant_id = old.tenant_id AND oauth_access_tokens.id = old.id";

const PURGE_REFRESH: &str = "DELETE FROM oauth_refresh_tokens USING (
        SELECT tenant_id, id FROM oauth_refresh_tokens WHERE expires_at <= least($1, now()) - $2
        ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS old
    WHERE oauth_refresh_tokens.tenant_id = old.tenant_id AND oauth_refresh_tokens.id = old.id";

/// The lock stands in the way of a grant or a code that is just being made for one of them.
const PURGE_APPS: &str = "DELETE FROM oauth_clients WHERE id IN (
        SELECT id FROM oauth_clients AS client WHERE created_at <= least($1, now()) - $2
            AND NOT EXISTS (SELECT FROM oauth_grants WHERE client_id = client.id)
            AND NOT EXISTS (SELECT FROM oauth_codes WHERE client_id = client.id)
        ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )";

/// For how long codes and tokens are known whose time is over: one that is shown again is told as what it is.
const TOKENS_FOR: Duration = Duration::from_hours(7 * 24);

/// For how long an app is known that nobody lets in: registration is open to all.
const APPS_FOR: Duration = Duration::from_hours(90 * 24);

impl PgStore {
    /// Throws away a batch of what nobody can use at `now` any more: receipts, sessions, known browsers and failed attempts;
    /// codes and tokens whose time has been over for a week, and apps that nobody has let in;
    /// webhook deliveries that ended [`KEPT_FOR`] before that; and events that were read, happened as long ago and have no delivery.
    /// An event that nobody has read yet stays, however old it is. Where the database's clock is behind `now`, it is the one that
    /// counts. Servers that do so at once pass over each other's rows. Call again as long as something was purged.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, StoreError> {
        let mut connection = self.connection().await?;
        diesel::sql_query(END_DELIVERIES)
            .bind::<Timestamptz, _>(DateTime::<Utc>::from(now))
            .bind::<Interval, _>(interval(KEPT_FOR))
            .execute(&mut connection)
            .await
            .during("ending deliveries of deleted endpoints")?;
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
            deliveries: purge(PURGE_DELIVERIES, KEPT_FOR).await?,
            events: purge(PURGE_EVENTS, KEPT_FOR).await?,
            workers: purge(PURGE_WORKERS, WORKERS_FOR).await?,
            sessions: purge(PURGE_SESSIONS, Session::IDLE).await?,
            browsers: purge(PURGE_BROWSERS, DEVICE_LIFETIME).await?,
            failures: purge(PURGE_FAILURES, Failures::WINDOW).await?,
            tokens: purge(PURGE_CODES, TOKENS_FOR).await?
                + purge(PURGE_ACCESS, TOKENS_FOR).await?
                + purge(PURGE_REFRESH, TOKENS_FOR).await?,
            apps: purge(PURGE_APPS, APPS_FOR).await?,
        })
    }
}
