//! How many reads that may take long are made at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use bwp_domain::{ids::TenantId, store::StoreError};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Bounds those of one thread. At most half of its connections are theirs, so that changes always find one; and of these at most
/// half are one tenant's, so that its searches keep nobody else from reading.
#[derive(Debug)]
pub(crate) struct LongReads {
    all: Arc<Semaphore>,
    of_each: usize,
    /// Those of tenants that read or wait now, and some that did.
    tenants: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
    patience: Duration,
}

/// Leave for one such read. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Leave {
    _permits: [OwnedSemaphorePermit; 2],
}

/// How many tenants are remembered before those that do nothing are forgotten.
const REMEMBERED: usize = 1_000;

impl LongReads {
    pub(crate) fn of(connections: usize, patience: Duration) -> Self {
        let all = (connections / 2).max(1);
        let of_each = all.div_ceil(2);
        Self { all: Arc::new(Semaphore::new(all)), of_each, tenants: Mutex::default(), patience }
    }

    /// Waits for its turn, as long as for a connection.
    pub(crate) async fn enter(&self, tenant: TenantId) -> Result<Leave, StoreError> {
        let turn = async {
            let of_tenant = self.of_tenant(tenant).acquire_owned().await?;
            let of_all = Arc::clone(&self.all).acquire_owned().await?;
            Ok::<_, AcquireError>(Leave { _permits: [of_tenant, of_all] })
        };
        match timeout(self.patience, turn).await {
            Ok(Ok(leave)) => Ok(leave),
            Ok(Err(_)) => Err(StoreError::Internal("nobody closes this semaphore".to_owned())),
            Err(_) => Err(StoreError::Unavailable("too many reads that take long".to_owned())),
        }
    }

    fn of_tenant(&self, tenant: TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tenants.get(&tenant).and_then(Weak::upgrade) {
            return known;
        }
        if tenants.len() >= REMEMBERED {
            tenants.retain(|_, of_tenant| of_tenant.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(self.of_each));
        tenants.insert(tenant, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use bwp_domain::testing::tenant_id;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn half_of_the_connections_are_for_long_reads_and_half_of_these_for_one_tenant() {
        let reads = LongReads::of(8, SOON);
        let (one, another, third) = (tenant_id(1), tenant_id(2), tenant_id(3));
        let first = reads.enter(one).await.expect("room");
        let _second = reads.enter(one).await.expect("room");
        reads.enter(one).await.expect_err("no more of one tenant");
        let _third = reads.enter(another).await.expect("room for others");
        let _fourth = reads.enter(another).await.expect("room for others");
        reads.enter(third).await.expect_err("all is taken");
        drop(first);
        reads.enter(third).await.expect("room again");
        reads.enter(one).await.expect("room again");
    }

    #[tokio::test]
    async fn who_waits_has_its_turn_and_who_gives_up_takes_nothing() {
        let reads = Arc::new(LongReads::of(1, Duration::from_secs(5)));
        let first = reads.enter(tenant_id(1)).await.expect("room");
        let given_up = timeout(SOON, reads.enter(tenant_id(2))).await;
        assert!(given_up.is_err());
        let waiting = tokio::spawn({
            let reads = Arc::clone(&reads);
            async move { reads.enter(tenant_id(2)).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.expect("no panic").expect("its turn");
    }

    #[tokio::test]
    async fn tenants_that_do_nothing_are_forgotten() {
        let reads = LongReads::of(8, SOON);
        let kept = reads.enter(tenant_id(1)).await.expect("room");
        for n in 2..5_000 {
            reads.enter(tenant_id(n)).await.expect("room");
        }
        assert!(reads.tenants.lock().expect("no panic").len() <= REMEMBERED);
        let _second = reads.enter(tenant_id(1)).await.expect("room");
        reads.enter(tenant_id(1)).await.expect_err("who reads is not forgotten");
        drop(kept);
    }
}
