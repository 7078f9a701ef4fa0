//! Every family of the layer, and the rows of one request in them.

use std::sync::Arc;

use super::flow::{FLOW_FAMILIES, Flow};
use super::key::{Key, METHODS, SCHEMES};
use crate::ConfigError;
use crate::golden_signals::label::LabelDef;
use crate::golden_signals::outcome::{Cause, Outcome};
use crate::golden_signals::route::Route;
use crate::metrics::internal::{
    Cells, Family, Kind, OVERFLOW_LABEL, Row, Scale, observe, push_pair,
};
use crate::metrics::{Buckets, Registry};

/// What kind of long life a response has, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    /// Server-sent events.
    Sse,
    /// Marked as a stream by the caller.
    Stream,
    /// A connection that changed its protocol.
    Upgrade,
}

impl StreamKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Stream => "stream",
            Self::Upgrade => "upgrade",
        }
    }
}

/// The rows of one route, method and scheme.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    flow: Row,
    to_headers: Row,
    request_size: Row,
    response_size: Row,
}

/// Bounds of the layer's histograms.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) duration: Buckets,
    pub(crate) size: Buckets,
    pub(crate) stream: Buckets,
}

impl Bounds {
    /// Seconds where durations are recorded, whole units where sizes are.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (field, buckets, scale, advice) in [
            ("duration_buckets", &self.duration, Scale::Nanos, "make them with `Buckets::seconds`"),
            ("body_size_buckets", &self.size, Scale::Ones, "make them with `Buckets::units`"),
        ] {
            if buckets.scale() != scale {
                return Err(ConfigError::new(
                    field,
                    buckets,
                    "the bounds are of another unit than the histogram",
                    advice,
                ));
            }
        }
        Ok(())
    }
}

pub(crate) struct Store {
    pub(crate) cells: Arc<Cells>,
    pub(crate) flow: Arc<Flow>,
    bounds: Bounds,
    labels: Box<[LabelDef]>,
    duration: Arc<Family>,
    to_headers: Arc<Family>,
    request_size: Arc<Family>,
    response_size: Arc<Family>,
    stream: Arc<Family>,
}

impl Store {
    pub(crate) fn new(
        registry: &Registry,
        bounds: Bounds,
        labels: Box<[LabelDef]>,
    ) -> Result<Self, ConfigError> {
        let cells = Arc::clone(registry.cells());
        let flow =
            Flow::new(Arc::clone(&cells), registry.limit()).map(Arc::new).ok_or_else(|| {
                ConfigError::new(
                    "registry",
                    "full",
                    "the layer needs room for its rows",
                    "use a new one",
                )
            })?;
        let histogram = |name, help, buckets: &Buckets| {
            registry.sharded(name, help, Kind::Histogram, Some(buckets.clone()))
        };
        let store = Self {
            duration: histogram(
                "http_server_request_duration_seconds",
                "Time from the request's arrival to the end of the response body.",
                &bounds.duration,
            )?,
            to_headers: histogram(
                "http_server_time_to_headers_seconds",
                "Time from the request's arrival to the response head.",
                &bounds.duration,
            )?,
            request_size: histogram(
                "http_server_request_body_size_bytes",
                "Size of request bodies, as declared.",
                &bounds.size,
            )?,
            response_size: histogram(
                "http_server_response_body_size_bytes",
                "Size of response bodies, as sent.",
                &bounds.size,
            )?,
            stream: histogram(
                "http_server_stream_duration_seconds",
                "Lifetime of streams and upgraded connections, which have no latency.",
                &bounds.stream,
            )?,
            cells,
            flow,
            bounds,
            labels,
        };
        // Last: the names are reserved only once everything else is there.
        registry.collector(&FLOW_FAMILIES, store.flow.clone())?;
        Ok(store)
    }

    /// The rows of a request's route, method and scheme.
    #[inline]
    pub(crate) fn rows(&self, route: &Route, method: usize, scheme: usize) -> Rows {
        route.entry(method, scheme, || {
            let labels = base_labels(route, METHODS[method], SCHEMES[scheme]);
            Rows {
                flow: self.flow.create(&labels, method, scheme, route.is_overflow()),
                to_headers: self.to_headers.create(&labels),
                request_size: self.request_size.create(&labels),
                response_size: self.response_size.create(&labels),
            }
        })
    }

    #[inline]
    pub(crate) fn start(&self, rows: Rows, request_bytes: Option<u64>) {
        let shard = self.cells.my_shard();
        self.flow.start(rows.flow, shard);
        if let Some(bytes) = request_bytes {
            observe(&self.cells, shard, rows.request_size, &self.bounds.size, bytes);
        }
    }

    #[inline]
    pub(crate) fn headers(&self, rows: Rows, nanos: u64) {
        let shard = self.cells.my_shard();
        observe(&self.cells, shard, rows.to_headers, &self.bounds.duration, nanos);
    }

    /// Counts the end of a request. The outcome comes last: whoever sees it sees
    /// the rest as well.
    #[inline]
    pub(crate) fn end(&self, route: &Route, rows: Rows, end: &End) {
        let shard = self.cells.my_shard();
        for (row, bytes) in
            [(rows.response_size, end.response_bytes), (rows.request_size, end.request_bytes)]
        {
            if let Some(bytes) = bytes {
                observe(&self.cells, shard, row, &self.bounds.size, bytes);
            }
        }
        match end.stream {
            None => {
                let row = self.duration_row(route, end);
                observe(&self.cells, shard, row, &self.bounds.duration, end.nanos);
            }
            // Its lifetime begins here; whoever holds the connection counts it.
            Some(StreamKind::Upgrade) => {}
            Some(kind) => self.stream_end(route, end.key, kind, end.nanos),
        }
        self.flow.end(rows.flow, shard, end.outcome);
    }

    /// Counts the lifetime of a stream.
    pub(crate) fn stream_end(&self, route: &Route, key: Key, kind: StreamKind, nanos: u64) {
        let slot = (key.bits() & Key::METHOD_AND_SCHEME) | (kind as u64 + 1);
        let row = route.streams.get(slot).or_else(|| {
            route.streams.get_or_insert(slot, || {
                let mut labels = base_labels(route, key.method(), key.scheme());
                push_pair(&mut labels, "stream", kind.as_str());
                known(&self.stream, self.stream.create(&labels))
            })
        });
        let row = row.map_or(self.stream.overflow_row(), Row::from_index);
        observe(&self.cells, self.cells.my_shard(), row, &self.bounds.stream, nanos);
    }

    #[inline]
    fn duration_row(&self, route: &Route, end: &End) -> Row {
        let bits = end.key.bits();
        match route.durations.get(bits) {
            Some(row) => Row::from_index(row),
            None => self.new_duration_row(route, end),
        }
    }

    #[cold]
    fn new_duration_row(&self, route: &Route, end: &End) -> Row {
        let row = route.durations.get_or_insert(end.key.bits(), || {
            let labels = self.duration_labels(route, end);
            known(&self.duration, self.duration.create(&labels))
        });
        row.map_or(self.duration.overflow_row(), Row::from_index)
    }

    /// Labels in the order of the semantic conventions' table, callers' own last.
    fn duration_labels(&self, route: &Route, end: &End) -> String {
        let End { key, outcome, cause, .. } = *end;
        let status = key.status();
        let error_type = cause.error_type().or(outcome.error_type()).or(match outcome {
            Outcome::Error => Some(status.as_str()),
            _ => None,
        });
        let mut labels = String::new();
        push_pair(&mut labels, "http_request_method", key.method());
        push_pair(&mut labels, "url_scheme", key.scheme());
        push_pair(&mut labels, "error_type", error_type.unwrap_or(""));
        push_pair(&mut labels, "http_response_status_code", &status);
        push_route(&mut labels, route);
        push_pair(&mut labels, "network_protocol_version", key.version());
        for (i, label) in self.labels.iter().enumerate() {
            push_pair(&mut labels, label.name, label.text(key.label(i)));
        }
        labels
    }

    pub(crate) fn labels(&self) -> &[LabelDef] {
        &self.labels
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) key: Key,
    pub(crate) outcome: Outcome,
    pub(crate) cause: Cause,
    pub(crate) stream: Option<StreamKind>,
    pub(crate) nanos: u64,
    pub(crate) response_bytes: Option<u64>,
    /// Where it was not declared at the start.
    pub(crate) request_bytes: Option<u64>,
}

/// A row that may be remembered under its key: the overflow row is not one.
fn known(family: &Family, row: Row) -> Option<u32> {
    (row != family.overflow_row()).then(|| row.index())
}

fn base_labels(route: &Route, method: &str, scheme: &str) -> String {
    let mut labels = String::new();
    push_pair(&mut labels, "http_request_method", method);
    push_route(&mut labels, route);
    push_pair(&mut labels, "url_scheme", scheme);
    labels
}

fn push_route(labels: &mut String, route: &Route) {
    if let Some(template) = &route.template {
        push_pair(labels, "http_route", template);
    } else if route.is_overflow() {
        labels.push(',');
        labels.push_str(OVERFLOW_LABEL);
    }
}
