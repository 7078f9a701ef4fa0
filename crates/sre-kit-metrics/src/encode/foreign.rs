//! The encoding of metrics that were made with the `prometheus_client` crate.
//!
//! A histogram that has only native buckets has no classic one, which the OpenMetrics encoder of
//! that crate refuses. It is written by the Prometheus encoder instead, whose lines for a histogram
//! are also valid OpenMetrics. Help texts are written here, since that crate appends a full stop
//! and does not escape them in OpenMetrics.

use std::fmt;

use prometheus_client::encoding::{prometheus_text, text};

use super::text::{TextFormat, help_text};
use crate::foreign::Foreign;
use crate::visit::Kind;

/// Appends the family. On an error `out` is as it was before.
pub(super) fn encode_text(foreign: &Foreign, out: &mut String, format: TextFormat) -> fmt::Result {
    let start = out.len();
    let result = match format {
        TextFormat::Prometheus => prometheus(foreign, out),
        TextFormat::OpenMetrics | TextFormat::OpenMetrics2 => {
            open_metrics(foreign, out).or_else(|error| {
                out.truncate(start);
                if foreign.kind() == Kind::Histogram {
                    prometheus(foreign, out)
                } else {
                    Err(error)
                }
            })
        }
    };
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn prometheus(foreign: &Foreign, out: &mut String) -> fmt::Result {
    let mut out = HelpReplacer { out, foreign, format: TextFormat::Prometheus, in_help: true };
    prometheus_text::encode(&mut out, foreign.registry())
}

fn open_metrics(foreign: &Foreign, out: &mut String) -> fmt::Result {
    let mut out = HelpReplacer { out, foreign, format: TextFormat::OpenMetrics, in_help: true };
    text::encode_registry(&mut out, foreign.registry())
}

/// Appends the family as a delimited message.
#[cfg(feature = "protobuf")]
pub(super) fn encode_protobuf(foreign: &Foreign, out: &mut Vec<u8>) -> fmt::Result {
    use prometheus_client::encoding::prometheus_protobuf;
    use prost::Message;

    for mut family in prometheus_protobuf::encode(foreign.registry())? {
        foreign.help().clone_into(&mut family.help);
        // The only error is a full buffer, and a `Vec` grows.
        family.encode_length_delimited(out).map_err(|_| fmt::Error)?;
    }
    Ok(())
}

/// Replaces the first line that is written, a help line, with one that has the original help text.
struct HelpReplacer<'a> {
    out: &'a mut String,
    foreign: &'a Foreign,
    format: TextFormat,
    in_help: bool,
}

impl fmt::Write for HelpReplacer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.in_help {
            self.out.push_str(text);
        } else if let Some((_, rest)) = text.split_once('\n') {
            self.in_help = false;
            self.out.push_str("# HELP ");
            self.out.push_str(self.foreign.name());
            if self.format == TextFormat::Prometheus {
                self.out.push_str(self.foreign.suffix());
            }
            self.out.push(' ');
            help_text(self.out, self.foreign.help(), self.format);
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

    use super::{Foreign, Kind, TextFormat, encode_text};

    fn text(foreign: &Foreign, format: TextFormat) -> String {
        let mut out = String::new();
        encode_text(foreign, &mut out, format).expect("can be written");
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
