//! The families of the registry that the page shows, and their form in the document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::traces::{Trace, TraceReader};
use super::traffic::{Traffic, TrafficFamily, TrafficReader, bounds};
use crate::metrics::Buckets;
use sre_kit_metrics::internal::{BucketsInternals as _, Desc, Exemplars, Visitor, pairs};

/// The prefixes of the names of families that are sent as they are.
const SHOWN_PREFIXES: [&str; 16] = [
    "cgroup_",
    "db_client_connection",
    "health_heartbeat_age_seconds",
    "lifecycle_",
    "process_",
    "saturation_pool_",
    "sre_kit_db_",
    "sre_kit_http_server_concurrency_",
    "sre_kit_http_server_connection_errors_total",
    "sre_kit_http_server_connections_limit",
    "sre_kit_http_server_open_connections",
    "sre_kit_http_server_queue_",
    "sre_kit_http_server_shed_total",
    "sre_kit_metrics_overflow_total",
    "sre_kit_telemetry_",
    "tokio_runtime_",
];

/// How many series of one family are sent. Families of the kit have far fewer, and a page could not
/// show more.
const MAX_SERIES: usize = 200;

/// The families by name.
pub(super) type Families = BTreeMap<String, Family>;

/// One family of metrics.
#[derive(Debug, Serialize)]
pub(super) struct Family {
    /// The upper bounds of a histogram's buckets, without `+Inf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    le: Option<Vec<f64>>,
    series: Vec<(BTreeMap<String, String>, Value)>,
}

/// The value of one series.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Value {
    Integer(u64),
    Float(f64),
    /// The count of each bucket, not cumulative, with `+Inf` last.
    Histogram {
        counts: Vec<u64>,
        sum: f64,
    },
}

/// A visitor of a registry that keeps what the page shows.
#[derive(Debug, Default)]
pub(super) struct Reader {
    traffic: TrafficReader,
    traces: TraceReader,
    families: Families,
    current: Current,
}

/// The family that the visited samples belong to.
#[derive(Debug, Default)]
enum Current {
    #[default]
    None,
    Traffic(TrafficFamily),
    Shown(String),
}

impl Reader {
    /// Returns whether the page uses a family of this name. The others are not read.
    pub(super) fn reads(name: &str) -> bool {
        TrafficFamily::of(name).is_some() || Self::shows(name)
    }

    fn shows(name: &str) -> bool {
        SHOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }

    pub(super) fn finish(self) -> (Traffic, Vec<Trace>, Families) {
        (self.traffic.finish(), self.traces.finish(), self.families)
    }

    fn push(&mut self, labels: &str, le: Option<&Buckets>, value: Value) {
        let Current::Shown(name) = &self.current else { return };
        let family = self
            .families
            .entry(name.clone())
            .or_insert_with(|| Family { le: le.map(bounds), series: Vec::new() });
        if family.series.len() < MAX_SERIES {
            let labels =
                pairs(labels).map(|(name, value)| (name.to_owned(), Cow::into_owned(value)));
            family.series.push((labels.collect(), value));
        }
    }
}

impl Visitor for Reader {
    fn family(&mut self, desc: &Desc) {
        self.current = match TrafficFamily::of(&desc.name) {
            Some(family) => Current::Traffic(family),
            None if Self::shows(&desc.name) => Current::Shown(desc.name.clone()),
            None => Current::None,
        };
    }

    fn integer(&mut self, labels: &str, value: u64) {
        match self.current {
            Current::Traffic(family) => self.traffic.count(family, labels, value),
            _ => self.push(labels, None, Value::Integer(value)),
        }
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.push(labels, None, Value::Float(value));
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let counts = buckets.bounds().len() + 1;
        if let Current::Traffic(_) = self.current {
            self.traffic.durations(labels, buckets, &cells[..counts]);
            if let Some(exemplars) = exemplars {
                self.traces.read(labels, buckets, exemplars);
            }
        } else {
            let sum = buckets.scale().value(cells.get(counts).copied().unwrap_or(0));
            let counts = cells[..counts].to_vec();
            self.push(labels, Some(buckets), Value::Histogram { counts, sum });
        }
    }
}
