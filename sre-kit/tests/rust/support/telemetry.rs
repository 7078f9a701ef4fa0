//! Telemetry whose spans, records and lines can be looked at.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Keeps what it is given.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Kept<T> {
    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().expect("not poisoned").clone()
    }

    pub(crate) fn push(&self, items: impl IntoIterator<Item = T>) {
        self.0.lock().expect("not poisoned").extend(items);
    }
}

impl SpanExporter for Kept<SpanData> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.push(batch);
        Ok(())
    }
}

impl Write for Kept<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.push(bytes.iter().copied());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Kept<u8> {
    /// The lines, each of them JSON.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.all()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// An attribute of a span as text, or nothing.
pub(crate) fn attribute(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|KeyValue { key, .. }| key.as_str() == name);
    match found.map(|found| &found.value) {
        None => String::new(),
        Some(Value::String(text)) => text.as_str().to_owned(),
        Some(other) => other.to_string(),
    }
}
