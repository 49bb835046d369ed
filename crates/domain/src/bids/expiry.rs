//! Bids expire on the day after their last.

use async_trait::async_trait;

use super::steps::Held;
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Environment, ExecuteError, Failure, execute},
    idempotency::RenderedResponse,
    ids::TenantId,
    principal::Caller,
    resource::ResourceError,
    store::{Store, StoreError, UnitOfWork},
    tenants::TimeZone,
};

type Result<T> = std::result::Result<T, Failure<ResourceError>>;

/// A bid becomes expired once its last day is past at the tenant's. Nothing happens to one whose last day is not.
pub struct Expire {
    /// Which bid.
    pub bid: i64,
    /// Where the tenant is.
    pub zone: TimeZone,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Expire {
    type Output = ();
    type Error = ResourceError;

    fn asks(&self) -> bool {
        true
    }

    async fn apply(&self, context: &Context<'_>, uow: &mut (dyn UnitOfWork + 'static)) -> Result<Applied<()>> {
        let mut held = Held::lock_as_it_is(self.bid, context, uow).await?;
        if held.bid.is_past(self.zone, context.now) {
            held.expire(context, uow).await?;
        }
        Ok(Applied::telling((), held.told))
    }
}

/// A bid that is past its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Of which tenant.
    pub tenant: TenantId,
    /// Which bid.
    pub bid: i64,
    /// Where the tenant is.
    pub zone: TimeZone,
}

/// Bids of all tenants, for what the server does by itself.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OverdueBids: Send + Sync {
    /// The bids that are sent and whose last day is past at their tenant's, at most so many, those that were first to expire first.
    async fn overdue(&self, now: Timestamp, most: i64) -> std::result::Result<Vec<Overdue>, StoreError>;
}

/// How many bids are looked for at once.
const BATCH: i64 = 100;

/// Lets every overdue bid expire, each in a transaction of its own, and gives how many there were. Of two servers that do it at once, the
/// second finds nothing to do.
pub async fn expire_overdue(
    bids: &dyn OverdueBids,
    store: &dyn Store,
    environment: &Environment,
) -> std::result::Result<usize, StoreError> {
    let mut expired = 0;
    loop {
        let batch = bids.overdue(environment.clock.now(), BATCH).await?;
        for Overdue { tenant, bid, zone } in &batch {
            let command = Expire { bid: *bid, zone: *zone };
            let caller = Caller::operator(*tenant);
            match execute(store, environment, &caller, None, &command, |()| RenderedResponse::default()).await {
                Ok(_) => expired += 1,
                // It was deleted meanwhile.
                Err(ExecuteError::Rejected(_)) => {}
                Err(ExecuteError::Store(error)) => return Err(error),
                Err(other) => return Err(StoreError::Internal(format!("a bid cannot expire: {other:?}"))),
            }
        }
        if i64::try_from(batch.len()).is_ok_and(|found| found < BATCH) {
            return Ok(expired);
        }
    }
}
