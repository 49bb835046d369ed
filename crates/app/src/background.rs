//! The tasks of the background loop.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use bwp_domain::{execute::Environment, vault::Vault};
use bwp_outbound::{Guard, Tls, Webhooks};
use bwp_postgres::{PgStore, PoolSettings};
use bwp_worker::{Deliver, DeliveryLimits, FanOut, Hint, RunningWorker, Worker};

use crate::cli::OutboundArgs;

/// The connections of the background loop. It reads nothing in lanes: none is opened.
pub(crate) const CONNECTIONS: usize = 3;

/// A pool of so many.
pub(crate) const fn connections(most: usize) -> PoolSettings {
    PoolSettings { max_size: most, lanes: 1, ..PoolSettings::DEFAULT }
}

/// How long what is under way may take when the process stops. What is not done by then is done by another, or after the next start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What leaves the server, as the operator allows it.
pub(crate) fn outbound(args: &OutboundArgs) -> anyhow::Result<Webhooks> {
    let blocks = args.webhook_allow.iter().filter(|text| !text.trim().is_empty());
    let allowed: Result<Vec<_>, _> = blocks.map(|text| text.trim().parse()).collect();
    Ok(Webhooks::new(Guard::new(allowed.context("--webhook-allow")?), Tls::System))
}

/// Starts all tasks, over connections of their own.
pub(crate) fn start(
    store: &PgStore,
    connections: PoolSettings,
    environment: &Environment,
    outbound: Webhooks,
    vault: Arc<Vault>,
) -> anyhow::Result<RunningWorker> {
    let store = Arc::new(store.for_thread(connections)?);
    let (events, deliveries) = (Hint::default(), Hint::default());
    let hint = events.clone();
    store.on_events(move || hint.give());
    let worker =
        Worker::default().with(FanOut::new(Arc::clone(&store) as _, events, deliveries.clone())).with(Deliver {
            queues: store,
            courier: Arc::new(outbound),
            vault,
            environment: environment.clone(),
            limits: DeliveryLimits::default(),
            hint: deliveries,
        });
    worker.start().context("starting the background loop")
}
