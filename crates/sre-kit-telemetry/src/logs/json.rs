//! Log lines in JSON, with the field names of Cloud Logging.
//!
//! Sources: <https://docs.cloud.google.com/logging/docs/structured-logging#special-payload-fields>,
//! and <https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/> for the ids
//! if no project is set.

use std::fmt;
use std::time::SystemTime;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::context::TraceContext;
use crate::traces::active_span;

/// The names of the line's own fields. An event's field of the same name is printed with a `_`
/// appended.
const RESERVED: [&str; 9] = [
    "severity",
    "time",
    "message",
    "target",
    "span",
    "trace_id",
    "span_id",
    "trace_flags",
    "httpRequest",
];

/// The JSON format of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonFormat {
    /// The Google Cloud project of the traces, if it is set.
    pub(crate) project: Option<String>,
}

impl<S> FormatEvent<S, JsonFields> for JsonFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = JsonLine { text: String::with_capacity(256) };
        line.text.push_str("{\"severity\":\"");
        line.text.push_str(severity(*metadata.level()));
        line.text.push('"');
        line.string("time", &humantime::format_rfc3339_micros(SystemTime::now()).to_string());
        event.record(&mut line);
        line.string("target", metadata.target());
        if let Some(trace) = active_span() {
            self.trace(&mut line, &trace);
        }
        if let (Some(file), Some(number)) = (metadata.file(), metadata.line()) {
            line.key("logging.googleapis.com/sourceLocation");
            line.text.push_str("{\"file\":");
            line.quoted(file);
            line.text.push_str(",\"line\":\"");
            line.text.push_str(&number.to_string());
            line.text.push_str("\"}");
        }
        if let Some(span) = context.lookup_current() {
            line.key("span");
            line.text.push_str("{\"name\":");
            line.quoted(span.name());
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                // The fields are formatted as an object, whose braces are not needed here.
                let inner = fields.trim_start_matches('{').trim_end_matches('}');
                if !inner.is_empty() {
                    line.text.push(',');
                    line.text.push_str(inner);
                }
            }
            line.text.push('}');
        }
        line.text.push_str("}\n");
        writer.write_str(&line.text)
    }
}

impl JsonFormat {
    fn trace(&self, line: &mut JsonLine, trace: &TraceContext) {
        let (trace_id, span_id) = (trace.trace_id().to_string(), trace.span_id().to_string());
        if let Some(project) = &self.project {
            line.string(
                "logging.googleapis.com/trace",
                &format!("projects/{project}/traces/{trace_id}"),
            );
            line.string("logging.googleapis.com/spanId", &span_id);
            line.key("logging.googleapis.com/trace_sampled");
            line.text.push_str(if trace.is_sampled() { "true" } else { "false" });
        }
        line.string("trace_id", &trace_id);
        line.string("span_id", &span_id);
        line.string("trace_flags", if trace.is_sampled() { "01" } else { "00" });
    }
}

/// Returns the severity of Cloud Logging, which has `WARNING` and no `TRACE`.
fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// A JSON object that is being written, without its closing brace.
struct JsonLine {
    text: String,
}

impl JsonLine {
    fn key(&mut self, name: &str) {
        self.text.push(',');
        self.quoted(name);
        self.text.push(':');
    }

    fn quoted(&mut self, text: &str) {
        self.text.push_str(&Value::from(text).to_string());
    }

    fn string(&mut self, name: &str, value: &str) {
        self.key(name);
        self.quoted(value);
    }

    fn field(&mut self, field: &Field, value: impl Into<Value>) {
        match field.name() {
            "message" => self.key("message"),
            name if RESERVED.contains(&name) => self.key(&format!("{name}_")),
            name => self.key(name.strip_prefix("r#").unwrap_or(name)),
        }
        self.text.push_str(&value.into().to_string());
    }
}

impl Visit for JsonLine {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.field(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt;

    use super::JsonFormat;
    use crate::context::{TraceContext, attach};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(project: Option<&str>, log: impl FnOnce()) -> Vec<Value> {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(JsonFields::new())
            .event_format(JsonFormat { project: project.map(str::to_owned) })
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = sink.0.lock().expect("not poisoned").clone();
        String::from_utf8(text)
            .expect("text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON by itself"))
            .collect()
    }

    #[test]
    fn an_event_is_one_line_with_its_fields() {
        let lines = lines(None, || {
            tracing::warn!(attempt = 3, ratio = 0.5, kind = "a\"b\nc", "line one\nline two");
        });
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(line["severity"], "WARNING");
        assert_eq!(line["message"], "line one\nline two");
        assert_eq!((&line["attempt"], &line["ratio"]), (&Value::from(3), &Value::from(0.5)));
        assert_eq!(line["kind"], "a\"b\nc");
        assert!(line["time"].as_str().expect("text").ends_with('Z'));
        assert!(line.get("trace_id").is_none(), "there is no trace");
    }

    #[test]
    fn a_trace_has_the_fields_of_cloud_logging_and_of_opentelemetry() {
        let context = TraceContext::new(0xabc, 0xdef, true);
        let lines = lines(Some("shop"), || {
            let _attached = attach(context);
            tracing::info!("hello");
        });
        let line = &lines[0];
        let trace = format!("projects/shop/traces/{:032x}", 0xabc);
        assert_eq!(line["logging.googleapis.com/trace"], trace);
        assert_eq!(line["logging.googleapis.com/spanId"], format!("{:016x}", 0xdef));
        assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
        assert_eq!(line["trace_id"], format!("{:032x}", 0xabc));
    }

    #[test]
    fn a_field_never_replaces_one_of_the_lines_own() {
        let lines = lines(None, || tracing::info!(severity = "x", time = 1, "hello"));
        assert_eq!(lines[0]["severity"], "INFO");
        assert_eq!(lines[0]["severity_"], "x");
        assert_eq!(lines[0]["time_"], 1);
    }

    #[test]
    fn the_fields_of_the_current_span_are_logged() {
        let lines = lines(None, || {
            let _span = tracing::info_span!("import", file = "a.csv").entered();
            tracing::error!("no such file");
        });
        assert_eq!(lines[0]["span"]["name"], "import");
        assert_eq!(lines[0]["span"]["file"], "a.csv");
    }
}
