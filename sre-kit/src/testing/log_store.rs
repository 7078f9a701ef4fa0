//! Where the log lines of a test kit go.

use std::sync::{Arc, Mutex, PoisonError};

use super::log_line::LogLine;

/// The lines of one kit. Clones share them.
#[derive(Clone, Default)]
pub(super) struct LogStore(Arc<Mutex<Vec<LogLine>>>);

impl LogStore {
    pub(super) fn all(&self) -> Vec<LogLine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn push(&self, line: LogLine) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

/// The writer that the telemetry writes each line to, as JSON.
#[cfg(feature = "telemetry")]
impl std::io::Write for LogStore {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // The subscriber writes a line in one call.
        if let Ok(serde_json::Value::Object(line)) = serde_json::from_slice(bytes) {
            self.push(from_json(line));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "telemetry")]
fn from_json(line: serde_json::Map<String, serde_json::Value>) -> LogLine {
    use serde_json::Value;

    let mut found = LogLine::default();
    for (name, value) in line {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match name.as_str() {
            "severity" => found.severity = text,
            "target" => found.target = text,
            "message" => found.message = text,
            "trace_id" => found.trace_id = Some(text),
            "time" | "span" | "span_id" | "trace_flags" => {}
            name if name.starts_with("logging.googleapis.com/") => {}
            _ => {
                found.fields.insert(name, text);
            }
        }
    }
    found
}
