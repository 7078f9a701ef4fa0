//! Metrics made with the `prometheus_client` crate, written in every format.
//!
//! Each one lives in a registry of its own. That crate's encoders give up at the
//! first metric they cannot write, and would take every other one down with it:
//! a native-only histogram has no classic bucket, which its OpenMetrics encoder
//! refuses. Here it is written by the Prometheus encoder instead, whose lines for
//! a histogram OpenMetrics reads as well. Help texts are ours too, since that
//! crate appends a full stop and does not escape them in OpenMetrics.

use std::fmt;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::{Metric, Registry};

use super::text::{TextFormat, help_text};
use super::visit::Kind;

/// One metric and its heading.
pub(crate) struct Foreign {
    /// As it was registered: without `_total` or `_info`.
    name: String,
    /// What that crate appends to it.
    suffix: &'static str,
    kind: Kind,
    help: String,
    registry: Registry,
}

impl Foreign {
    pub(crate) fn new(
        name: &str,
        suffix: &'static str,
        kind: Kind,
        help: &str,
        metric: impl Metric,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register(name, "", metric);
        Self { name: name.to_owned(), suffix, kind, help: help.to_owned(), registry }
    }

    /// The name as it is printed in the Prometheus formats.
    pub(crate) fn full_name(&self) -> String {
        format!("{}{}", self.name, self.suffix)
    }

    /// Appends the family. On an error `out` is as it was before.
    pub(crate) fn encode_text(&self, out: &mut String, format: TextFormat) -> fmt::Result {
        let start = out.len();
        let result = match format {
            TextFormat::Prometheus => self.prometheus(out),
            TextFormat::OpenMetrics => self.open_metrics(out).or_else(|error| {
                out.truncate(start);
                if self.kind == Kind::Histogram { self.prometheus(out) } else { Err(error) }
            }),
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn prometheus(&self, out: &mut String) -> fmt::Result {
        let mut out = self.heading(out, TextFormat::Prometheus);
        prometheus_text::encode(&mut out, &self.registry)
    }

    fn open_metrics(&self, out: &mut String) -> fmt::Result {
        let mut out = self.heading(out, TextFormat::OpenMetrics);
        text::encode_registry(&mut out, &self.registry)
    }

    fn heading<'a>(&'a self, out: &'a mut String, format: TextFormat) -> OwnHelp<'a> {
        OwnHelp { out, foreign: self, format, in_help: true }
    }

    /// Appends the family as a delimited message.
    #[cfg(feature = "protobuf")]
    pub(crate) fn encode_protobuf(&self, out: &mut Vec<u8>) -> fmt::Result {
        use prometheus_client::encoding::prometheus_protobuf;
        use prost::Message;

        for mut family in prometheus_protobuf::encode(&self.registry)? {
            self.help.clone_into(&mut family.help);
            // The only error is a buffer that is full; a `Vec` grows.
            family.encode_length_delimited(out).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Foreign").field(&self.name).finish()
    }
}

/// Puts a help line of ours in place of the first line that comes through.
struct OwnHelp<'a> {
    out: &'a mut String,
    foreign: &'a Foreign,
    format: TextFormat,
    in_help: bool,
}

impl fmt::Write for OwnHelp<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.in_help {
            self.out.push_str(text);
        } else if let Some((_, rest)) = text.split_once('\n') {
            self.in_help = false;
            let Foreign { name, suffix, help, .. } = self.foreign;
            self.out.push_str("# HELP ");
            self.out.push_str(name);
            if self.format == TextFormat::Prometheus {
                self.out.push_str(suffix);
            }
            self.out.push(' ');
            help_text(self.out, help, self.format);
            self.out.push('\n');
            self.out.push_str(rest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};

    use super::{Foreign, Kind, TextFormat};

    fn text(foreign: &Foreign, format: TextFormat) -> String {
        let mut out = String::new();
        foreign.encode_text(&mut out, format).expect("can be written");
        out
    }

    #[test]
    fn a_help_text_is_written_as_it_was_given() {
        let counter = Counter::<u64>::default();
        let foreign = Foreign::new("jobs", "_total", Kind::Counter, "Jobs\n\"done\"", counter);
        assert_eq!(
            text(&foreign, TextFormat::OpenMetrics),
            "# HELP jobs Jobs\\n\\\"done\\\"\n# TYPE jobs counter\njobs_total 0\n"
        );
        assert_eq!(
            text(&foreign, TextFormat::Prometheus),
            "# HELP jobs_total Jobs\\n\"done\"\n# TYPE jobs_total counter\njobs_total 0\n"
        );
    }

    #[test]
    fn a_histogram_without_classic_buckets_is_written_in_both_text_formats() {
        let histogram = Histogram::new_native(NativeHistogramConfig::new(1.1));
        histogram.observe(0.25);
        let foreign = Foreign::new("wait", "", Kind::Histogram, "Waits.", histogram);
        for format in [TextFormat::OpenMetrics, TextFormat::Prometheus] {
            assert_eq!(
                text(&foreign, format),
                "# HELP wait Waits.\n# TYPE wait histogram\nwait_bucket{le=\"+Inf\"} 1\n\
                 wait_sum 0.25\nwait_count 1\n"
            );
        }
    }

    #[test]
    fn a_family_without_series_is_left_out() {
        let family = Family::<Vec<(String, String)>, Gauge>::default();
        let foreign = Foreign::new("rooms", "", Kind::Gauge, "Rooms.", family.clone());
        assert_eq!(text(&foreign, TextFormat::OpenMetrics), "");
        family.get_or_create(&vec![("floor".to_owned(), "a\"b\\c\nd".to_owned())]).set(2);
        assert_eq!(
            text(&foreign, TextFormat::Prometheus),
            "# HELP rooms Rooms.\n# TYPE rooms gauge\nrooms{floor=\"a\\\"b\\\\c\\nd\"} 2\n"
        );
    }
}
