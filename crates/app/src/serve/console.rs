//! The pages for people: what they are given.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use bwp_console::{Assets, BlockingHasher, ConsoleState, Guards};
use bwp_domain::papers::Papers;
use bwp_http::ApiState;
use bwp_postgres::PgStore;
use bwp_web::public_url::PublicUrl;

/// The pages' state, which all workers share: people ask for little, and what they ask for is bounded in one place.
pub(super) fn state(api: &ApiState, store: PgStore, public_url: &PublicUrl) -> ConsoleState {
    // One for each processor: hashing more at once takes memory, and no less time.
    let at_once = available_parallelism().map_or(1, NonZeroUsize::get);
    let store = Arc::new(store);
    ConsoleState {
        store: Arc::clone(&store) as _,
        sessions: Arc::clone(&store) as _,
        keys: Arc::clone(&store) as _,
        oauth: Arc::clone(&store) as _,
        audit_log: Arc::clone(&store) as _,
        security_log: Arc::clone(&store) as _,
        team: Arc::clone(&store) as _,
        invitations: Arc::clone(&store) as _,
        webhooks: Arc::clone(&store) as _,
        url_guard: Arc::clone(&api.webhooks.guard),
        rows: Arc::clone(&store) as _,
        papers: Papers {
            rows: Arc::clone(&store) as _,
            users: Arc::clone(&store) as _,
            printer: Arc::clone(&api.papers.printer),
        },
        files: Arc::clone(&api.files),
        signing_links: store,
        vault: Arc::clone(&api.webhooks.vault),
        guards: Arc::new(Guards::new(Arc::clone(&api.environment.clock))),
        passwords: Arc::new(BlockingHasher::new(at_once, Arc::clone(&api.environment.entropy))),
        meter: Arc::clone(&api.meter),
        readiness: Arc::clone(&api.readiness),
        environment: api.environment.clone(),
        public_url: public_url.clone(),
        version: env!("CARGO_PKG_VERSION"),
        form_timeout: api.body_limits.deadline,
        request_timeout: api.request_timeout,
        assets: Arc::new(Assets::default()),
    }
}
