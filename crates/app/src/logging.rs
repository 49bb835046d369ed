//! The log, on standard error.

mod json;
mod pretty;

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use anyhow::{Context, bail};
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
    refuse_strange_words(filter)?;
    let filter = EnvFilter::try_new(format!("{quiet},{filter}")).context("--log: the filter is not valid")?;
    let lines = match format {
        LogFormat::Pretty => {
            let format = pretty::Named::new(std::io::stderr().is_terminal());
            fmt::layer().event_format(format).with_writer(std::io::stderr).boxed()
        }
        LogFormat::Json => fmt::layer().event_format(json::Flat).with_writer(std::io::stderr).boxed(),
    };
    tracing_subscriber::registry().with(export).with(lines.with_filter(filter.and(wanted()))).init();
    Ok(())
}

/// A word that is no level is taken for a target, of which all is logged, and of everything else nothing. Nobody means that who
/// says `verbose`.
fn refuse_strange_words(filter: &str) -> anyhow::Result<()> {
    let words =
        filter.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.contains(['=', '[', ']', '}']));
    for word in words {
        let ours = word == "bwp" || word.starts_with("bwp_");
        if !ours && word.parse::<LevelFilter>().is_err() {
            bail!(
                "--log: `{word}` is no level: say error, warn, info, debug or trace, or TARGET=LEVEL for a part of the server"
            );
        }
    }
    Ok(())
}

/// Whether the door has been closed, and errors of whoever stands at it are expected.
static DOOR_CLOSED: AtomicBool = AtomicBool::new(false);

/// From now on, that no connection can be accepted is no news.
pub(crate) fn expect_closed_door() {
    DOOR_CLOSED.store(true, Relaxed);
}

/// What the log takes. Spans are made for traces: a line knows its request without one, see [`bwp_web::current`].
fn wanted<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Filter<S> {
    let at_the_door = |metadata: &Metadata<'_>| metadata.target() == "actix_server::accept";
    DynFilterFn::new(move |metadata, _| metadata.is_event() && !(at_the_door(metadata) && DOOR_CLOSED.load(Relaxed)))
        .with_callsite_filter(move |metadata| {
            // For all but one the answer is known once and for all.
            if metadata.is_span() {
                Interest::never()
            } else if at_the_door(metadata) {
                Interest::sometimes()
            } else {
                Interest::always()
            }
        })
        // Of no level in particular. Unless it says so, what the other filter leaves out is made all the same, and thrown
        // away.
        .with_max_level_hint(LevelFilter::TRACE)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use actix_web::{App, HttpRequest, HttpResponse, test, web};
    use bwp_web::observe::{Observer, observe, record_tenant};
    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[::core::prelude::v1::test]
    fn a_word_that_is_no_level_is_refused() {
        for filter in ["info", "WARN,bwp_web=debug", "bwp_web", "off", "info,[span{a,b}]=trace,", "hyper::client=trace"]
        {
            assert!(refuse_strange_words(filter).is_ok(), "{filter}");
        }
        for filter in ["verbose", "info,verbose", "bwp_web=debug, inf"] {
            assert!(refuse_strange_words(filter).is_err(), "{filter}");
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Kept {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    async fn speaks(request: HttpRequest) -> HttpResponse {
        tracing::info!("early");
        record_tenant(&request, "tnt_1");
        let _inner = tracing::info_span!("inner", step = 7).entered();
        tracing::info!(status = 200, fast = true, method = "its own", "said \"so\"");
        HttpResponse::Ok().finish()
    }

    /// What is written of a request before its tenant is known and after, and outside of any.
    async fn lines(layer: impl FnOnce(Kept) -> Box<dyn Layer<Registry> + Send + Sync>) -> [String; 3] {
        let kept = Kept::default();
        let log = layer(kept.clone()).with_filter(LevelFilter::INFO.and(wanted()));
        let _log = tracing::subscriber::set_default(tracing_subscriber::registry().with(log));
        let observer = Observer {
            new_request_id: Arc::new(|| "req_1".to_owned()),
            trusted_proxies: Arc::default(),
            meter: Arc::default(),
            availability: Arc::default(),
            trace: None,
        };
        let surface = App::new().route("/said", web::get().to(speaks)).wrap(observe(observer));
        let surface = test::init_service(surface).await;
        test::call_service(&surface, test::TestRequest::get().uri("/said?secret").to_request()).await;
        tracing::warn!("alone");
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
    }

    #[actix_web::test]
    async fn a_json_line_is_flat_and_names_its_request() {
        let [early, line, alone] = lines(|kept| fmt::layer().event_format(json::Flat).with_writer(kept).boxed()).await;
        assert!(early.ends_with(r#""request_id":"req_1","method":"GET","path":"/said"}"#), "{early}");
        assert!(
            line.ends_with(
                r#""message":"said \"so\"","status":200,"fast":true,"method":"its own","request_id":"req_1","path":"/said","tenant":"tnt_1"}"#
            ),
            "{line}"
        );
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["level"], "INFO");
        assert!(object["timestamp"].is_string() && object["target"].is_string(), "{line}");
        assert!(alone.ends_with(r#""message":"alone"}"#), "{alone}");
    }

    #[actix_web::test]
    async fn a_pretty_line_names_its_request_at_its_end() {
        let format = pretty::Named::new(false);
        let [early, line, alone] = lines(|kept| fmt::layer().event_format(format).with_writer(kept).boxed()).await;
        assert!(early.ends_with(r#": early request_id=req_1 method=GET path="/said""#), "{early}");
        let says = r#": said "so" status=200 fast=true method="its own" request_id=req_1 method=GET path="/said" tenant=tnt_1"#;
        assert!(line.ends_with(says), "{line}");
        assert!(alone.ends_with(": alone"), "{alone}");
    }
}
