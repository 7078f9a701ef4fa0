//! The facts that are checked, from a table.

use std::collections::{HashMap, HashSet};

use sre_kit_metrics::internal::Kind;

const TABLE: &str = include_str!("facts.tsv");

/// The metrics and attributes of the conventions.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) metrics: HashMap<&'static str, Metric>,
    pub(super) attributes: HashMap<&'static str, Attribute>,
    /// The first words of the names of metrics, and those of attributes.
    pub(super) metric_namespaces: HashSet<&'static str>,
    pub(super) attribute_namespaces: HashSet<&'static str>,
}

/// A metric of the conventions.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) integers: bool,
    pub(super) required: Vec<&'static str>,
}

/// An attribute of the conventions.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) of: &'static str,
    pub(super) deprecated: bool,
}

impl Facts {
    pub(super) fn read() -> Self {
        let mut facts = Self {
            metrics: HashMap::new(),
            attributes: HashMap::new(),
            metric_namespaces: HashSet::new(),
            attribute_namespaces: HashSet::new(),
        };
        for line in TABLE.lines() {
            let columns: Vec<_> = line.split('\t').collect();
            match columns[..] {
                ["metric", name, instrument, unit, value, _, ref attributes @ ..] => {
                    let Some(kind) = kind(instrument) else { continue };
                    let attributes = attributes.first().copied().unwrap_or("").split(' ');
                    let required = attributes.filter_map(required).collect();
                    let metric = Metric { kind, unit, integers: value == "int", required };
                    facts.metrics.insert(name, metric);
                    facts.metric_namespaces.extend(namespace(name));
                }
                ["attribute", name, of, _, ref deprecated @ ..] => {
                    let deprecated = deprecated.first() == Some(&"deprecated");
                    facts.attributes.insert(name, Attribute { of, deprecated });
                    facts.attribute_namespaces.extend(namespace(name));
                }
                _ => {}
            }
        }
        facts
    }
}

impl Facts {
    /// Returns an attribute by its key. A key like `http.request.header.accept` is found by the
    /// template that it begins with.
    pub(super) fn attribute(&self, key: &str) -> Option<&Attribute> {
        if let Some(attribute) = self.attributes.get(key) {
            return Some(attribute);
        }
        let ends = key.rmatch_indices('.').map(|(end, _)| &key[..end]);
        let mut templates = ends.filter_map(|prefix| self.attributes.get(prefix));
        templates.find(|attribute| attribute.of.starts_with("template"))
    }
}

/// Returns the first word of a name that has several.
pub(super) fn namespace(name: &str) -> Option<&str> {
    name.split_once('.').map(|(first, _)| first)
}

fn kind(instrument: &str) -> Option<Kind> {
    Some(match instrument {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "updowncounter" => Kind::UpDownCounter,
        "histogram" => Kind::Histogram,
        _ => return None,
    })
}

fn required(attribute: &'static str) -> Option<&'static str> {
    attribute.strip_suffix(":R")?.rsplit_once(':').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::Facts;

    #[test]
    fn every_line_of_the_table_is_read() {
        let facts = Facts::read();
        assert_eq!((facts.metrics.len(), facts.attributes.len()), (72, 461));
        let duration = &facts.metrics["http.server.request.duration"];
        assert_eq!(duration.required, ["http.request.method", "url.scheme"]);
        assert!(facts.attributes["code.function"].deprecated);
    }
}
