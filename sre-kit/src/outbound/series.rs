//! The metric families of calls and the cells of a call in them.

use std::sync::{Arc, OnceLock};

use sre_kit_core::internal::METHODS;
use sre_kit_metrics::internal::{
    BucketsInternals as _, CELLS_PER_LINE, CellOffset, Exemplars, Family, Kind,
    RegistryInternals as _, ShardedCells, push_pair,
};

use super::dependency_slo::DependencySlo;
use super::key::Key;
use super::outcome::CallOutcome;
use super::peer::Peer;
use crate::ConfigError;
use crate::budget::Budgets;
use crate::counts::{CountNames, Counts};
use crate::id_map::IdMap;
use crate::metrics::{Buckets, Registry};

/// The value of labels of peers and methods that were not declared.
const OTHER: &str = "_OTHER";

/// The label of the status of a gRPC call. It is `rpc.response.status_code` in the semantic
/// conventions up to 1.44.0, whose schema this crate follows, and `rpc.status_code` after that.
const RPC_STATUS: &str = "rpc_response_status_code";

const NAMES: CountNames = CountNames {
    started: (
        "sre_kit_http_client_requests_started_total",
        "Requests that were sent to other services.",
    ),
    ended: (
        "sre_kit_http_client_requests_total",
        "Requests to others that ended, by how they ended.",
    ),
    active: ("http_client_active_requests", "Requests to others that started and did not end."),
    outcomes: &CallOutcome::NAMES,
};

/// The offsets of the parts within the cells of one peer, template and method: the counts, and
/// three histograms, each on cache lines of its own.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub(super) to_headers: usize,
    pub(super) request_size: usize,
    pub(super) response_size: usize,
    len: usize,
}

/// The metric families of calls.
pub(super) struct Store {
    pub(super) cells: Arc<ShardedCells>,
    pub(super) counts: Arc<Counts>,
    pub(super) layout: Layout,
    pub(super) duration_buckets: Buckets,
    pub(super) size_buckets: Buckets,
    duration: Arc<Family>,
    rpc_duration: Arc<Family>,
    to_headers: Arc<Family>,
    request_size: Arc<Family>,
    response_size: Arc<Family>,
}

/// The series of one peer.
pub(super) struct PeerSeries {
    /// `None` for all peers that were not declared.
    pub(super) peer: Option<Peer>,
    pub(super) router: Option<matchit::Router<u8>>,
    /// By template and method.
    rows: Box<[OnceLock<CellOffset>]>,
    durations: IdMap,
    pub(super) slos: Box<[DependencySlo]>,
}

impl PeerSeries {
    pub(super) fn new(peer: Option<Peer>, budgets: &[Budgets]) -> Result<Self, ConfigError> {
        let mut slos = Vec::new();
        for (peer, budgets) in peer.iter().flat_map(|peer| budgets.iter().map(move |b| (peer, b))) {
            slos.extend(DependencySlo::of(peer, budgets)?);
        }
        let router = peer.as_ref().map(Peer::router).transpose()?.flatten();
        let templates = peer.as_ref().map_or(0, |peer| peer.templates.len());
        let rows = (0..(templates + 1) * METHODS.len()).map(|_| OnceLock::new()).collect();
        Ok(Self { peer, router, rows, durations: IdMap::new(), slos: slos.into() })
    }

    /// Returns the id of the template of a path, which is 0 if there is none.
    #[inline]
    pub(super) fn template(&self, path: &str) -> u8 {
        let found = self.router.as_ref().and_then(|router| router.at(path).ok());
        found.map_or(0, |found| *found.value)
    }

    pub(super) fn is_grpc(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.grpc)
    }

    fn push_server(&self, labels: &mut String) {
        match &self.peer {
            Some(peer) => {
                push_pair(labels, "server_address", &peer.host);
                push_pair(labels, "server_port", &peer.port.to_string());
            }
            None => push_pair(labels, "server_address", OTHER),
        }
    }

    fn push_template(&self, labels: &mut String, template: usize) {
        let declared = self
            .peer
            .as_ref()
            .and_then(|peer| peer.templates.get(template.checked_sub(1)?).map(String::as_str));
        if self.is_grpc() {
            let method = declared.map_or(OTHER, |path| path.trim_start_matches('/'));
            push_pair(labels, "rpc_method", method);
        } else {
            push_pair(labels, "url_template", declared.unwrap_or(""));
        }
    }
}

impl Store {
    pub(super) fn new(registry: &Registry, duration: &Buckets) -> Result<Self, ConfigError> {
        let cells = Arc::clone(registry.cells());
        let size = Buckets::body_size();
        let to_headers = NAMES.cells().next_multiple_of(CELLS_PER_LINE);
        let request_size = to_headers + duration.cell_count().next_multiple_of(CELLS_PER_LINE);
        let response_size = request_size + size.cell_count().next_multiple_of(CELLS_PER_LINE);
        let len = response_size + size.cell_count();
        let layout = Layout { to_headers, request_size, response_size, len };
        let overflow = cells.allocate(len).ok_or_else(|| {
            ConfigError::new(
                "registry",
                "full",
                "the calls to others need room for their series",
                "use a second registry",
            )
        })?;
        let counts =
            Counts::new(NAMES, Arc::clone(&cells), registry.max_series_per_family(), overflow);
        let histogram = |name, help| {
            registry.sharded_family(name, help, Kind::Histogram, Some(duration.clone()))
        };
        let adopted = |name, help, buckets: &Buckets, offset| {
            registry.adopted_family(name, help, buckets.clone(), part(overflow, offset))
        };
        let store = Self {
            duration: histogram(
                "http_client_request_duration_seconds",
                "Time from the call to the end of the response body.",
            )?,
            rpc_duration: histogram(
                "rpc_client_call_duration_seconds",
                "Time from the gRPC call to its status.",
            )?,
            to_headers: adopted(
                "sre_kit_http_client_time_to_headers_seconds",
                "Time from the call to the response head.",
                duration,
                to_headers,
            )?,
            request_size: adopted(
                "http_client_request_body_size_bytes",
                "Size of request bodies, as declared.",
                &size,
                request_size,
            )?,
            response_size: adopted(
                "http_client_response_body_size_bytes",
                "Size of response bodies, as received.",
                &size,
                response_size,
            )?,
            counts: Arc::new(counts),
            layout,
            duration_buckets: duration.clone(),
            size_buckets: size,
            cells,
        };
        // Last, so that the names are reserved only if everything else succeeded.
        registry.register_collector(&NAMES.families(), store.counts.clone())?;
        Ok(store)
    }

    /// Returns the cells of a peer, template and method, as [`Layout`] arranges them.
    #[inline]
    pub(super) fn row(&self, series: &PeerSeries, template: u8, method: usize) -> CellOffset {
        let slot = &series.rows[usize::from(template) * METHODS.len() + method];
        match slot.get() {
            Some(row) => *row,
            None => *slot.get_or_init(|| self.new_row(series, template, method)),
        }
    }

    #[cold]
    fn new_row(&self, series: &PeerSeries, template: u8, method: usize) -> CellOffset {
        let mut labels = String::new();
        push_pair(&mut labels, "http_request_method", METHODS[method]);
        series.push_server(&mut labels);
        series.push_template(&mut labels, usize::from(template));
        let Some(start) = self.counts.allocate(self.layout.len, &labels) else {
            return self.counts.overflow();
        };
        for (family, offset) in [
            (&self.to_headers, self.layout.to_headers),
            (&self.request_size, self.layout.request_size),
            (&self.response_size, self.layout.response_size),
        ] {
            family.adopt(&labels, part(start, offset));
        }
        start
    }

    /// Returns the cells of the duration series of a call that ended.
    #[inline]
    pub(super) fn duration_cells(&self, series: &PeerSeries, key: Key) -> CellOffset {
        match series.durations.get(key.bits()) {
            Some(id) => CellOffset::from_index(id),
            None => self.new_duration_cells(series, key),
        }
    }

    fn durations(&self, series: &PeerSeries) -> &Family {
        if series.is_grpc() { &self.rpc_duration } else { &self.duration }
    }

    #[cold]
    fn new_duration_cells(&self, series: &PeerSeries, key: Key) -> CellOffset {
        let family = self.durations(series);
        let id = series.durations.get_or_insert(key.bits(), || {
            let cells = family.create(&duration_labels(series, key));
            // The overflow series is not kept, so the next call looks for a series again.
            (cells != family.overflow()).then(|| cells.index())
        });
        id.map_or(family.overflow(), CellOffset::from_index)
    }

    /// Returns the exemplars of the duration series of a call that ended.
    #[cold]
    pub(super) fn exemplars(&self, series: &PeerSeries, key: Key) -> Arc<Exemplars> {
        self.durations(series).exemplars(self.duration_cells(series, key))
    }
}

/// Returns the labels in the order of the tables of the semantic conventions.
fn duration_labels(series: &PeerSeries, key: Key) -> String {
    let (status, cause) = (key.status(), key.cause());
    let mut labels = String::new();
    if series.is_grpc() {
        push_pair(&mut labels, "rpc_system_name", "grpc");
        push_pair(&mut labels, "error_type", error_type(&status, key).unwrap_or(""));
        series.push_template(&mut labels, key.template());
        push_pair(&mut labels, RPC_STATUS, cause.grpc_status().unwrap_or(""));
        series.push_server(&mut labels);
    } else {
        push_pair(&mut labels, "http_request_method", key.method());
        series.push_server(&mut labels);
        push_pair(&mut labels, "error_type", error_type(&status, key).unwrap_or(""));
        push_pair(&mut labels, "http_response_status_code", &status);
        push_pair(&mut labels, "network_protocol_version", key.version());
        series.push_template(&mut labels, key.template());
    }
    labels
}

/// Returns the `error.type` of a call that ended with this key. For a client, a status from 400 is
/// an error.
pub(super) fn error_type(status: &str, key: Key) -> Option<&str> {
    let cause = key.cause();
    let by_status = || (cause.grpc_status().is_none() && status >= "400").then_some(status);
    cause.error_type().or_else(by_status)
}

fn part(start: CellOffset, cells: usize) -> CellOffset {
    // The cells of a row fit into one chunk of 1 024 cells.
    start.plus(u32::try_from(cells).unwrap_or(0))
}
