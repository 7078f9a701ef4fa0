//! The size of a log record.

use opentelemetry::logs::{AnyValue, LogRecord, Logger};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};

use super::{FIXED, cut_text};

/// The longest message in bytes. The limit of attributes does not apply to it.
const MAX_BODY: usize = 16 * 1024;

/// Cuts the message, and every text of an attribute to at most `value_length` bytes.
pub(in crate::export) fn cut(record: &mut SdkLogRecord, value_length: usize, logger: &SdkLogger) {
    if let Some(body) = record.body().filter(|body| is_longer(body, MAX_BODY)) {
        let mut body = body.clone();
        cut_value(&mut body, MAX_BODY);
        record.set_body(body);
    }
    if record.attributes_iter().any(|(_, value)| is_longer(value, value_length)) {
        *record = with_cut_attributes(record, value_length, logger);
    }
}

/// Returns a copy of `record`, whose attributes cannot be changed.
fn with_cut_attributes(
    record: &SdkLogRecord,
    value_length: usize,
    logger: &SdkLogger,
) -> SdkLogRecord {
    let mut copy = logger.create_log_record();
    if let Some(name) = record.event_name() {
        copy.set_event_name(name);
    }
    if let Some(target) = record.target() {
        copy.set_target(target.clone());
    }
    if let Some(time) = record.timestamp() {
        copy.set_timestamp(time);
    }
    if let Some(time) = record.observed_timestamp() {
        copy.set_observed_timestamp(time);
    }
    if let Some(trace) = record.trace_context() {
        copy.set_trace_context(trace.trace_id, trace.span_id, trace.trace_flags);
    }
    if let Some(text) = record.severity_text() {
        copy.set_severity_text(text);
    }
    if let Some(severity) = record.severity_number() {
        copy.set_severity_number(severity);
    }
    if let Some(body) = record.body() {
        copy.set_body(body.clone());
    }
    for (key, value) in record.attributes_iter() {
        let mut value = value.clone();
        cut_value(&mut value, value_length);
        copy.add_attribute(key.clone(), value);
    }
    copy
}

fn is_longer(value: &AnyValue, length: usize) -> bool {
    match value {
        AnyValue::String(text) => text.as_str().len() > length,
        AnyValue::Bytes(bytes) => bytes.len() > length,
        AnyValue::ListAny(values) => values.iter().any(|value| is_longer(value, length)),
        AnyValue::Map(values) => values.values().any(|value| is_longer(value, length)),
        _ => false,
    }
}

fn cut_value(value: &mut AnyValue, length: usize) {
    match value {
        AnyValue::String(text) => cut_text(text, length),
        AnyValue::Bytes(bytes) if bytes.len() > length => {
            **bytes = bytes[..length].to_vec();
        }
        AnyValue::ListAny(values) => {
            values.iter_mut().for_each(|value| cut_value(value, length));
        }
        AnyValue::Map(values) => {
            values.values_mut().for_each(|value| cut_value(value, length));
        }
        _ => {}
    }
}

/// Returns an upper bound of the size of a record in OTLP.
pub(in crate::export) fn size(record: &SdkLogRecord) -> usize {
    // The target is the name of a scope, which may be repeated for each record.
    let target = record.target().map_or(0, |target| target.len());
    let name = record.event_name().map_or(0, str::len);
    let attributes =
        record.attributes_iter().map(|(key, value)| 24 + key.as_str().len() + value_size(value));
    FIXED + target + name + record.body().map_or(0, value_size) + attributes.sum::<usize>()
}

fn value_size(value: &AnyValue) -> usize {
    match value {
        AnyValue::String(text) => text.as_str().len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        AnyValue::ListAny(values) => values.iter().map(|value| 16 + value_size(value)).sum(),
        AnyValue::Map(values) => {
            values.iter().map(|(key, value)| 24 + key.as_str().len() + value_size(value)).sum()
        }
        _ => 10,
    }
}
