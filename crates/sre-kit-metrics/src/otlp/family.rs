//! A family in the terms of OpenTelemetry.

use std::borrow::Cow;

use super::translator::{family_name, label_name};
use crate::labels::pairs;
use crate::visit::{Desc, Kind};

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeType {
    /// A text.
    String,
    /// An integer.
    Int,
    /// A float.
    Double,
    /// `true` or `false`.
    Bool,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// A text.
    String(Cow<'a, str>),
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// `true` or `false`.
    Bool(bool),
}

impl AttributeType {
    /// Reads `value` as this type. What cannot be read stays a text.
    fn read(self, value: Cow<'_, str>) -> AttributeValue<'_> {
        let read = match self {
            Self::String => None,
            Self::Int => value.parse().ok().map(AttributeValue::Int),
            Self::Double => value.parse().ok().map(AttributeValue::Double),
            Self::Bool => value.parse().ok().map(AttributeValue::Bool),
        };
        read.unwrap_or(AttributeValue::String(value))
    }
}

/// An attribute, and the label that stands for it in the Prometheus formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The label, such as `http_route`.
    pub label: Cow<'static, str>,
    /// The key, such as `http.route`.
    pub key: Cow<'static, str>,
    /// The type of the values.
    pub value: AttributeType,
}

/// The name, instrument, unit and attributes of a family in the terms of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpFamily {
    /// The name, such as `http.server.request.duration`.
    pub name: Cow<'static, str>,
    /// The instrument. A gauge that the conventions call an UpDownCounter is one here.
    pub kind: Kind,
    /// The unit in UCUM notation, such as `s` or `{request}`.
    pub unit: Cow<'static, str>,
    /// Whether the values are integers.
    pub integers: bool,
    /// The attributes with a key or a type that the label does not tell.
    pub attributes: Vec<Attribute>,
}

impl Default for OtlpFamily {
    fn default() -> Self {
        Self::new("", Kind::Gauge, "")
    }
}

impl OtlpFamily {
    /// Returns the metric from which Prometheus makes a family of this name.
    pub(crate) fn inferred(desc: &Desc) -> Self {
        let base = match desc.kind {
            Kind::Counter => desc.name.strip_suffix("_total").unwrap_or(&desc.name),
            Kind::Gauge | Kind::UpDownCounter | Kind::Histogram => &desc.name,
        };
        let with_unit = [("_seconds", "s"), ("_bytes", "By"), ("_ratio", "1")]
            .into_iter()
            .filter_map(|(suffix, unit)| Some((base.strip_suffix(suffix)?, unit)));
        // A ratio that is no gauge gets its word back from nowhere, for example.
        let (name, unit) = with_unit
            .chain([(base, "")])
            .find(|(name, unit)| family_name(name, unit, desc.kind) == desc.name)
            .unwrap_or((base, ""));
        Self::new(name.to_owned(), desc.kind, unit)
    }

    /// Creates the metric `name` without attributes.
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        kind: Kind,
        unit: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { name: name.into(), kind, unit: unit.into(), integers: false, attributes: Vec::new() }
    }

    /// Returns the family that Prometheus' OTLP receiver makes of this metric.
    pub fn received_as(&self) -> String {
        family_name(&self.name, &self.unit, self.kind)
    }

    /// Returns the attributes that a label text stands for, as
    /// [`push_pair`](crate::internal::push_pair) wrote it.
    pub fn attributes<'a>(
        &'a self,
        labels: &'a str,
    ) -> impl Iterator<Item = (Cow<'a, str>, AttributeValue<'a>)> {
        pairs(labels).map(|(label, value)| self.attribute(label, value))
    }

    fn attribute<'a>(
        &'a self,
        label: &'a str,
        value: Cow<'a, str>,
    ) -> (Cow<'a, str>, AttributeValue<'a>) {
        if label == "otel_metric_overflow" {
            return (Cow::Borrowed("otel.metric.overflow"), AttributeType::Bool.read(value));
        }
        match self.attributes.iter().find(|attribute| attribute.label == label) {
            Some(Attribute { key, value: of, .. }) => (Cow::Borrowed(&**key), of.read(value)),
            None => (Cow::Borrowed(label), AttributeValue::String(value)),
        }
    }

    /// Adds an attribute whose label does not tell its key or its type.
    pub(crate) fn add_attribute(&mut self, key: &str, value: AttributeType) {
        let label = label_name(key);
        let known = self.attributes.iter().any(|attribute| attribute.label == label);
        if !known && (label != key || value != AttributeType::String) {
            self.attributes.push(Attribute {
                label: Cow::Owned(label.into_owned()),
                key: Cow::Owned(key.to_owned()),
                value,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeType, AttributeValue, Desc, Kind, OtlpFamily};

    fn desc(name: &str, kind: Kind) -> Desc {
        Desc { name: name.to_owned(), help: String::new(), kind }
    }

    #[test]
    fn an_inferred_name_comes_back_as_the_family() {
        for (family, kind, name, unit) in [
            ("jobs_total", Kind::Counter, "jobs", ""),
            ("busy_seconds_total", Kind::Counter, "busy", "s"),
            ("wait_seconds", Kind::Histogram, "wait", "s"),
            ("room_ratio", Kind::Gauge, "room", "1"),
            ("share_ratio", Kind::Histogram, "share_ratio", ""),
            ("size_bytes", Kind::Gauge, "size", "By"),
            ("seconds", Kind::Gauge, "seconds", ""),
            ("seconds_seconds", Kind::Gauge, "seconds_seconds", ""),
        ] {
            let inferred = OtlpFamily::inferred(&desc(family, kind));
            assert_eq!((&*inferred.name, &*inferred.unit), (name, unit));
            assert_eq!(inferred.received_as(), family);
        }
    }

    #[test]
    fn labels_become_attributes_with_their_keys_and_types() {
        let mut family = OtlpFamily::new("calls", Kind::Counter, "");
        family.add_attribute("server.port", AttributeType::Int);
        family.add_attribute("reason", AttributeType::String);
        let labels = "server_port=\"8080\",reason=\"a\",otel_metric_overflow=\"true\"";
        let attributes: Vec<_> = family.attributes(labels).collect();
        assert_eq!(
            attributes,
            [
                ("server.port".into(), AttributeValue::Int(8080)),
                ("reason".into(), AttributeValue::String("a".into())),
                ("otel.metric.overflow".into(), AttributeValue::Bool(true)),
            ]
        );
    }
}
