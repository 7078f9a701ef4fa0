//! The latest traces, from the exemplars of the request durations.

use serde::Serialize;

use crate::metrics::Buckets;
use sre_kit_metrics::internal::{BucketsInternals as _, Exemplars, pairs};

/// How many traces are sent.
const MAX_TRACES: usize = 20;

/// A request whose trace was sampled.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Trace {
    /// The trace id, in the form of W3C Trace Context.
    id: String,
    route: String,
    method: String,
    /// The status of the response, or the error type if there was none.
    status: String,
    seconds: f64,
    /// The time of its end, in Unix seconds.
    at: f64,
}

/// A reader that keeps the latest traces.
#[derive(Debug, Default)]
pub(super) struct TraceReader(Vec<Trace>);

impl TraceReader {
    pub(super) fn read(&mut self, labels: &str, buckets: &Buckets, exemplars: &Exemplars) {
        for bucket in 0..=buckets.bounds().len() {
            let Some(exemplar) = exemplars.get(bucket) else { continue };
            let at = exemplar.at.as_secs_f64();
            let Some(index) = self.index_for(at) else { continue };
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
            match self.0.get_mut(index) {
                Some(old) => *old = trace,
                None => self.0.push(trace),
            }
        }
    }

    /// Returns the index for a trace of that time: behind the others, or that of the oldest one.
    fn index_for(&self, at: f64) -> Option<usize> {
        if self.0.len() < MAX_TRACES {
            return Some(self.0.len());
        }
        let oldest = self.0.iter().enumerate().min_by(|(_, a), (_, b)| a.at.total_cmp(&b.at));
        oldest.filter(|(_, trace)| trace.at < at).map(|(index, _)| index)
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
