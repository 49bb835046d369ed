//! The end of `bwp serve`.

use std::{io, sync::Arc, time::Duration};

use actix_web::dev::ServerHandle;
use bwp_web::{availability::Availability, server::Door};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use crate::logging;

/// Ctrl-C, or SIGTERM from a service manager: someone wants the server to stop.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From now on these signals no longer end the process at once, which would leave a private PostgreSQL running.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one since [`listen`](Self::listen).
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// How long a connection that was accepted just before the door closed has for its request to arrive.
const SETTLE: Duration = Duration::from_millis(250);

/// At the first signal, stops the server in steps:
///
/// 1. It is not ready any more, and each answer ends its connection. For `drain`, it goes on serving whoever comes.
/// 2. New connections are refused, and what was accepted a moment ago gets its answer.
/// 3. Idle connections are closed, and requests in flight are finished. Then the server ends.
///
/// Returns at a second signal, which asks to end at once.
pub(super) async fn run(
    mut signals: StopSignals,
    availability: Arc<Availability>,
    door: Door,
    server: ServerHandle,
    drain: Duration,
) {
    signals.next().await;
    availability.stop();
    let steps = async {
        if !drain.is_zero() {
            tracing::info!("stopping in {}: not ready for new requests", humantime::format_duration(drain));
            sleep(drain).await;
        }
        tracing::info!("stopping: requests in flight are finished");
        logging::expect_closed_door();
        door.close();
        sleep(SETTLE).await;
        server.stop(true).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = steps => {}
        () = signals.next() => {}
    }
}
