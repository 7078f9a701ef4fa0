//! The requests by route and method. Rows beyond the limit are summed, so that totals are exact.

use std::collections::HashMap;

use serde::Serialize;

use crate::golden_signals::Outcome;
use crate::metrics::Buckets;
use sre_kit_metrics::internal::{BucketsInternals as _, pairs};

/// How many rows are sent. The page shows no more; of a service with more routes it shows the
/// busiest.
const MAX_ROWS: usize = 100;

const OUTCOMES: usize = Outcome::ALL.len();

/// The golden signals of the process.
#[derive(Debug, Serialize)]
pub(super) struct Traffic {
    /// The names of the counts in [`Row::ended`].
    outcomes: [&'static str; OUTCOMES],
    /// The upper bounds of the duration buckets in seconds, without `+Inf`.
    le: Vec<f64>,
    in_flight: u64,
    /// The busiest first.
    rows: Vec<Row>,
    /// The sum of all further rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<Row>,
}

/// The requests of one route and method, by any scheme, since the process began.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Row {
    /// Empty if the route is unknown.
    route: String,
    method: String,
    started: u64,
    ended: [u64; OUTCOMES],
    /// The durations per bucket, not cumulative, with `+Inf` last.
    counts: Vec<u64>,
}

/// The families that rows are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrafficFamily {
    Started,
    Ended,
    InFlight,
    Duration,
}

impl TrafficFamily {
    pub(super) fn of(family: &str) -> Option<Self> {
        Some(match family {
            "sre_kit_http_server_requests_started_total" => Self::Started,
            "sre_kit_http_server_requests_total" => Self::Ended,
            "http_server_active_requests" => Self::InFlight,
            "http_server_request_duration_seconds" => Self::Duration,
            _ => return None,
        })
    }
}

/// A reader that gathers the rows.
#[derive(Debug, Default)]
pub(super) struct TrafficReader {
    le: Vec<f64>,
    in_flight: u64,
    rows: Vec<Row>,
    /// The indices in `rows` by method and route.
    indices: HashMap<Box<str>, usize>,
    /// A buffer that is reused for each sample.
    key: String,
}

impl TrafficReader {
    pub(super) fn count(&mut self, family: TrafficFamily, labels: &str, value: u64) {
        if family == TrafficFamily::InFlight {
            self.in_flight += value;
            return;
        }
        let (row, outcome) = self.row(labels);
        if family == TrafficFamily::Started {
            row.started += value;
        } else if let Some(index) = outcome {
            row.ended[index] += value;
        }
    }

    pub(super) fn durations(&mut self, labels: &str, buckets: &Buckets, counts: &[u64]) {
        if self.le.is_empty() {
            self.le = bounds(buckets);
        }
        add(&mut self.row(labels).0.counts, counts);
    }

    /// Returns the row of a sample, and the index of its outcome if it has one.
    fn row(&mut self, labels: &str) -> (&mut Row, Option<usize>) {
        let (mut route, mut method, mut outcome) = (None, None, None);
        for (name, value) in pairs(labels) {
            match name {
                "http_route" => route = Some(value),
                "http_request_method" => method = Some(value),
                "outcome" => outcome = Outcome::ALL.iter().position(|o| o.as_str() == value),
                "otel_metric_overflow" => route = Some("(overflow)".into()),
                _ => {}
            }
        }
        let (route, method) = (route.unwrap_or_default(), method.unwrap_or_default());
        self.key.clear();
        self.key.push_str(&method);
        self.key.push(' ');
        self.key.push_str(&route);
        let index = self.indices.get(&*self.key).copied().unwrap_or_else(|| {
            let (route, method) = (route.into_owned(), method.into_owned());
            self.rows.push(Row { route, method, ..Row::default() });
            self.indices.insert(self.key.as_str().into(), self.rows.len() - 1);
            self.rows.len() - 1
        });
        (&mut self.rows[index], outcome)
    }

    pub(super) fn finish(self) -> Traffic {
        let Self { le, in_flight, mut rows, .. } = self;
        // The sort is stable, so that a row does not come and go.
        rows.sort_by_key(|row| std::cmp::Reverse(row.started));
        let others =
            rows.split_off(rows.len().min(MAX_ROWS)).into_iter().reduce(|sum, row| sum.with(&row));
        let others = others.map(|sum| Row { route: String::new(), method: String::new(), ..sum });
        Traffic { outcomes: Outcome::ALL.map(Outcome::as_str), le, in_flight, rows, others }
    }
}

impl Row {
    fn with(mut self, other: &Self) -> Self {
        self.started += other.started;
        for (sum, count) in self.ended.iter_mut().zip(other.ended) {
            *sum += count;
        }
        add(&mut self.counts, &other.counts);
        self
    }
}

fn add(sums: &mut Vec<u64>, counts: &[u64]) {
    if sums.len() < counts.len() {
        sums.resize(counts.len(), 0);
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Returns the bounds as `/metrics` shows them.
pub(super) fn bounds(buckets: &Buckets) -> Vec<f64> {
    buckets.bounds().iter().map(|&bound| buckets.scale().value(bound)).collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_ROWS, TrafficFamily, TrafficReader};
    use crate::metrics::Buckets;

    #[test]
    fn schemes_and_statuses_of_a_route_are_one_row() {
        let mut reader = TrafficReader::default();
        for scheme in ["http", "https"] {
            let labels = format!(
                "http_request_method=\"GET\",http_route=\"/a \\\"b\\\"\",url_scheme=\"{scheme}\""
            );
            reader.count(TrafficFamily::Started, &labels, 3);
            reader.count(TrafficFamily::Ended, &format!("{labels},outcome=\"ok\""), 2);
            reader.count(TrafficFamily::Ended, &format!("{labels},outcome=\"panic\""), 1);
            let buckets = Buckets::seconds([0.1, 1.0]).expect("valid");
            reader.durations(&format!("{labels},error_type=\"500\""), &buckets, &[1, 2, 0]);
        }
        reader.count(TrafficFamily::InFlight, "http_request_method=\"GET\"", 4);
        let traffic = reader.finish();
        assert_eq!((traffic.le, traffic.in_flight), (vec![0.1, 1.0], 4));
        let [row] = &traffic.rows[..] else { panic!("one row: {:?}", traffic.rows) };
        assert_eq!((row.route.as_str(), row.method.as_str()), ("/a \"b\"", "GET"));
        assert_eq!((row.started, row.ended), (6, [4, 0, 0, 0, 0, 0, 0, 0, 2]));
        assert_eq!(row.counts, [2, 4, 0]);
    }

    #[test]
    fn the_busiest_have_their_own_rows_and_no_request_is_left_out() {
        let mut reader = TrafficReader::default();
        let many = MAX_ROWS as u64 + 50;
        for i in 0..many {
            reader.count(TrafficFamily::Started, &format!("http_route=\"/{i}\""), i);
        }
        let traffic = reader.finish();
        assert_eq!(traffic.rows.len(), MAX_ROWS);
        assert_eq!(traffic.rows[0].route, format!("/{}", many - 1));
        let others = traffic.others.expect("more than fit");
        assert_eq!(others.started, (0..50).sum::<u64>());
        let shown: u64 = traffic.rows.iter().map(|row| row.started).sum();
        assert_eq!(shown + others.started, (0..many).sum::<u64>());
    }
}
