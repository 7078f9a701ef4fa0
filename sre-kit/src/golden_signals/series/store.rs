//! Every family of the layer, and the rows of one request in them.

use sre_kit_core::internal::METHODS;
use sre_kit_metrics::internal::{BucketsInternals as _, RegistryInternals as _};
use std::sync::Arc;

use super::flow::{CELLS, FLOW_FAMILIES, Flow};
use super::key::{Key, SCHEMES};
use crate::ConfigError;
use crate::golden_signals::label::LabelDef;
use crate::golden_signals::objectives::Mark;
use crate::golden_signals::outcome::{Cause, Outcome};
use crate::golden_signals::route::RouteSeries;
use crate::metrics::{Buckets, Registry};
use sre_kit_metrics::internal::{
    CELLS_PER_LINE, CellOffset, Exemplars, Family, Kind, OVERFLOW_LABEL, Scale, ShardedCells,
    push_pair,
};

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

/// Where the parts of a block begin.
///
/// What is counted per route, method and scheme lies in one block of cells, so
/// that a request finds its place once when it starts, once at its head and once
/// at its end: the flow, then three histograms, each on lines of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) to_headers: usize,
    pub(crate) request_size: usize,
    pub(crate) response_size: usize,
    len: usize,
}

impl Block {
    fn new(bounds: &Bounds) -> Self {
        let to_headers = CELLS.next_multiple_of(CELLS_PER_LINE);
        let request_size =
            to_headers + bounds.duration.cell_count().next_multiple_of(CELLS_PER_LINE);
        let response_size =
            request_size + bounds.size.cell_count().next_multiple_of(CELLS_PER_LINE);
        let len = response_size + bounds.size.cell_count();
        Self { to_headers, request_size, response_size, len }
    }

    fn part(start: CellOffset, offset: usize) -> CellOffset {
        // A block is shorter than a chunk, 1 024 cells.
        start.plus(u32::try_from(offset).unwrap_or(0))
    }
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
    pub(crate) cells: Arc<ShardedCells>,
    pub(crate) flow: Arc<Flow>,
    pub(crate) bounds: Bounds,
    pub(crate) block: Block,
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
        let block = Block::new(&bounds);
        let overflow = cells.allocate(block.len).ok_or_else(|| {
            ConfigError::new(
                "registry",
                "full",
                "the layer needs room for its rows",
                "use a new one",
            )
        })?;
        let flow =
            Arc::new(Flow::new(Arc::clone(&cells), registry.max_series_per_family(), overflow));
        let histogram = |name, help, buckets: &Buckets| {
            registry.sharded_family(name, help, Kind::Histogram, Some(buckets.clone()))
        };
        let part = |name, help, buckets: &Buckets, offset| {
            registry.adopted_family(name, help, buckets.clone(), Block::part(overflow, offset))
        };
        let store = Self {
            duration: histogram(
                "http_server_request_duration_seconds",
                "Time from the request's arrival to the end of the response body.",
                &bounds.duration,
            )?,
            to_headers: part(
                "http_server_time_to_headers_seconds",
                "Time from the request's arrival to the response head.",
                &bounds.duration,
                block.to_headers,
            )?,
            request_size: part(
                "http_server_request_body_size_bytes",
                "Size of request bodies, as declared or counted.",
                &bounds.size,
                block.request_size,
            )?,
            response_size: part(
                "http_server_response_body_size_bytes",
                "Size of response bodies, as sent.",
                &bounds.size,
                block.response_size,
            )?,
            stream: histogram(
                "http_server_stream_duration_seconds",
                "Lifetime of streams and upgraded connections, which have no latency.",
                &bounds.stream,
            )?,
            cells,
            flow,
            bounds,
            block,
            labels,
        };
        // Last: the names are reserved only once everything else is there.
        registry.register_collector(&FLOW_FAMILIES, store.flow.clone())?;
        Ok(store)
    }

    /// The block of a route, method and scheme.
    pub(crate) fn rows(&self, route: &RouteSeries, method: usize, scheme: usize) -> CellOffset {
        route.rows(method, scheme, || self.new_rows(route, method, scheme))
    }

    fn new_rows(&self, route: &RouteSeries, method: usize, scheme: usize) -> CellOffset {
        let labels = base_labels(route, METHODS[method], SCHEMES[scheme]);
        let taken = self.flow.take(self.block.len, &labels, method, scheme, route.is_overflow());
        let Some(start) = taken else { return self.flow.overflow_row() };
        for (family, offset) in [
            (&self.to_headers, self.block.to_headers),
            (&self.request_size, self.block.request_size),
            (&self.response_size, self.block.response_size),
        ] {
            family.adopt(&labels, Block::part(start, offset));
        }
        start
    }

    /// The series of a stream's lifetime.
    pub(crate) fn stream_row(&self, route: &RouteSeries, key: Key, kind: StreamKind) -> CellOffset {
        let slot = (key.bits() & Key::METHOD_AND_SCHEME) | (kind as u64 + 1);
        let row = route.streams.get(slot).or_else(|| {
            route.streams.get_or_insert(slot, || {
                let mut labels = base_labels(route, key.method(), key.scheme());
                push_pair(&mut labels, "stream", kind.as_str());
                known(&self.stream, self.stream.create(&labels))
            })
        });
        row.map_or(self.stream.overflow(), CellOffset::from_index)
    }

    /// The series of a duration.
    #[inline]
    pub(crate) fn duration_row(&self, route: &RouteSeries, end: &End) -> CellOffset {
        match route.durations.get(end.key.bits()) {
            Some(row) => CellOffset::from_index(row),
            None => self.new_duration_row(route, end),
        }
    }

    #[cold]
    fn new_duration_row(&self, route: &RouteSeries, end: &End) -> CellOffset {
        let row = route.durations.get_or_insert(end.key.bits(), || {
            let labels = self.duration_labels(route, end);
            known(&self.duration, self.duration.create(&labels))
        });
        row.map_or(self.duration.overflow(), CellOffset::from_index)
    }

    /// The exemplars of a duration's series.
    #[cold]
    pub(crate) fn duration_exemplars(&self, route: &RouteSeries, end: &End) -> Arc<Exemplars> {
        self.duration.exemplars(self.duration_row(route, end))
    }

    /// Whether a duration's row is the one for what found no series of its own.
    pub(crate) fn is_overflow(&self, row: CellOffset) -> bool {
        row == self.duration.overflow()
    }

    /// Labels in the order of the semantic conventions' table, callers' own last.
    fn duration_labels(&self, route: &RouteSeries, end: &End) -> String {
        let key = end.key;
        let status = key.status();
        let mut labels = String::new();
        push_pair(&mut labels, "http_request_method", key.method());
        push_pair(&mut labels, "url_scheme", key.scheme());
        push_pair(&mut labels, "error_type", end.error_type(&status).unwrap_or(""));
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
    /// Nanoseconds to the response head, if there was one.
    pub(crate) to_headers: Option<u64>,
    /// The reason for which an SLO may leave it out.
    pub(crate) mark: Option<Mark>,
}

impl End {
    /// The `error.type`, for a request whose status prints as `status`.
    pub(crate) fn error_type<'a>(&self, status: &'a str) -> Option<&'a str> {
        let of_status = || (self.outcome == Outcome::Error).then_some(status);
        self.cause.error_type().or(self.outcome.error_type()).or_else(of_status)
    }
}

/// A row that may be remembered under its key: the overflow row is not one.
fn known(family: &Family, row: CellOffset) -> Option<u32> {
    (row != family.overflow()).then(|| row.index())
}

fn base_labels(route: &RouteSeries, method: &str, scheme: &str) -> String {
    let mut labels = String::new();
    push_pair(&mut labels, "http_request_method", method);
    push_route(&mut labels, route);
    push_pair(&mut labels, "url_scheme", scheme);
    labels
}

fn push_route(labels: &mut String, route: &RouteSeries) {
    if let Some(template) = &route.template {
        push_pair(labels, "http_route", template);
    } else if route.is_overflow() {
        labels.push(',');
        labels.push_str(OVERFLOW_LABEL);
    }
}
