//! The log, on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::cli::LogFormat;

/// Starts the log. `filter` is what the operator asked for; what follows it holds unless they name the same target.
pub(crate) fn start(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    // actix_http writes an error for each malformed request head: whoever sends rubbish could fill the log.
    let quiet = "actix_http=off,actix_server=warn,mio=warn,tokio_postgres=warn";
    let filter = EnvFilter::try_new(format!("{quiet},{filter}")).context("the log filter is not valid")?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Pretty => {
            registry.with(fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr)).init();
        }
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).init();
        }
    }
    Ok(())
}
