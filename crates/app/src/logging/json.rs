//! A JSON object a line, flat: the fields of a request stand in each of its lines beside those of the event.

use std::fmt::{self, Write};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// How the fields of spans are kept until a line needs them: as a JSON object.
pub(super) fn fields() -> JsonFields {
    JsonFields::new()
}

/// `timestamp`, `level`, `target`, `message`, the fields of the event, and those of the spans around it, all side by side.
/// Where two have the same name, the event's holds, then that of the inner span.
pub(super) struct Flat;

impl<S> FormatEvent<S, JsonFields> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        event.record(&mut Fields(&mut line));
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
            let Ok(fields) = serde_json::from_str::<Map<String, Value>>(fields) else { continue };
            // What is meant for OpenTelemetry is no news here.
            for (name, value) in fields.into_iter().filter(|(name, _)| !name.starts_with("otel.")) {
                line.entry(name).or_insert(value);
            }
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Puts the fields of an event into an object.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing into a String fails only if the value does.
        let _ = write!(text, "{value:?}");
        self.put(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

    use super::*;

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

    #[test]
    fn each_line_is_flat_and_names_its_request() {
        let kept = Kept::default();
        let layer = tracing_subscriber::fmt::layer().fmt_fields(fields()).event_format(Flat).with_writer(kept.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let request = tracing::info_span!(
                "request",
                otel.kind = "server",
                request_id = "req_1",
                tenant = tracing::field::Empty
            );
            request.record("tenant", tracing::field::display("tnt_1"));
            request.in_scope(|| {
                let inner = tracing::info_span!("inner", status = 1, step = 7);
                inner.in_scope(|| tracing::info!(status = 200, fast = true, "said \"so\""));
            });
            tracing::warn!("alone");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let [first, second] = text.lines().collect::<Vec<_>>().try_into().unwrap();
        let line: Value = serde_json::from_str(first).unwrap();
        for (name, value) in [
            ("level", Value::from("INFO")),
            ("message", "said \"so\"".into()),
            ("request_id", "req_1".into()),
            ("tenant", "tnt_1".into()),
            ("status", 200.into()),
            ("step", 7.into()),
            ("fast", true.into()),
        ] {
            assert_eq!(line[name], value, "{name} in {first}");
        }
        assert!(first.contains("\"request_id\":\"req_1\",\"tenant\":\"tnt_1\""), "{first}");
        assert!(!first.contains("otel"), "{first}");
        assert!(line["timestamp"].is_string() && line["target"].is_string(), "{first}");
        assert!(second.contains("\"message\":\"alone\"") && !second.contains("request_id"), "{second}");
    }
}
