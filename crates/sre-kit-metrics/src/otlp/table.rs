//! The table of the kit's own families.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::family::{Attribute, AttributeType, OtlpFamily};
use crate::visit::Kind;

/// One family a line.
const TABLE: &str = include_str!("families.tsv");

static FAMILIES: LazyLock<HashMap<&str, Arc<OtlpFamily>>> =
    LazyLock::new(|| rows().map(|(family, otlp)| (family, Arc::new(otlp))).collect());

/// Returns what a family of the kit is in the terms of OpenTelemetry.
pub(super) fn find(family: &str) -> Option<Arc<OtlpFamily>> {
    FAMILIES.get(family).cloned()
}

/// Returns every family of the kit, in the order of the table.
pub fn rows() -> impl Iterator<Item = (&'static str, OtlpFamily)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(row)
}

fn row(line: &'static str) -> Option<(&'static str, OtlpFamily)> {
    let mut columns = line.split('\t');
    let (family, name, instrument) = (columns.next()?, columns.next()?, columns.next()?);
    let (unit, value) = (columns.next()?, columns.next()?);
    let kind = match instrument {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "updowncounter" => Kind::UpDownCounter,
        "histogram" => Kind::Histogram,
        _ => return None,
    };
    let mut otlp = OtlpFamily::new(name, kind, unit);
    otlp.integers = value == "int";
    otlp.attributes = columns.next().unwrap_or("").split(' ').filter_map(attribute).collect();
    Some((family, otlp))
}

fn attribute(text: &'static str) -> Option<Attribute> {
    let (label, rest) = text.split_once('=')?;
    let (key, of) = rest.split_once(':')?;
    let value = match of {
        "string" => AttributeType::String,
        "int" => AttributeType::Int,
        "double" => AttributeType::Double,
        "bool" => AttributeType::Bool,
        _ => return None,
    };
    Some(Attribute { label: Cow::Borrowed(label), key: Cow::Borrowed(key), value })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{TABLE, rows};
    use crate::otlp::label_name;

    /// The families that have another name after a push than in a scrape: the names that all
    /// clients of Prometheus share, and one that OpenMetrics refuses in its other spelling.
    const DIFFER: [&str; 9] = [
        "db_client_connections",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_threads",
        "process_start_time_seconds",
        "process_max_fds",
        "process_virtual_memory_max_bytes",
    ];

    #[test]
    fn every_line_is_read_and_no_name_occurs_twice() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        let families: HashSet<_> = rows().map(|(family, _)| family).collect();
        let names: HashSet<_> = rows().map(|(_, otlp)| otlp.name).collect();
        assert_eq!((families.len(), names.len()), (lines, lines));
        for (line, (family, otlp)) in TABLE.lines().filter(|l| !l.starts_with('#')).zip(rows()) {
            let attributes = line.split('\t').nth(5).unwrap_or("").split(' ');
            let written = attributes.filter(|text| !text.is_empty()).count();
            assert_eq!(otlp.attributes.len(), written, "{family}");
        }
    }

    #[test]
    fn a_push_arrives_under_the_name_and_the_labels_of_a_scrape() {
        let differ: Vec<_> = rows()
            .filter(|(family, otlp)| otlp.received_as() != *family)
            .map(|(family, _)| family)
            .collect();
        assert_eq!(differ.iter().collect::<HashSet<_>>(), DIFFER.iter().collect());
        for (family, otlp) in rows() {
            for attribute in &otlp.attributes {
                assert_eq!(label_name(&attribute.key), attribute.label, "{family}");
            }
        }
    }
}
