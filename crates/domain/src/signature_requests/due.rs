//! What time does to requests: they end, and signers are reminded of them.

use std::time::Duration;

use async_trait::async_trait;

use super::{Held, SignatureRequest, SignatureStatus, SigningRecord};
use crate::{
    clock::Timestamp,
    execute::{Applied, Command, Context, Environment, ExecuteError, Failure, execute},
    idempotency::RenderedResponse,
    ids::TenantId,
    mail::post_link,
    principal::Caller,
    resource::ResourceError,
    store::{Store, StoreError, UnitOfWork},
};

/// How long after the link a signer is reminded of it.
const REMINDED_AFTER: [Duration; 2] = [Duration::from_hours(3 * 24), Duration::from_hours(7 * 24)];

/// An open request with which something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Of which tenant.
    pub tenant: TenantId,
    /// Which request.
    pub request: i64,
}

/// Requests of all tenants, for what the server does by itself.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DueRequests: Send + Sync {
    /// The open requests whose time is over, and those that are sent and had no reminder since `reminded_after` of the number of their
    /// reminders, at most so many.
    async fn due(&self, now: Timestamp, reminded_after: [Duration; 2], most: i64) -> Result<Vec<Due>, StoreError>;
}

/// Ends a request whose time is over, or reminds its signer, if it is time for that.
pub struct Attend {
    /// Which request.
    pub request: i64,
}

#[async_trait]
impl Command<dyn UnitOfWork> for Attend {
    type Output = ();
    type Error = ResourceError;

    fn asks(&self) -> bool {
        true
    }

    async fn apply(
        &self,
        context: &Context<'_>,
        uow: &mut (dyn UnitOfWork + 'static),
    ) -> Result<Applied<()>, Failure<ResourceError>> {
        let held = Held::open(self.request, context, uow).await?;
        let (request, now) = (&held.request, context.now);
        let mut record = held.record.typed::<SigningRecord>()?.details;
        if request.expires_at.is_some_and(|end| end <= now) {
            let ended = SignatureRequest { status: SignatureStatus::Expired, ..request.clone() };
            held.store(&ended, &record, context, uow).await?;
            return Ok(Applied::silently(()));
        }
        let after = usize::try_from(record.reminders).ok().and_then(|count| REMINDED_AFTER.get(count));
        if let (Some(sent), Some(after)) = (request.sent_at, after)
            && sent.plus(*after) <= now
        {
            record.reminders += 1;
            held.store(request, &record, context, uow).await?;
            post_link(self.request, request, context, uow).await?;
        }
        Ok(Applied::silently(()))
    }
}

/// How many requests are looked for at once.
const BATCH: i64 = 100;

/// Does what is due, each in a transaction of its own, and gives how much there was. Of two servers that do it at once, the second finds
/// nothing to do.
pub async fn attend_due(
    requests: &dyn DueRequests,
    store: &dyn Store,
    environment: &Environment,
) -> Result<usize, StoreError> {
    let batch = requests.due(environment.clock.now(), REMINDED_AFTER, BATCH).await?;
    let (mut done, mut failed) = (0, None);
    for Due { tenant, request } in batch {
        let (command, caller) = (Attend { request }, Caller::operator(tenant));
        match execute(store, environment, &caller, None, &command, |()| RenderedResponse::default()).await {
            Ok(_) => done += 1,
            // It was answered meanwhile.
            Err(ExecuteError::Rejected(_)) => {}
            Err(ExecuteError::Store(error @ (StoreError::Unavailable(_) | StoreError::Busy(_)))) => return Err(error),
            // One that cannot be attended to keeps no others waiting.
            Err(other) => {
                failed = Some(StoreError::Internal(format!("a signature request is left as it is: {other:?}")));
            }
        }
    }
    failed.map_or(Ok(done), Err)
}
