//! The pages for people: what they are given.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use bwp_console::{Assets, BlockingHasher, ConsoleState};
use bwp_domain::accounts::ports::PasswordHasher;
use bwp_http::ApiState;
use bwp_postgres::PgStore;
use bwp_web::public_url::PublicUrl;

/// What the workers share.
#[derive(Clone)]
pub(super) struct Console {
    api: ApiState,
    public_url: PublicUrl,
    passwords: Arc<dyn PasswordHasher>,
    assets: Arc<Assets>,
}

impl Console {
    pub(super) fn new(api: &ApiState, public_url: &PublicUrl) -> Self {
        // One for each processor: hashing more at once takes memory, and no less time.
        let at_once = available_parallelism().map_or(1, NonZeroUsize::get);
        let passwords = BlockingHasher::new(at_once, Arc::clone(&api.environment.entropy));
        Self {
            api: api.clone(),
            public_url: public_url.clone(),
            passwords: Arc::new(passwords),
            assets: Arc::new(Assets::default()),
        }
    }

    /// What a worker has, with connections of its own.
    pub(super) fn over(&self, store: &PgStore) -> ConsoleState {
        let store = Arc::new(store.clone());
        ConsoleState {
            store: Arc::clone(&store) as _,
            sessions: Arc::clone(&store) as _,
            keys: Arc::clone(&store) as _,
            audit_log: Arc::clone(&store) as _,
            security_log: Arc::clone(&store) as _,
            team: Arc::clone(&store) as _,
            invitations: store,
            passwords: Arc::clone(&self.passwords),
            meter: Arc::clone(&self.api.meter),
            readiness: Arc::clone(&self.api.readiness),
            environment: self.api.environment.clone(),
            public_url: self.public_url.clone(),
            version: env!("CARGO_PKG_VERSION"),
            form_timeout: self.api.body_limits.deadline,
            request_timeout: self.api.request_timeout,
            assets: Arc::clone(&self.assets),
        }
    }
}
