//! Executions of one idempotency key wait for each other before they take a connection.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bwp_domain::{idempotency::IdempotencyKey, ids::TenantId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// How long an execution waits for another one of its key, here and in the database.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

type Name = (TenantId, String);

/// The keys that are being worked on in this process.
#[derive(Clone, Default)]
pub(crate) struct Joins(Arc<Mutex<HashMap<Name, Arc<AsyncMutex<()>>>>>);

/// Keeps others who execute the same key waiting until it is dropped.
struct Joined {
    joins: Joins,
    name: Name,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Joins {
    /// Waits for the key, but not longer than [`PATIENCE`].
    pub(crate) async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<impl Send + 'static> {
        let name = (tenant, key.as_str().to_owned());
        let turn = {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(keys.entry(name.clone()).or_default())
        };
        // Made before the wait, so that giving up cleans up as well.
        let mut joined = Joined { joins: self.clone(), name, guard: None };
        joined.guard = Some(tokio::time::timeout(PATIENCE, turn.lock_owned()).await.ok()?);
        Some(joined)
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut keys = self.joins.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.guard.take());
        // The last one out forgets the key. Who waits or works holds a clone, and clones are made under this lock.
        if keys.get(&self.name).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            keys.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (TenantId, IdempotencyKey) {
        (TenantId::new(1).unwrap(), IdempotencyKey::parse("k").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_not_for_ever() {
        let (tenant, key) = names();
        let joins = Joins::default();
        let first = joins.join(tenant, &key).await;
        assert!(first.is_some());
        assert!(joins.join(tenant, &key).await.is_none(), "the first one never ends");
        drop(first);
        assert!(joins.join(tenant, &key).await.is_some());
        assert!(joins.0.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[tokio::test]
    async fn another_tenants_key_is_another_key() {
        let (tenant, key) = names();
        let joins = Joins::default();
        let _first = joins.join(tenant, &key).await;
        assert!(joins.join(TenantId::new(2).unwrap(), &key).await.is_some());
    }
}
