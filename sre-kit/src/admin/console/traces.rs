//! Traces to look at: the exemplars of the latencies, the latest first.

use serde::Serialize;
use sre_kit_metrics::internal::BucketsInternals as _;

use crate::metrics::Buckets;
use sre_kit_metrics::internal::{Exemplars, pairs};

/// More would not be read.
const MAX_TRACES: usize = 20;

/// A request whose trace was sampled.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Trace {
    /// As W3C Trace Context writes it.
    id: String,
    route: String,
    method: String,
    /// The response's status, or what went wrong where there was none.
    status: String,
    seconds: f64,
    /// When it ended, in Unix seconds.
    at: f64,
}

/// Keeps the latest ones while a registry is read.
#[derive(Debug, Default)]
pub(super) struct TraceReader(Vec<Trace>);

impl TraceReader {
    pub(super) fn read(&mut self, labels: &str, buckets: &Buckets, exemplars: &Exemplars) {
        for bucket in 0..=buckets.bounds().len() {
            let Some(exemplar) = exemplars.get(bucket) else { continue };
            let at = exemplar.at.as_secs_f64();
            let Some(place) = self.place(at) else { continue };
            let mut trace = Trace {
                id: format!("{:032x}", exemplar.link.trace_id),
                seconds: buckets.scale().value(exemplar.value),
                at,
                ..Trace::default()
            };
            for (name, value) in pairs(labels) {
                match name {
                    "http_route" => trace.route = value.into_owned(),
                    "http_request_method" => trace.method = value.into_owned(),
                    "http_response_status_code" => trace.status = value.into_owned(),
                    "error_type" if trace.status.is_empty() => trace.status = value.into_owned(),
                    _ => {}
                }
            }
            match self.0.get_mut(place) {
                Some(old) => *old = trace,
                None => self.0.push(trace),
            }
        }
    }

    /// Where a trace of that time goes: behind the others, or in place of the oldest.
    fn place(&self, at: f64) -> Option<usize> {
        if self.0.len() < MAX_TRACES {
            return Some(self.0.len());
        }
        let oldest = self.0.iter().enumerate().min_by(|(_, a), (_, b)| a.at.total_cmp(&b.at));
        oldest.filter(|(_, trace)| trace.at < at).map(|(place, _)| place)
    }

    pub(super) fn finish(self) -> Vec<Trace> {
        let mut traces = self.0;
        traces.sort_by(|a, b| b.at.total_cmp(&a.at));
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TRACES, TraceReader};
    use crate::metrics::Buckets;
    use sre_kit_metrics::internal::{Exemplars, Link};

    #[test]
    fn the_latest_are_kept_with_what_is_known_of_them() {
        let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
        let mut reader = TraceReader::default();
        for i in 0..30 {
            let exemplars = Exemplars::new(3);
            exemplars.offer(1, 250_000_000, Link { trace_id: 0xabc0 + i, span_id: 1 });
            let labels = "error_type=\"500\",http_request_method=\"GET\",\
                          http_response_status_code=\"500\",http_route=\"/a\"";
            reader.read(labels, &buckets, &exemplars);
        }
        let traces = reader.finish();
        assert_eq!(traces.len(), MAX_TRACES);
        assert!(traces.windows(2).all(|pair| pair[0].at >= pair[1].at), "the latest first");
        let [latest, ..] = &traces[..] else { panic!("some") };
        assert_eq!(latest.id, format!("{:032x}", 0xabc0 + 29));
        assert_eq!((latest.route.as_str(), latest.status.as_str()), ("/a", "500"));
        assert!((latest.seconds - 0.25).abs() < 1e-9);
    }
}
