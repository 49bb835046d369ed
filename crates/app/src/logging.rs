//! The log, on standard error.

mod json;

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use anyhow::Context;
use tracing::{Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{DynFilterFn, FilterExt, LevelFilter},
    fmt,
    layer::{Filter, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::cli::LogFormat;

/// A further place where spans go.
pub(crate) type Export = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts the log. `filter` is what the operator asked for; what follows it holds unless they name the same target. What
/// goes to `export` is none of the filter's business.
pub(crate) fn start(filter: &str, format: LogFormat, export: Option<Export>) -> anyhow::Result<()> {
    // actix_http writes an error for each malformed request head: whoever sends rubbish could fill the log.
    let quiet = "actix_http=off,actix_server=warn,mio=warn,tokio_postgres=warn,\
                 opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry-otlp=warn,hyper_util=warn,reqwest=warn";
    let filter = EnvFilter::try_new(format!("{quiet},{filter}")).context("the log filter is not valid")?;
    let lines = match format {
        LogFormat::Pretty => {
            fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed()
        }
        LogFormat::Json => {
            fmt::layer().fmt_fields(json::fields()).event_format(json::Flat).with_writer(std::io::stderr).boxed()
        }
    };
    tracing_subscriber::registry().with(export).with(lines.with_filter(filter.and(wanted()))).init();
    Ok(())
}

/// Whether the door has been closed, and errors of whoever stands at it are expected.
static DOOR_CLOSED: AtomicBool = AtomicBool::new(false);

/// From now on, that no connection can be accepted is no news.
pub(crate) fn expect_closed_door() {
    DOOR_CLOSED.store(true, Relaxed);
}

fn wanted<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Filter<S> {
    let at_the_door = |metadata: &Metadata<'_>| metadata.target() == "actix_server::accept";
    DynFilterFn::new(move |metadata, _| !(at_the_door(metadata) && DOOR_CLOSED.load(Relaxed)))
        .with_callsite_filter(
            // For all others the answer is known once and for all.
            move |metadata| if at_the_door(metadata) { Interest::sometimes() } else { Interest::always() },
        )
        // Of no level in particular. Unless it says so, what the other filter leaves out is made all the same, and thrown
        // away.
        .with_max_level_hint(LevelFilter::TRACE)
}
