//! Recording outcomes, many at once: those that come while the ones before are written go together.

use std::{sync::Arc, time::Duration};

use bwp_domain::{
    execute::Environment,
    ids::DeliveryId,
    webhooks::ports::{DeliveryQueues, QueueId},
};
use tokio::{sync::mpsc, time::sleep};

use super::attempt::Ended;

/// A run whose outcome is recorded.
pub(super) struct Recorded(pub(super) QueueId, pub(super) DeliveryId, pub(super) u32);

/// The most outcomes of one statement.
const MOST: usize = 500;

/// How long is waited after a failure.
const PATIENCE: Duration = Duration::from_secs(1);

/// Records what is sent to the first, and tells of it by the second. It ends when nobody sends any more.
pub(super) fn record(
    queues: Arc<dyn DeliveryQueues>,
    environment: Environment,
) -> (mpsc::UnboundedSender<Ended>, mpsc::UnboundedReceiver<Recorded>) {
    let (outcomes, mut to_record) = mpsc::unbounded_channel::<Ended>();
    let (done, recorded) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while to_record.recv_many(&mut batch, MOST).await > 0 {
            let outcomes: Vec<_> = batch.iter().map(|ended| ended.outcome.clone()).collect();
            let failing = loop {
                match queues.record(&outcomes).await {
                    Ok(failing) => break failing,
                    // What is not recorded is sent again: by this worker not, as long as it is here.
                    Err(error) => {
                        tracing::warn!(%error, "outcomes of webhook deliveries are recorded later");
                        sleep(PATIENCE).await;
                    }
                }
            };
            for queue in failing {
                let last = batch.iter().rev().find(|ended| ended.outcome.queue == queue);
                let last = last.map_or("", |ended| ended.summary.as_str());
                match queues.disable(queue, last, environment.clock.now()).await {
                    Ok(()) => tracing::info!(
                        tenant = queue.tenant.get(),
                        endpoint = queue.endpoint.get(),
                        "a webhook endpoint was disabled, for its attempts failed too often"
                    ),
                    // The next failure tells again.
                    Err(error) => tracing::warn!(%error, "a webhook endpoint is disabled later"),
                }
            }
            for Ended { outcome, .. } in batch.drain(..) {
                // The worker may have stopped.
                let _ = done.send(Recorded(outcome.queue, outcome.delivery, outcome.replays));
            }
        }
    });
    (outcomes, recorded)
}
