//! A line for a person: what happened, then in which request.

use std::fmt;

use bwp_web::current::CurrentRequest;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Writer},
    },
    registry::LookupSpan,
};

/// The usual line, and the fields of the request at its end.
pub(super) struct Named(Format);

impl Named {
    /// In colours, if `ansi` says so.
    pub(super) fn new(ansi: bool) -> Self {
        Self(Format::default().with_ansi(ansi))
    }
}

impl<S, N> FormatEvent<S, N> for Named
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(line.trim_end_matches('\n'))?;
        if let Some(request) = CurrentRequest::get() {
            let (id, method, path) = (request.id(), request.method(), request.path());
            write!(writer, " request_id={id} method={method} path={path:?}")?;
            if let Some(tenant) = request.tenant() {
                write!(writer, " tenant={tenant}")?;
            }
        }
        writeln!(writer)
    }
}
