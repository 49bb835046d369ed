//! Reading the outbox.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bwp_domain::events::EventReader;
use tokio::time::sleep;

use crate::{Hint, Pulse, Task};

/// Makes deliveries of events, as soon as they are committed.
pub struct FanOut {
    events: Arc<dyn EventReader>,
    hint: Hint,
    /// Who is told that deliveries were made.
    deliveries: Hint,
}

/// The most events of one round.
const MOST: u32 = 1_000;

/// Between two looks at the outbox: while events come, and when none came for [`CALM`]. Those that this process commits are told of
/// at once.
const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_millis(200);
const CALM: Duration = Duration::from_secs(10);

/// Between two rounds at least: events that are committed meanwhile share the next one.
const PACE: Duration = Duration::from_millis(5);

/// How long is waited after a failure.
const PATIENCE: Duration = Duration::from_secs(1);

impl FanOut {
    /// Reads what `events` has when `hint` is given, and gives `deliveries` when there are some.
    pub fn new(events: Arc<dyn EventReader>, hint: Hint, deliveries: Hint) -> Self {
        Self { events, hint, deliveries }
    }
}

#[async_trait]
impl Task for FanOut {
    fn name(&self) -> &'static str {
        "reading the outbox"
    }

    fn hint(&self) -> Hint {
        self.hint.clone()
    }

    async fn run(&self, pulse: &Pulse) {
        let mut last_event: Option<Instant> = None;
        loop {
            let calm = last_event.is_none_or(|last| last.elapsed() > CALM);
            if !pulse.next(if calm { LATER } else { SOON }).await {
                return;
            }
            match self.events.fan_out(MOST).await {
                Ok(read) => {
                    if read.deliveries > 0 {
                        self.deliveries.give();
                    }
                    if read.events > 0 {
                        last_event = Some(Instant::now());
                        // There may be more.
                        self.hint.give();
                    }
                    sleep(PACE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox is read again later");
                    sleep(PATIENCE).await;
                }
            }
        }
    }
}
