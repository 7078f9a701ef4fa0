//! The size of a span.

use opentelemetry::trace::{SpanContext, TraceState};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::{FIXED, cut_text, start};

/// The longest `tracestate` that is exported, in bytes. It is propagated up to its own limit.
const MAX_TRACE_STATE: usize = 512;

/// The longest name of a span or an event in bytes. Names come from the code and from declared
/// routes, so this cuts none that is meant.
const MAX_NAME: usize = 1024;

/// Cuts every text of a span to at most `value_length` bytes.
pub(in crate::export) fn cut(span: &mut SpanData, value_length: usize) {
    cut_attributes(&mut span.attributes, value_length);
    cut_name(&mut span.name);
    for event in &mut span.events.events {
        cut_name(&mut event.name);
        cut_attributes(&mut event.attributes, value_length);
    }
    for link in &mut span.links.links {
        cut_attributes(&mut link.attributes, value_length);
        cut_state(&mut link.span_context);
    }
    if let opentelemetry::trace::Status::Error { description } = &mut span.status {
        cut_name(description);
    }
    cut_state(&mut span.span_context);
}

fn cut_attributes(attributes: &mut [KeyValue], length: usize) {
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => cut_text(text, length),
            Value::Array(Array::String(texts)) => {
                for text in texts {
                    cut_text(text, length);
                }
            }
            _ => {}
        }
    }
}

fn cut_name(name: &mut std::borrow::Cow<'static, str>) {
    if name.len() > MAX_NAME {
        *name = start(name, MAX_NAME).to_owned().into();
    }
}

/// Drops a `tracestate` that is too long as a whole: half of one means something else.
fn cut_state(context: &mut SpanContext) {
    if state_size(context) > MAX_TRACE_STATE {
        *context = SpanContext::new(
            context.trace_id(),
            context.span_id(),
            context.trace_flags(),
            context.is_remote(),
            TraceState::default(),
        );
    }
}

fn state_size(context: &SpanContext) -> usize {
    if *context.trace_state() == TraceState::default() {
        return 0;
    }
    context.trace_state().header().len()
}

/// Returns an upper bound of the size of a span in OTLP.
pub(in crate::export) fn size(span: &SpanData) -> usize {
    let events = span
        .events
        .iter()
        .map(|event| FIXED + event.name.len() + attributes_size(&event.attributes));
    let links = span
        .links
        .iter()
        .map(|link| FIXED + state_size(&link.span_context) + attributes_size(&link.attributes));
    let description = match &span.status {
        opentelemetry::trace::Status::Error { description } => description.len(),
        _ => 0,
    };
    FIXED
        + span.name.len()
        + description
        + state_size(&span.span_context)
        + attributes_size(&span.attributes)
        + events.sum::<usize>()
        + links.sum::<usize>()
}

fn attributes_size(attributes: &[KeyValue]) -> usize {
    let size = |attribute: &KeyValue| {
        let value = match &attribute.value {
            Value::String(text) => text.as_str().len(),
            Value::Array(Array::String(texts)) => {
                texts.iter().map(|text| 16 + text.as_str().len()).sum()
            }
            Value::Array(Array::Bool(values)) => 16 * values.len(),
            Value::Array(Array::I64(values)) => 16 * values.len(),
            Value::Array(Array::F64(values)) => 16 * values.len(),
            _ => 10,
        };
        // Tags and lengths of the key, the value and both together.
        24 + attribute.key.as_str().len() + value
    };
    attributes.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::SystemTime;

    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
    use opentelemetry::{Array, KeyValue, Value};
    use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

    use super::super::{MAX_BATCH, first_batch};
    use super::{cut, size};

    fn span(attributes: Vec<KeyValue>) -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Server,
            name: Cow::Borrowed("GET /"),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: opentelemetry::InstrumentationScope::default(),
        }
    }

    #[test]
    fn texts_and_lists_of_texts_are_cut_and_numbers_are_not() {
        let long = "x".repeat(60_000);
        let mut span = span(vec![
            KeyValue::new("user_agent.original", long.clone()),
            KeyValue::new("short", "value"),
            KeyValue::new("number", 7),
            KeyValue::new("list", Value::Array(Array::String(vec![long.into(), "b".into()]))),
        ]);
        span.status = Status::error("e".repeat(60_000));
        cut(&mut span, 256);
        let texts: Vec<_> =
            span.attributes.iter().map(|attribute| attribute.value.to_string()).collect();
        assert_eq!(texts[0], "x".repeat(256));
        assert_eq!(texts[1..3], ["value", "7"]);
        assert!(texts[3].len() < 300, "{}", texts[3]);
        assert!(size(&span) < 2_500, "{}", size(&span));
    }

    #[test]
    fn a_batch_of_spans_ends_before_it_is_too_large() {
        let of = |bytes: usize| span(vec![KeyValue::new("a", "x".repeat(bytes))]);
        let spans: Vec<_> = (0..100).map(|_| of(60_000)).collect();
        let fitting = first_batch(spans.iter().map(size));
        assert!((40..=52).contains(&fitting), "{fitting}");
        let bytes = spans[..fitting].iter().map(size).sum::<usize>();
        assert!(bytes <= MAX_BATCH);
    }
}
