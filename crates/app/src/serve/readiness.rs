//! What must be there for the server to work, and what had better be.

use std::sync::Arc;

use bwp_domain::{
    rate_limits::ports::{LimiterStatus, RateLimiter},
    store::Health,
};
use bwp_postgres::{AuditQueue, PgStore};
use bwp_web::{availability::Availability, readiness::Readiness};

/// The checks behind `/readyz`, by name.
pub(super) fn checks(
    store: &PgStore,
    availability: &Arc<Availability>,
    limiter: Arc<dyn RateLimiter>,
    audit: Arc<AuditQueue>,
) -> Readiness {
    let (store, sessions, clock) = (store.clone(), store.clone(), store.clock());
    Readiness::new(Arc::clone(availability))
        .require("database", move || {
            let store = store.clone();
            async move { store.check().await.map_err(|error| error.to_string()) }
        })
        .report_on("database sessions", move || {
            let lacks = sessions.pooler_lacks();
            async move { if lacks.is_empty() { Ok(()) } else { Err(pooler_lacks(&lacks)) } }
        })
        .report_on("clock", move || {
            let ahead = clock.ahead();
            async move {
                if ahead == 0 { Ok(()) } else { Err(format!("{ahead} ms ahead of the database's, and put right")) }
            }
        })
        .report_on("rate limits", move || {
            let status = limiter.status();
            async move {
                match status {
                    LimiterStatus::Connected => Ok(()),
                    LimiterStatus::Lost { since, .. } => Err(format!("Redis is lost since {since}")),
                }
            }
        })
        .report_on("audit log", move || {
            let lost = audit.counts().lost;
            async move { if lost == 0 { Ok(()) } else { Err(format!("{lost} entries were lost since the start")) } }
        })
}

/// Says in the log what `/readyz` will.
pub(super) fn warn_of_pooler(store: &PgStore) {
    let lacks = store.pooler_lacks();
    if !lacks.is_empty() {
        tracing::warn!("{}", pooler_lacks(&lacks));
    }
}

fn pooler_lacks(settings: &[String]) -> String {
    let settings = settings.join(", ");
    format!("a pooler gives sessions without {settings}; see \"Through PgBouncer\" in docs/operations.md")
}
