//! The two text formats, for the families of this crate.
//!
//! Label pairs and bucket bounds are already text, so a line takes a few copies and one integer.
//! Sources: the OpenMetrics 1.0.0 specification and the Prometheus text exposition format 0.0.4.

use std::fmt::Write;

use crate::buckets::{Buckets, push_float};
use crate::exemplars::{Exemplar, Exemplars};
use crate::scale::Scale;
use crate::visit::{Desc, Kind, Visitor};

/// A text format, for [`Registry::encode_text`](crate::Registry::encode_text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextFormat {
    /// OpenMetrics 1.0.0, without the closing `# EOF`.
    OpenMetrics,
    /// OpenMetrics 2.0.0, without the closing `# EOF`.
    OpenMetrics2,
    /// The Prometheus text format 0.0.4.
    Prometheus,
}

/// The units for which OpenMetrics gets a `# UNIT` line, if a family's name ends with one.
const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "cores"];

/// Returns the unit that a family's name, without `_total`, ends in.
pub(super) fn unit(name: &str) -> Option<&'static str> {
    UNITS.into_iter().find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
}

/// Appends families to a string.
pub(super) struct TextEncoder<'a> {
    out: &'a mut String,
    format: TextFormat,
    name: String,
    /// The common part of the bucket lines of one series. Reused for each.
    line: String,
    /// Whether each series of a counter or histogram has a line `_created`.
    created_lines: bool,
    counter: bool,
    created: Option<u32>,
}

impl<'a> TextEncoder<'a> {
    pub(super) fn new(out: &'a mut String, format: TextFormat) -> Self {
        Self {
            out,
            format,
            name: String::new(),
            line: String::new(),
            created_lines: false,
            counter: false,
            created: None,
        }
    }

    /// Returns the encoder with lines `_created`, which only OpenMetrics has.
    pub(super) fn with_created_lines(mut self, created_lines: bool) -> Self {
        self.created_lines = created_lines && self.format == TextFormat::OpenMetrics;
        self
    }

    /// Appends the line that says when the series began.
    fn created_line(&mut self, labels: &str) {
        let Some(created) = self.created.take().filter(|_| self.created_lines) else { return };
        let end = self.name.len();
        // A counter's line is named as its family, without the suffix of its samples.
        if self.counter && self.name.ends_with("_total") {
            self.name.truncate(end - "_total".len());
        }
        self.begin("_created", labels);
        if self.counter {
            self.name.push_str("_total");
        }
        self.integer_text(u64::from(created));
        self.out.push('\n');
    }

    fn integer_text(&mut self, value: u64) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    /// Appends `name{labels}` and a space.
    fn begin(&mut self, suffix: &str, labels: &str) {
        self.out.push_str(&self.name);
        self.out.push_str(suffix);
        if !labels.is_empty() {
            self.out.push('{');
            self.out.push_str(labels);
            self.out.push('}');
        }
        self.out.push(' ');
    }
}

/// Appends a help text, escaped.
pub(super) fn help_text(out: &mut String, help: &str, format: TextFormat) {
    for c in help.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Only OpenMetrics escapes a quote in a help text.
            '"' if format != TextFormat::Prometheus => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}

impl Visitor for TextEncoder<'_> {
    fn family(&mut self, desc: &Desc) {
        self.counter = desc.kind == Kind::Counter;
        self.created = None;
        self.name.clear();
        self.name.push_str(&desc.name);
        // In OpenMetrics a counter family is named without the suffix of its samples.
        let name = match (self.format, desc.kind) {
            (TextFormat::OpenMetrics, Kind::Counter) => {
                desc.name.strip_suffix("_total").unwrap_or(&desc.name)
            }
            _ => &desc.name,
        };
        let kind = match desc.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::UpDownCounter => "gauge",
            Kind::Histogram => "histogram",
        };
        self.out.push_str("# HELP ");
        self.out.push_str(name);
        self.out.push(' ');
        help_text(self.out, &desc.help, self.format);
        for part in ["\n# TYPE ", name, " ", kind, "\n"] {
            self.out.push_str(part);
        }
        if let (TextFormat::OpenMetrics, Some(unit)) = (self.format, unit(name)) {
            for part in ["# UNIT ", name, " ", unit, "\n"] {
                self.out.push_str(part);
            }
        }
    }

    fn created(&mut self, seconds: u32) {
        self.created = Some(seconds);
    }

    fn integer(&mut self, labels: &str, value: u64) {
        self.begin("", labels);
        self.integer_text(value);
        self.out.push('\n');
        if self.counter {
            self.created_line(labels);
        }
    }

    fn signed(&mut self, labels: &str, value: i64) {
        self.begin("", labels);
        self.out.push_str(itoa::Buffer::new().format(value));
        self.out.push('\n');
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.begin("", labels);
        push_float(self.out, value);
        self.out.push('\n');
        if self.counter {
            self.created_line(labels);
        }
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let counts = buckets.bounds().len() + 1;
        // One reservation per series replaces many that each grow the string a little.
        self.out.reserve((self.name.len() + labels.len() + 40) * (counts + 2));
        self.line.clear();
        for part in ["\n", &self.name, "_bucket{", labels, if labels.is_empty() { "" } else { "," }]
        {
            self.line.push_str(part);
        }
        let mut total = 0_u64;
        // The Prometheus format has no exemplars, and its parsers refuse such a line.
        let exemplars = exemplars.filter(|_| self.format == TextFormat::OpenMetrics);
        for (bucket, (le, count)) in buckets.le().iter().zip(cells).enumerate() {
            total = total.wrapping_add(*count);
            // The common part begins with the end of the line before, which the first one has not.
            self.out.push_str(&self.line[usize::from(bucket == 0)..]);
            self.out.push_str(le);
            self.integer_text(total);
            if let Some(exemplar) = exemplars.and_then(|all| all.get(bucket)) {
                self.exemplar(buckets.scale(), &exemplar);
            }
        }
        self.out.push('\n');
        self.begin("_sum", labels);
        push_scaled(self.out, buckets.scale(), cells.get(counts).copied().unwrap_or(0));
        self.out.push('\n');
        self.begin("_count", labels);
        self.integer_text(total);
        self.out.push('\n');
        self.created_line(labels);
    }
}

impl TextEncoder<'_> {
    /// Appends ` # {labels} value timestamp` after a bucket's count.
    fn exemplar(&mut self, scale: Scale, exemplar: &Exemplar) {
        let Exemplar { link, value, at } = exemplar;
        // Writing into a string cannot fail.
        let _ = write!(
            self.out,
            " # {{trace_id=\"{:032x}\",span_id=\"{:016x}\"}} ",
            link.trace_id, link.span_id
        );
        push_scaled(self.out, scale, *value);
        let _ = write!(self.out, " {}.{:03}", at.as_secs(), at.subsec_millis());
    }
}

/// Appends a recorded integer in the exported unit.
pub(super) fn push_scaled(out: &mut String, scale: Scale, recorded: u64) {
    match scale {
        Scale::Ones => out.push_str(itoa::Buffer::new().format(recorded)),
        Scale::Nanos => push_seconds(out, recorded),
        Scale::Floats => push_float(out, scale.value(recorded)),
    }
}

/// Appends nanoseconds as decimal seconds, exactly: without a float in between.
fn push_seconds(out: &mut String, nanos: u64) {
    out.push_str(itoa::Buffer::new().format(nanos / 1_000_000_000));
    // The added one keeps the zeros after the point.
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(1_000_000_000 + nanos % 1_000_000_000);
    let (_, fraction) = digits.split_at(1);
    let fraction = fraction.trim_end_matches('0');
    out.push('.');
    out.push_str(if fraction.is_empty() { "0" } else { fraction });
}

#[cfg(test)]
mod tests {
    use super::{TextEncoder, TextFormat, push_seconds};
    use crate::buckets::Buckets;
    use crate::exemplars::{Exemplars, Link};
    use crate::visit::{Desc, Kind, Visitor};

    fn desc(name: &str, kind: Kind) -> Desc {
        Desc { name: name.to_owned(), help: "Says \"hi\".\nTwice.".to_owned(), kind }
    }

    #[test]
    fn openmetrics_names_a_counter_family_without_its_suffix() {
        let mut out = String::new();
        let mut encoder = TextEncoder::new(&mut out, TextFormat::OpenMetrics);
        encoder.family(&desc("jobs_total", Kind::Counter));
        encoder.integer("kind=\"a\"", 3);
        assert_eq!(
            out,
            "# HELP jobs Says \\\"hi\\\".\\nTwice.\n# TYPE jobs counter\njobs_total{kind=\"a\"} 3\n"
        );
    }

    #[test]
    fn prometheus_names_a_counter_family_as_its_samples() {
        let mut out = String::new();
        let mut encoder = TextEncoder::new(&mut out, TextFormat::Prometheus);
        encoder.family(&desc("jobs_total", Kind::Counter));
        encoder.integer("", 3);
        assert_eq!(
            out,
            "# HELP jobs_total Says \"hi\".\\nTwice.\n# TYPE jobs_total counter\njobs_total 3\n"
        );
    }

    #[test]
    fn a_histogram_is_cumulated_and_its_sum_is_exact_seconds() {
        let mut out = String::new();
        let mut encoder = TextEncoder::new(&mut out, TextFormat::OpenMetrics);
        let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
        encoder.family(&desc("wait_seconds", Kind::Histogram));
        encoder.histogram("a=\"b\"", &buckets, &[1, 2, 3, 1_500_000_001], None);
        assert!(out.contains("# UNIT wait_seconds seconds\n"), "{out}");
        let lines: Vec<_> = out.lines().skip(3).collect();
        assert_eq!(
            lines,
            [
                "wait_seconds_bucket{a=\"b\",le=\"0.1\"} 1",
                "wait_seconds_bucket{a=\"b\",le=\"1.0\"} 3",
                "wait_seconds_bucket{a=\"b\",le=\"+Inf\"} 6",
                "wait_seconds_sum{a=\"b\"} 1.500000001",
                "wait_seconds_count{a=\"b\"} 6",
            ]
        );
    }

    #[test]
    fn only_openmetrics_carries_exemplars_each_behind_its_bucket() {
        let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
        let exemplars = Exemplars::new(3);
        exemplars.offer(1, 250_000_000, Link { trace_id: 0xabc, span_id: 0xdef });
        let text = |format| {
            let mut out = String::new();
            TextEncoder::new(&mut out, format).histogram(
                "",
                &buckets,
                &[0, 1, 0, 0],
                Some(&exemplars),
            );
            out
        };
        let out = text(TextFormat::OpenMetrics);
        let lines: Vec<_> = out.lines().filter(|line| line.contains('#')).collect();
        let [line] = lines[..] else { panic!("{out}") };
        let (expected, at) = line.rsplit_once(' ').expect("a timestamp");
        assert_eq!(
            expected,
            "_bucket{le=\"1.0\"} 1 # {trace_id=\"00000000000000000000000000000abc\",\
             span_id=\"0000000000000def\"} 0.25"
        );
        assert!(at.parse::<f64>().expect("seconds") > 1.7e9, "since the epoch");
        assert!(!text(TextFormat::Prometheus).contains('#'));
    }

    #[test]
    fn whole_seconds_keep_one_digit_behind_the_point() {
        let mut out = String::new();
        push_seconds(&mut out, 2_000_000_000);
        assert_eq!(out, "2.0");
    }

    #[test]
    fn a_line_says_when_a_series_began_if_it_is_asked_for() {
        let encode = |format, lines| {
            let mut out = String::new();
            let mut encoder = TextEncoder::new(&mut out, format).with_created_lines(lines);
            encoder.family(&desc("jobs_total", Kind::Counter));
            encoder.created(1_700_000_000);
            encoder.integer("a=\"b\"", 3);
            encoder.integer("a=\"unknown\"", 4);
            encoder.family(&desc("rooms", Kind::Gauge));
            encoder.created(1_700_000_000);
            encoder.integer("", 3);
            encoder.family(&desc("wait", Kind::Histogram));
            encoder.created(1_700_000_000);
            let buckets = Buckets::seconds([0.1]).expect("valid");
            encoder.histogram("", &buckets, &[0, 0, 0], None);
            out
        };
        let out = encode(TextFormat::OpenMetrics, true);
        assert!(out.contains("jobs_total{a=\"b\"} 3\njobs_created{a=\"b\"} 1700000000\n"), "{out}");
        assert!(out.contains("jobs_total{a=\"unknown\"} 4\n# HELP rooms"), "{out}");
        assert!(out.ends_with("wait_count 0\nwait_created 1700000000\n"), "{out}");
        assert_eq!(out.matches("_created").count(), 2);
        assert!(!encode(TextFormat::OpenMetrics, false).contains("_created"));
        assert!(!encode(TextFormat::Prometheus, true).contains("_created"));
    }
}
