//! Attributes as labels.

use std::borrow::Cow;

use opentelemetry::{KeyValue, Value};

use crate::bridges::lookup::FoldHasher;
use crate::bridges::usable_label;
use crate::labels::push_pair;
use crate::otlp::AttributeType;

/// Returns the hash of attributes in the order given.
#[inline]
pub(super) fn hash(hasher: FoldHasher, attributes: &[KeyValue]) -> u64 {
    let mut hash = hasher;
    for KeyValue { key, value, .. } in attributes {
        hash = hash.bytes(key.as_str().as_bytes());
        hash = match value {
            Value::String(text) => hash.bytes(text.as_str().as_bytes()),
            Value::I64(int) => hash.word(int.cast_unsigned()),
            Value::Bool(bool) => hash.word(u64::from(*bool)),
            Value::F64(float) => hash.word(float.to_bits()),
            other => hash.bytes(other.as_str().as_bytes()),
        };
    }
    hash.finish()
}

/// Returns the labels of attributes and the labels of the scope behind them.
///
/// Of a key that occurs twice the last value counts. Keys that become the same label share it:
/// their values are joined with `;`, as the specification of Prometheus exporters requires.
pub(super) fn label_text(attributes: &[KeyValue], scope: &str) -> String {
    let mut sorted: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(attributes.len());
    for KeyValue { key, value, .. } in attributes {
        match sorted.iter_mut().find(|(other, _)| *other == key.as_str()) {
            Some((_, other)) => *other = value.as_str(),
            None => sorted.push((key.as_str(), value.as_str())),
        }
    }
    sorted.sort_unstable();
    let mut labels: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(sorted.len());
    for (key, value) in sorted {
        if key.is_empty() {
            continue;
        }
        let label = usable_label(key);
        match labels.iter_mut().find(|(other, _)| *other == label) {
            Some((_, joined)) => *joined = Cow::Owned(format!("{joined};{value}")),
            None => labels.push((label, value)),
        }
    }
    labels.sort_unstable();
    let mut text = String::new();
    for (label, value) in labels {
        if !scope.is_empty() && label.starts_with("otel_scope_") {
            continue;
        }
        push_pair(&mut text, &label, &value);
    }
    if !text.is_empty() && !scope.is_empty() {
        text.push(',');
    }
    text + scope
}

/// Returns the type of an attribute's value.
pub(super) fn value_type(value: &Value) -> AttributeType {
    match value {
        Value::I64(_) => AttributeType::Int,
        Value::F64(_) => AttributeType::Double,
        Value::Bool(_) => AttributeType::Bool,
        _ => AttributeType::String,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Array, KeyValue, Value};

    use super::label_text;

    #[test]
    fn labels_are_sorted_unique_and_valid() {
        let attributes = [
            KeyValue::new("http.route", "/a\"b"),
            KeyValue::new("b", 2),
            KeyValue::new("a", true),
            KeyValue::new("b", 3),
            KeyValue::new("x.y", "1"),
            KeyValue::new("x_y", "2"),
            KeyValue::new("le", "5"),
            KeyValue::new("", "no key"),
            KeyValue::new("empty", ""),
            KeyValue::new("all", Value::Array(Array::I64(vec![1, 2]))),
        ];
        assert_eq!(
            label_text(&attributes, "otel_scope_name=\"shop\""),
            "a=\"true\",all=\"[1,2]\",b=\"3\",http_route=\"/a\\\"b\",key_le=\"5\",x_y=\"1;2\",\
             otel_scope_name=\"shop\""
        );
        assert_eq!(label_text(&[], "otel_scope_name=\"shop\""), "otel_scope_name=\"shop\"");
        assert_eq!(label_text(&[], ""), "");
    }
}
