//! What is done now and then: learning of new cursor secrets, and throwing away what nobody will ask for again.

use std::{sync::Arc, time::Duration};

use bwp_domain::{clock::Timestamp, execute::Environment};
use bwp_http::Cursors;
use bwp_postgres::{PgStore, Purged};

use super::rate_limits::RateLimits;

const PAUSE: Duration = Duration::from_mins(1);

/// For how long delivered events are kept.
const DELIVERED_FOR: Duration = Duration::from_hours(7 * 24);

/// Keeps house until it is aborted. Every server does; they pass over each other's rows.
pub(super) async fn run(store: PgStore, environment: Environment, cursors: Arc<Cursors>, limits: RateLimits) {
    loop {
        tokio::time::sleep(PAUSE).await;
        limits.alone.sweep();
        if let Err(error) = cursors.refresh().await {
            tracing::warn!(%error, "the cursor secrets could not be read again; it is tried again later");
        }
        let now = environment.clock.now();
        let delivered_before = Timestamp::from_unix_millis(
            now.unix_millis() - i64::try_from(DELIVERED_FOR.as_millis()).unwrap_or(i64::MAX),
        );
        loop {
            match store.purge(now, delivered_before).await {
                Ok(Purged { receipts: 0, events: 0 }) => break,
                Ok(Purged { receipts, events }) => tracing::debug!(receipts, events, "purged"),
                Err(error) => {
                    tracing::warn!(%error, "purging failed; it is tried again later");
                    break;
                }
            }
        }
    }
}
