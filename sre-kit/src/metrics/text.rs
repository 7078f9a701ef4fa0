//! The two text formats, for the families that the kit owns.
//!
//! Label pairs and bucket bounds are text already, so a line is a few copies
//! and one integer. Sources: the OpenMetrics 1.0.0 specification and the
//! Prometheus text exposition format 0.0.4.

use super::buckets::{Buckets, Scale, float_text};
use super::visit::{Desc, Kind, Visitor};

/// Which text format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextFormat {
    /// OpenMetrics 1.0.0, without the closing `# EOF`.
    OpenMetrics,
    /// The Prometheus text format 0.0.4.
    Prometheus,
}

/// Units that OpenMetrics names in a `# UNIT` line when a family's name ends with one.
const UNITS: [&str; 4] = ["seconds", "bytes", "ratio", "cores"];

/// Writes into a buffer that the caller keeps.
pub(crate) struct TextEncoder<'a> {
    out: &'a mut String,
    format: TextFormat,
    name: String,
}

impl<'a> TextEncoder<'a> {
    pub(crate) fn new(out: &'a mut String, format: TextFormat) -> Self {
        Self { out, format, name: String::new() }
    }

    fn integer_text(&mut self, value: u64) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    /// `name{labels}` with a space behind it.
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

    fn help(&mut self, help: &str) {
        for c in help.chars() {
            match c {
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                // Only OpenMetrics escapes a quote in a help text.
                '"' if self.format == TextFormat::OpenMetrics => self.out.push_str("\\\""),
                c => self.out.push(c),
            }
        }
    }
}

impl Visitor for TextEncoder<'_> {
    fn family(&mut self, desc: &Desc) {
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
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.out.push_str("# HELP ");
        self.out.push_str(name);
        self.out.push(' ');
        self.help(&desc.help);
        for part in ["\n# TYPE ", name, " ", kind, "\n"] {
            self.out.push_str(part);
        }
        let unit = UNITS
            .iter()
            .find(|unit| name.strip_suffix(*unit).is_some_and(|rest| rest.ends_with('_')));
        if let (TextFormat::OpenMetrics, Some(unit)) = (self.format, unit) {
            for part in ["# UNIT ", name, " ", unit, "\n"] {
                self.out.push_str(part);
            }
        }
    }

    fn integer(&mut self, labels: &str, value: u64) {
        self.begin("", labels);
        self.integer_text(value);
        self.out.push('\n');
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.begin("", labels);
        self.out.push_str(&float_text(value));
        self.out.push('\n');
    }

    fn histogram(&mut self, labels: &str, buckets: &Buckets, row: &[u64]) {
        let counts = buckets.bounds().len() + 1;
        // One reservation per series instead of a check that grows per line.
        self.out.reserve((self.name.len() + labels.len() + 40) * (counts + 2));
        let mut total = 0_u64;
        for (le, count) in buckets.le().iter().zip(row) {
            total = total.wrapping_add(*count);
            self.out.push_str(&self.name);
            self.out.push_str("_bucket{");
            self.out.push_str(labels);
            if !labels.is_empty() {
                self.out.push(',');
            }
            self.out.push_str(le);
            self.out.push_str("} ");
            self.integer_text(total);
            self.out.push('\n');
        }
        self.begin("_sum", labels);
        let sum = row.get(counts).copied().unwrap_or(0);
        match buckets.scale() {
            Scale::Ones => self.integer_text(sum),
            Scale::Nanos => self.seconds_text(sum),
        }
        self.out.push('\n');
        self.begin("_count", labels);
        self.integer_text(total);
        self.out.push('\n');
    }
}

impl TextEncoder<'_> {
    /// Nanoseconds as decimal seconds, exactly, with no float between.
    fn seconds_text(&mut self, nanos: u64) {
        self.integer_text(nanos / 1_000_000_000);
        self.out.push('.');
        let mut digits = *b"000000000";
        let mut rest = nanos % 1_000_000_000;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let used = digits.iter().rposition(|&d| d != b'0').unwrap_or(0) + 1;
        self.out.extend(digits[..used].iter().map(|&d| char::from(d)));
    }
}

#[cfg(test)]
mod tests {
    use super::{TextEncoder, TextFormat};
    use crate::metrics::buckets::Buckets;
    use crate::metrics::visit::{Desc, Kind, Visitor};

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
        encoder.histogram("a=\"b\"", &buckets, &[1, 2, 3, 1_500_000_001]);
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
    fn whole_seconds_keep_one_digit_behind_the_point() {
        let mut out = String::new();
        TextEncoder::new(&mut out, TextFormat::OpenMetrics).seconds_text(2_000_000_000);
        assert_eq!(out, "2.0");
    }
}
