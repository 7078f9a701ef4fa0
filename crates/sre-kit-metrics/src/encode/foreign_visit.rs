//! Metrics of the `prometheus_client` crate as families of a visitor.
//!
//! The encoder of that crate is closed, so its text is read back. It has every number but native
//! buckets and exemplars.

use std::fmt;

use super::foreign::encode_text;
use super::text::TextFormat;
use crate::buckets::Buckets;
use crate::floats;
use crate::foreign::Foreign;
use crate::labels::{pairs, push_pair};
use crate::registry::Registry;
use crate::visit::{Desc, Kind, Visitor};

impl Registry {
    /// Shows the metrics that [`register`](Self::register) added to `visitor`.
    pub(crate) fn visit_foreign(&self, visitor: &mut dyn Visitor) {
        for foreign in self.foreign() {
            // What cannot be written is left out, as in the other formats.
            let _ = visit(&foreign, visitor);
        }
    }
}

/// Shows one metric to `visitor`.
pub(super) fn visit(foreign: &Foreign, visitor: &mut dyn Visitor) -> fmt::Result {
    let mut text = String::new();
    encode_text(foreign, &mut text, TextFormat::Prometheus)?;
    let name = foreign.full_name();
    let samples: Vec<_> = text.lines().filter_map(|line| sample(line, &name)).collect();
    if samples.is_empty() {
        return Ok(());
    }
    let kind = foreign.kind();
    visitor.family(&Desc { name, help: foreign.help().to_owned(), kind });
    if kind == Kind::Histogram {
        histograms(&samples, visitor);
        return Ok(());
    }
    for Sample { labels, value, .. } in samples {
        match value.parse() {
            Ok(integer) => visitor.integer(labels, integer),
            Err(_) => visitor.float(labels, value.parse().map_err(|_| fmt::Error)?),
        }
    }
    Ok(())
}

/// A line: what follows the family's name, the label text, and the value.
struct Sample<'a> {
    suffix: &'a str,
    labels: &'a str,
    value: &'a str,
}

fn sample<'a>(line: &'a str, name: &str) -> Option<Sample<'a>> {
    let (series, value) = line.strip_prefix(name)?.rsplit_once(' ')?;
    let (suffix, labels) = match series.split_once('{') {
        Some((suffix, labels)) => (suffix, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    Some(Sample { suffix, labels, value })
}

/// The lines of one histogram.
#[derive(Default)]
struct Lines {
    labels: String,
    /// Upper bounds and cumulative counts.
    buckets: Vec<(f64, u64)>,
    sum: f64,
}

fn histograms(samples: &[Sample<'_>], visitor: &mut dyn Visitor) {
    let mut all: Vec<Lines> = Vec::new();
    for Sample { suffix, labels, value } in samples {
        let (mut own, mut le) = (String::new(), None);
        for (name, value) in pairs(labels) {
            if name == "le" {
                le = value.parse().ok();
            } else {
                push_pair(&mut own, name, &value);
            }
        }
        // The lines of one series follow each other.
        if all.last().is_none_or(|last| last.labels != own) {
            all.push(Lines { labels: own, ..Lines::default() });
        }
        let Some(lines) = all.last_mut() else { continue };
        match (*suffix, le) {
            ("_bucket", Some(le)) => lines.buckets.push((le, value.parse().unwrap_or(0))),
            ("_sum", _) => lines.sum = value.parse().unwrap_or(0.0),
            _ => {}
        }
    }
    for Lines { labels, mut buckets, sum } in all {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let bounds = buckets.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite());
        let Ok(bounds) = Buckets::floats(bounds) else { continue };
        let mut before = 0;
        let mut cells: Vec<_> = buckets
            .iter()
            .map(|&(_, count)| {
                let own = count.saturating_sub(before);
                before = count;
                own
            })
            .collect();
        // The last one is that of `+Inf`.
        cells.resize(bounds.bounds().len() + 1, 0);
        cells.push(floats::to_ordered(sum));
        visitor.histogram(&labels, &bounds, &cells, None);
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;

    use crate::{Format, Registry};

    type Labels = Vec<(String, String)>;

    #[test]
    fn every_kind_is_shown_with_its_labels_and_values() {
        let registry = Registry::new();
        let label = |value: &str| vec![("kind".to_owned(), value.to_owned())];
        let jobs = Family::<Labels, Counter>::default();
        jobs.get_or_create(&label("a \"b\"}\n\\c {d} 1")).inc_by(u64::MAX);
        registry.register("jobs", "Jobs.", jobs).expect("free");
        let level = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        level.set(-0.5);
        registry.register("level", "Level.", level).expect("free");
        let waits =
            Family::<Labels, Histogram, _>::new_with_constructor(|| Histogram::new([0.5, 2.0]));
        for (kind, value) in [("a", 0.25), ("a", 1.0), ("a", 3.0), ("b", 0.5)] {
            waits.get_or_create(&label(kind)).observe(value);
        }
        registry.register("wait_seconds", "Waits.", waits).expect("free");
        let info = Info::new(vec![("color".to_owned(), "green".to_owned())]);
        registry.register("paint", "Paint.", info).expect("free");
        let mut out = Vec::new();
        registry.encode(Format::OpenMetrics2, &mut out);
        let text = String::from_utf8(out).expect("text");
        for line in [
            "# TYPE jobs_total counter",
            "jobs_total{kind=\"a \\\"b\\\"}\\n\\\\c {d} 1\"} 18446744073709551615",
            "level -0.5",
            "# UNIT wait_seconds seconds",
            "wait_seconds{kind=\"a\"} {count:3,sum:4.25,bucket:[0.5:1,2.0:2,+Inf:3]}",
            "wait_seconds{kind=\"b\"} {count:1,sum:0.5,bucket:[0.5:1,2.0:1,+Inf:1]}",
            "paint_info{color=\"green\"} 1",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
        }
    }
}
