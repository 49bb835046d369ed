//! What must be there for the server to work.

use std::sync::Arc;

use bwp_domain::store::Health;
use bwp_postgres::PgStore;
use bwp_web::{availability::Availability, readiness::Readiness};

/// The checks behind `/readyz`, by name.
pub(super) fn checks(store: &PgStore, availability: &Arc<Availability>) -> Readiness {
    let store = store.clone();
    Readiness::new(Arc::clone(availability)).require("database", move || {
        let store = store.clone();
        async move { store.check().await.map_err(|error| error.to_string()) }
    })
}
