//! What the log of this process says, by request id.

use std::{
    fmt::{self, Write},
    io,
    sync::{Mutex, Once, PoisonError},
};

use bwp_web::current::CurrentRequest;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent,
        format::{Format, Json, JsonFields, Writer},
    },
    registry::LookupSpan,
};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALL: Once = Once::new();

/// Starts to keep the log. The subscriber is the process's, because workers are threads of their own.
pub(crate) fn keep() {
    INSTALL.call_once(|| {
        let fmt = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG);
        fmt.event_format(Named(Format::default().json().flatten_event(true))).with_writer(|| Keep).init();
    });
}

/// Adds the request to each line.
struct Named(Format<Json>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Named {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        if let Some(request) = CurrentRequest::get() {
            line.truncate(line.trim_end().len() - 1);
            let (id, method, path) = (request.id(), request.method(), request.path());
            write!(line, ",\"request_id\":\"{id}\",\"method\":\"{method}\",\"path\":{path:?}")?;
            write!(line, ",\"tenant\":{:?}}}", request.tenant().unwrap_or_default())?;
        }
        writeln!(writer, "{}", line.trim_end())
    }
}

/// The lines so far that contain `text`, a request id say.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(lines.clone()).unwrap().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

struct Keep;

impl io::Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
