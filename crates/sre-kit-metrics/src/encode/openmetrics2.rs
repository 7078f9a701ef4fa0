//! OpenMetrics text 2.0, for scrapers that ask for it.
//!
//! A family has the name of its samples, a histogram is one line with its classic and its native
//! buckets, and a series can say when it began. Source: the OpenMetrics 2.0.0-rc0 specification.

use std::fmt::Write;

use super::text::{TextFormat, help_text, push_scaled, unit};
use crate::buckets::{Buckets, push_float};
use crate::exemplars::Exemplars;
use crate::native_buckets::{NativeBuckets, spans};
use crate::visit::{Desc, Kind, Visitor};

/// Appends families to a string.
pub(super) struct OpenMetrics2Encoder<'a> {
    out: &'a mut String,
    name: String,
    kind: Kind,
    created: Option<u32>,
}

impl<'a> OpenMetrics2Encoder<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self { out, name: String::new(), kind: Kind::Gauge, created: None }
    }

    /// Appends `name{labels}` and a space.
    fn begin(&mut self, labels: &str) {
        self.out.push_str(&self.name);
        if !labels.is_empty() {
            self.out.push('{');
            self.out.push_str(labels);
            self.out.push('}');
        }
        self.out.push(' ');
    }

    fn number(&mut self, number: u64) {
        self.out.push_str(itoa::Buffer::new().format(number));
    }

    /// Appends when the series began, if that is known and means something for its kind.
    fn start(&mut self) {
        let created = self.created.take();
        if let (Some(created), Kind::Counter | Kind::Histogram) = (created, self.kind) {
            self.out.push_str(" st@");
            self.number(u64::from(created));
        }
    }

    fn end(&mut self) {
        self.start();
        self.out.push('\n');
    }

    fn classic(&mut self, buckets: &Buckets, counts: &[u64]) {
        let bounds = buckets.bounds().iter().map(|&bound| buckets.scale().value(bound));
        let mut total = 0_u64;
        self.out.push_str(",bucket:[");
        for (bound, count) in bounds.chain([f64::INFINITY]).zip(counts) {
            if !self.out.ends_with('[') {
                self.out.push(',');
            }
            total = total.wrapping_add(*count);
            push_float(self.out, bound);
            self.out.push(':');
            self.number(total);
        }
        self.out.push(']');
    }

    fn native(&mut self, native: &NativeBuckets, cells: &[u64]) {
        let Some((zero, counts)) = cells.split_first() else { return };
        let (schema, threshold) = (native.schema(), native.zero_threshold());
        // Writing into a string cannot fail.
        let _ = write!(self.out, ",schema:{schema},zero_threshold:");
        push_float(self.out, threshold);
        let _ = write!(self.out, ",zero_count:{zero}");
        let spans: Vec<_> = spans(native, counts).collect();
        self.out.push_str(",positive_spans:[");
        for (offset, range) in &spans {
            let comma = if self.out.ends_with('[') { "" } else { "," };
            let _ = write!(self.out, "{comma}{offset}:{}", range.len());
        }
        self.out.push_str("],positive_buckets:[");
        for count in spans.into_iter().flat_map(|(_, range)| &counts[range]) {
            let comma = if self.out.ends_with('[') { "" } else { "," };
            let _ = write!(self.out, "{comma}{count}");
        }
        self.out.push(']');
    }
}

impl Visitor for OpenMetrics2Encoder<'_> {
    fn family(&mut self, desc: &Desc) {
        self.name.clone_from(&desc.name);
        self.kind = desc.kind;
        self.created = None;
        let kind = match desc.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::UpDownCounter => "gauge",
            Kind::Histogram => "histogram",
        };
        for part in ["# HELP ", &desc.name, " "] {
            self.out.push_str(part);
        }
        help_text(self.out, &desc.help, TextFormat::OpenMetrics);
        for part in ["\n# TYPE ", &desc.name, " ", kind, "\n"] {
            self.out.push_str(part);
        }
        if let Some(unit) = unit(desc.name.strip_suffix("_total").unwrap_or(&desc.name)) {
            for part in ["# UNIT ", &desc.name, " ", unit, "\n"] {
                self.out.push_str(part);
            }
        }
    }

    fn created(&mut self, seconds: u32) {
        self.created = Some(seconds);
    }

    fn integer(&mut self, labels: &str, value: u64) {
        self.begin(labels);
        self.number(value);
        self.end();
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.begin(labels);
        push_float(self.out, value);
        self.end();
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let (counts, rest) = cells.split_at(buckets.bounds().len() + 1);
        self.begin(labels);
        self.out.push_str("{count:");
        self.number(counts.iter().fold(0, |total, count| total.wrapping_add(*count)));
        self.out.push_str(",sum:");
        push_scaled(self.out, buckets.scale(), rest.first().copied().unwrap_or(0));
        if let Some(native) = buckets.native() {
            self.native(native, &rest[1..]);
        }
        self.classic(buckets, counts);
        self.out.push('}');
        self.start();
        for exemplar in (0..counts.len()).filter_map(|bucket| exemplars?.get(bucket)) {
            let _ = write!(
                self.out,
                " # {{trace_id=\"{:032x}\",span_id=\"{:016x}\"}} ",
                exemplar.link.trace_id, exemplar.link.span_id
            );
            push_scaled(self.out, buckets.scale(), exemplar.value);
            let at = exemplar.at;
            let _ = write!(self.out, " {}.{:03}", at.as_secs(), at.subsec_millis());
        }
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use crate::exemplars::{Exemplars, Link};
    use crate::visit::{Desc, Kind, Visitor as _};
    use crate::{Buckets, Format, Registry};

    use super::OpenMetrics2Encoder;

    fn desc(name: &str, kind: Kind) -> Desc {
        Desc { name: name.to_owned(), help: "Says \"hi\".".to_owned(), kind }
    }

    #[test]
    fn a_family_has_the_name_of_its_samples_and_a_series_its_start() {
        let mut out = String::new();
        let mut encoder = OpenMetrics2Encoder::new(&mut out);
        encoder.family(&desc("busy_seconds_total", Kind::Counter));
        encoder.created(1_700_000_000);
        encoder.float("kind=\"a\"", 2.5);
        encoder.integer("", 3);
        encoder.family(&desc("rooms", Kind::UpDownCounter));
        encoder.created(1_700_000_000);
        encoder.signed("", -3);
        assert_eq!(
            out,
            "# HELP busy_seconds_total Says \\\"hi\\\".\n# TYPE busy_seconds_total counter\n\
             # UNIT busy_seconds_total seconds\nbusy_seconds_total{kind=\"a\"} 2.5 st@1700000000\n\
             busy_seconds_total 3\n\
             # HELP rooms Says \\\"hi\\\".\n# TYPE rooms gauge\nrooms -3.0\n"
        );
    }

    #[test]
    fn a_histogram_is_one_line_with_its_exemplars_behind() {
        let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
        let exemplars = Exemplars::new(3);
        exemplars.offer(1, 250_000_000, Link { trace_id: 0xabc, span_id: 0xdef });
        let mut out = String::new();
        let mut encoder = OpenMetrics2Encoder::new(&mut out);
        encoder.family(&desc("wait_seconds", Kind::Histogram));
        encoder.created(1_700_000_000);
        encoder.histogram("a=\"b\"", &buckets, &[1, 2, 3, 1_500_000_001], Some(&exemplars));
        let line = out.lines().last().expect("a sample");
        let (sample, exemplar) = line.split_once(" # ").expect("an exemplar");
        assert_eq!(
            sample,
            "wait_seconds{a=\"b\"} {count:6,sum:1.500000001,bucket:[0.1:1,1.0:3,+Inf:6]} \
             st@1700000000"
        );
        let labels = "{trace_id=\"00000000000000000000000000000abc\",span_id=\"0000000000000def\"}";
        assert!(exemplar.starts_with(&format!("{labels} 0.25 ")), "{exemplar}");
    }

    #[test]
    fn native_buckets_are_spans_and_counts() {
        let registry = Registry::new();
        let buckets = Buckets::units([1, 8]).expect("valid").with_native(2.0).expect("valid");
        let sizes = registry.histogram("size_bytes", "Sizes.", &buckets).expect("free");
        for size in [0, 1, 1, 3, 4, 40] {
            sizes.observe_raw(size);
        }
        let mut out = Vec::new();
        registry.encode(Format::OpenMetrics2, &mut out);
        let text = String::from_utf8(out).expect("text");
        // 1 is in bucket 0, 3 and 4 in bucket 2, 40 in bucket 6. Short gaps are filled.
        let expected = "{count:6,sum:49,schema:0,zero_threshold:0.5,zero_count:1,\
                        positive_spans:[0:3,3:1],positive_buckets:[2,0,2,1],\
                        bucket:[1.0:3,8.0:5,+Inf:6]} st@";
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
