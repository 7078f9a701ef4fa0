//! A span that has ended.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::Status;
#[cfg(feature = "otlp")]
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
#[cfg(feature = "otlp")]
use opentelemetry_proto::tonic::trace::v1 as proto;
use opentelemetry_sdk::trace::SpanData;

use crate::{SpanId, TraceId};

/// A span that has ended, as a collector sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    trace_id: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    attributes: BTreeMap<String, String>,
    is_error: bool,
    start: SystemTime,
    duration: Duration,
}

impl Span {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of the trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the id of the span.
    pub fn span_id(&self) -> SpanId {
        self.id
    }

    /// Returns the id of the parent, which can be a span of another process.
    pub fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// Returns an attribute as text, or `None` if the span has none of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Returns all attributes, by name.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// Returns whether the status of the span is an error.
    pub fn is_error(&self) -> bool {
        self.is_error
    }

    /// Returns when the span started.
    pub fn start(&self) -> SystemTime {
        self.start
    }

    /// Returns the time from the start to the end.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    pub(super) fn from_sdk(span: &SpanData) -> Self {
        let parent = u64::from_be_bytes(span.parent_span_id.to_bytes());
        let attributes = span.attributes.iter();
        Self {
            trace_id: TraceId(u128::from_be_bytes(span.span_context.trace_id().to_bytes())),
            id: SpanId(u64::from_be_bytes(span.span_context.span_id().to_bytes())),
            parent: (parent != 0).then_some(SpanId(parent)),
            name: span.name.to_string(),
            attributes: attributes.map(|kv| (kv.key.to_string(), kv.value.to_string())).collect(),
            is_error: matches!(span.status, Status::Error { .. }),
            start: span.start_time,
            duration: span.end_time.duration_since(span.start_time).unwrap_or_default(),
        }
    }

    #[cfg(feature = "otlp")]
    pub(super) fn from_proto(span: &proto::Span) -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(span.start_time_unix_nano);
        let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
        let error = i32::from(proto::status::StatusCode::Error);
        Self {
            trace_id: TraceId(big_endian(&span.trace_id)),
            id: span_id(&span.span_id),
            parent: Some(span_id(&span.parent_span_id)).filter(|id| id.0 != 0),
            name: span.name.clone(),
            attributes: attributes(&span.attributes),
            is_error: span.status.as_ref().is_some_and(|status| status.code == error),
            start,
            duration: Duration::from_nanos(nanos),
        }
    }
}

/// Returns attributes by name, their values as text.
#[cfg(feature = "otlp")]
pub(super) fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    all.iter()
        .map(|kv| (kv.key.clone(), kv.value.as_ref().map_or_else(String::new, text)))
        .collect()
}

/// Returns a value as text.
#[cfg(feature = "otlp")]
pub(super) fn text(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(other) => format!("{other:?}"),
    }
}

#[cfg(feature = "otlp")]
fn big_endian(bytes: &[u8]) -> u128 {
    bytes.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte))
}

#[cfg(feature = "otlp")]
fn span_id(bytes: &[u8]) -> SpanId {
    SpanId(bytes.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)))
}
