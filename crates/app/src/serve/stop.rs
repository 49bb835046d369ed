//! The end of `bwp serve`.

use std::{io, sync::Arc, time::Duration};

use actix_web::dev::ServerHandle;
use bwp_web::{availability::Availability, server::Door};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use crate::logging;

/// Ctrl-C, SIGTERM from a service manager, Ctrl-\, or a terminal that is gone: someone wants the server to stop.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// `None` where it is ignored, as under `nohup`.
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// From now on these signals no longer end the process at once, which would leave a private PostgreSQL running.
    pub(crate) fn listen() -> io::Result<Self> {
        let hang_up = if is_hang_up_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, quit: signal(SignalKind::quit())?, hang_up })
    }

    /// Waits for the next one since [`listen`](Self::listen).
    pub(crate) async fn next(&mut self) {
        let terminal = &mut self.hang_up;
        let hung_up = async move {
            match terminal {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            _ = hung_up => {}
        }
    }

    /// Waits for one that asks again. A terminal that is gone says so as often as it has processes that do.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
        }
    }
}

/// Whether who started this process had it ignore SIGHUP, so that it outlives their terminal. (Linux; elsewhere it is taken for no.)
fn is_hang_up_ignored() -> bool {
    const HANG_UP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANG_UP != 0)
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
        () = signals.again() => {}
    }
}
