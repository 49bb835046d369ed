//! Executions of one idempotency key wait for each other before they take a connection.
//!
//! One is let in after the other until one has answered. Then the key has a receipt, and all are let in at once: what is left
//! to them is to read it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bwp_domain::{idempotency::IdempotencyKey, ids::TenantId, store::JoinGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long an execution waits for the work of another one of its key.
///
/// That work is a few statements and a commit. With 300 changes at once, 75 of them to one row, on one processor beside a
/// busy loop and with 100 ms for each commit, the slowest statement took 0.2 s and nobody waited longer than that in the
/// database for a key. What took seconds was to get a connection. So the second is for the work alone: in the database, where
/// whoever has the key has a connection, it is all that is waited; here, the time comes on top for which a connection may be
/// waited for. Nothing is held meanwhile here, but a connection there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

type Name = (TenantId, String);

/// The keys that are being worked on in this process.
#[derive(Clone)]
pub(crate) struct Joins {
    /// One may pass. Closed when the key is answered: then all may.
    turns: Arc<Mutex<HashMap<Name, Arc<Semaphore>>>>,
    patience: Duration,
}

/// Keeps others who execute the same key waiting until it is dropped.
struct Joined {
    joins: Joins,
    name: Name,
    /// None while waiting, and when the key was answered.
    turn: Option<OwnedSemaphorePermit>,
}

impl Joins {
    /// Those of executions that may each wait for a connection for as long as `queue`.
    pub(crate) fn new(queue: Duration) -> Self {
        Self { turns: Arc::default(), patience: queue + PATIENCE }
    }

    /// Waits for the key, but not for longer than another execution should take.
    pub(crate) async fn join(&self, tenant: TenantId, key: &IdempotencyKey) -> Option<impl JoinGuard + use<>> {
        let name = (tenant, key.as_str().to_owned());
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(name.clone()).or_insert_with(|| Arc::new(Semaphore::new(1))))
        };
        // Made before the wait, so that giving up cleans up as well.
        let mut joined = Joined { joins: self.clone(), name, turn: None };
        joined.turn = tokio::time::timeout(self.patience, turn.acquire_owned()).await.ok()?.ok();
        Some(joined)
    }
}

impl JoinGuard for Joined {
    fn is_answered(&self) -> bool {
        self.turn.is_none()
    }

    fn answer(&self) {
        if let Some(turn) = &self.turn {
            turn.semaphore().close();
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut turns = self.joins.turns.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.turn.take());
        // The last one out forgets the key. Who waits or has their turn holds a clone, and clones are made under this lock.
        if turns.get(&self.name).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const QUEUE: Duration = Duration::from_secs(2);

    fn names() -> (TenantId, IdempotencyKey) {
        (TenantId::new(1).unwrap(), IdempotencyKey::parse("k").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_not_for_ever() {
        let (tenant, key) = names();
        let joins = Joins::new(QUEUE);
        let first = joins.join(tenant, &key).await;
        assert!(first.is_some());
        let began = Instant::now();
        assert!(joins.join(tenant, &key).await.is_none(), "the first one never ends");
        assert_eq!(began.elapsed(), QUEUE + PATIENCE);
        drop(first);
        assert!(joins.join(tenant, &key).await.is_some_and(|next| !next.is_answered()));
        assert!(joins.turns.lock().unwrap().is_empty(), "nothing is left behind");
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_connection_does_not_count() {
        let (tenant, key) = names();
        let joins = Joins::new(QUEUE);
        let first = joins.join(tenant, &key).await.unwrap();
        let (second, ()) = tokio::join!(joins.join(tenant, &key), async move {
            // In the queue for nearly as long as can be, and then at work.
            sleep(QUEUE + PATIENCE / 2).await;
            first.answer();
        });
        assert!(second.is_some_and(|second| second.is_answered()));
    }

    #[tokio::test(start_paused = true)]
    async fn once_one_has_answered_nobody_waits_for_anybody() {
        let (tenant, key) = names();
        let joins = Joins::new(QUEUE);
        let first = joins.join(tenant, &key).await.unwrap();
        let began = Instant::now();
        let reading = async || {
            let guard = joins.join(tenant, &key).await.unwrap();
            sleep(PATIENCE).await;
            guard.is_answered()
        };
        let answering = async {
            sleep(PATIENCE).await;
            first.answer();
            drop(first);
            // Late, while others read.
            reading().await
        };
        let all = tokio::join!(reading(), reading(), reading(), reading(), answering);
        assert_eq!(all, (true, true, true, true, true));
        assert_eq!(began.elapsed(), PATIENCE * 2);
        assert!(joins.turns.lock().unwrap().is_empty(), "nothing is left behind");
        assert!(!reading().await, "the next one asks anew");
    }

    #[tokio::test]
    async fn another_tenants_key_is_another_key() {
        let (tenant, key) = names();
        let joins = Joins::new(QUEUE);
        let _first = joins.join(tenant, &key).await;
        assert!(joins.join(TenantId::new(2).unwrap(), &key).await.is_some());
    }
}
