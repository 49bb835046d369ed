//! Closing the API for planned work, and opening it again, while the server runs.

use std::sync::Arc;

use bwp_web::availability::Availability;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Maintenance;

/// Closes the API or opens it.
pub(super) fn set(availability: &Availability, maintenance: Maintenance) {
    match maintenance {
        Maintenance::Off => availability.open(),
        Maintenance::On(retry_after) => availability.close(retry_after),
    }
}

/// Closes the API at each SIGUSR1 and opens it at each SIGUSR2. `configured` says what clients are then told to wait.
pub(super) async fn switch(availability: Arc<Availability>, configured: Maintenance) {
    let signals = (signal(SignalKind::user_defined1()), signal(SignalKind::user_defined2()));
    let (Ok(mut close), Ok(mut open)) = signals else {
        tracing::warn!("SIGUSR1 and SIGUSR2 cannot be listened for: maintenance cannot be switched");
        return;
    };
    let wait = match configured {
        Maintenance::On(wait) => wait,
        Maintenance::Off => Maintenance::WAIT,
    };
    loop {
        tokio::select! {
            _ = close.recv() => {
                availability.close(wait);
                tracing::info!("closed for maintenance");
            }
            _ = open.recv() => {
                availability.open();
                tracing::info!("open again");
            }
        }
    }
}
