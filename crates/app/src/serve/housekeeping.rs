//! What is done now and then: tidying the search index, letting bids and signature requests expire, comparing clocks, learning of new cursor secrets, making room in the audit log, throwing
//! away what nobody will ask for again, and giving back memory.

use std::{sync::Arc, time::Duration};

use bwp_domain::{bids::expire_overdue, execute::Environment, signature_requests::attend_due};
use bwp_http::Cursors;
use bwp_postgres::{AuditPartitions, PgStore};

use super::rate_limits::RateLimits;
use crate::memory;

/// Between two times that the search index is tidied: all searches read what is not.
const PAUSE: Duration = Duration::from_secs(1);
/// How often that is done before the rest is.
const PAUSES: usize = 60;

/// How many batches are thrown away before the search index is tidied again: more than a minute brings, and no more than some
/// seconds take. After an upgrade there may be years of events.
const BATCHES: usize = 300;

/// Keeps house until it is aborted. Every server does; they pass over each other's rows.
pub(super) async fn run(
    store: PgStore,
    environment: Environment,
    cursors: Arc<Cursors>,
    limits: RateLimits,
    audit_retention: Duration,
) {
    loop {
        tidy(&store).await;
        limits.alone.sweep();
        if let Err(error) = cursors.refresh().await {
            tracing::warn!(%error, "the cursor secrets could not be read again; it is tried again later");
        }
        if let Err(error) = store.put_clock_right().await {
            tracing::warn!(%error, "the database's clock could not be read; it is tried again later");
        }
        match expire_overdue(&store, &store, &environment).await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "bids are past their last day"),
            Err(error) => tracing::warn!(%error, "bids expire later"),
        }
        if let Err(error) = attend_due(&store, &store, &environment).await {
            tracing::warn!(%error, "signature requests end, and signers are reminded, later");
        }
        let now = environment.clock.now();
        match store.keep_audit_partitions(now, audit_retention).await {
            Ok(AuditPartitions { dropped }) if dropped.is_empty() => {}
            Ok(AuditPartitions { dropped }) => tracing::info!(?dropped, "old months of the audit log were dropped"),
            Err(error) => tracing::warn!(%error, "the audit log's partitions are looked after again later"),
        }
        for _ in 0..BATCHES {
            match store.purge(now).await {
                Ok(purged) if purged.is_empty() => break,
                Ok(purged) => tracing::debug!(?purged, "purged"),
                Err(error) => {
                    tracing::warn!(%error, "purging failed; it is tried again later");
                    break;
                }
            }
        }
        memory::give_back();
    }
}

/// Tidies the search index for a minute. What is in the way is told once.
async fn tidy(store: &PgStore) {
    let mut tidied = Ok(());
    for _ in 0..PAUSES {
        tokio::time::sleep(PAUSE).await;
        let last = std::mem::replace(&mut tidied, store.tidy_search().await);
        if let (Ok(()), Err(error)) = (last, &tidied) {
            tracing::warn!(%error, "the search index is tidied again later");
        }
    }
}
