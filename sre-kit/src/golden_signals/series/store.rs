//! The metric families of a layer and the cells of a request in them.

use std::sync::Arc;

use sre_kit_metrics::internal::{
    CellOffset, Exemplars, Family, Kind, OVERFLOW_LABEL, RegistryInternals as _, ShardedCells,
    push_pair,
};

use super::layout::{BucketBounds, CellLayout};
use super::request_counts::{FAMILIES, RequestCounts};
use super::route_series::RouteSeries;
use crate::ConfigError;
use crate::golden_signals::completed::{CompletedRequest, StreamKind};
use crate::golden_signals::key::{Key, SCHEMES};
use crate::golden_signals::label::LabelDef;
use crate::metrics::{Buckets, Registry};
use sre_kit_core::internal::METHODS;

/// The metric families of a layer.
pub(crate) struct Store {
    pub(crate) cells: Arc<ShardedCells>,
    pub(crate) requests: Arc<RequestCounts>,
    pub(crate) bounds: BucketBounds,
    pub(crate) layout: CellLayout,
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
        bounds: BucketBounds,
        labels: Box<[LabelDef]>,
    ) -> Result<Self, ConfigError> {
        let cells = Arc::clone(registry.cells());
        let layout = CellLayout::new(&bounds);
        let overflow = cells.allocate(layout.len).ok_or_else(|| {
            ConfigError::new(
                "registry",
                "full",
                "the layer needs room for its rows",
                "use a new one",
            )
        })?;
        let requests =
            RequestCounts::new(Arc::clone(&cells), registry.max_series_per_family(), overflow);
        let histogram = |name, help, buckets: &Buckets| {
            registry.sharded_family(name, help, Kind::Histogram, Some(buckets.clone()))
        };
        let part = |name, help, buckets: &Buckets, offset| {
            registry.adopted_family(name, help, buckets.clone(), CellLayout::part(overflow, offset))
        };
        let store = Self {
            duration: histogram(
                "http_server_request_duration_seconds",
                "Time from the request's arrival to the end of the response body.",
                &bounds.duration,
            )?,
            to_headers: part(
                "sre_kit_http_server_time_to_headers_seconds",
                "Time from the request's arrival to the response head.",
                &bounds.duration,
                layout.to_headers,
            )?,
            request_size: part(
                "http_server_request_body_size_bytes",
                "Size of request bodies, as declared or counted.",
                &bounds.size,
                layout.request_size,
            )?,
            response_size: part(
                "http_server_response_body_size_bytes",
                "Size of response bodies, as sent.",
                &bounds.size,
                layout.response_size,
            )?,
            stream: histogram(
                "sre_kit_http_server_stream_duration_seconds",
                "Lifetime of streams and upgraded connections, which have no latency.",
                &bounds.stream,
            )?,
            cells,
            requests: Arc::new(requests),
            bounds,
            layout,
            labels,
        };
        // Last, so that the names are reserved only if everything else succeeded.
        registry.register_collector(&FAMILIES, store.requests.clone())?;
        Ok(store)
    }

    /// Returns the cells of a route, method and scheme, as [`CellLayout`] arranges them.
    pub(crate) fn cells_of(&self, route: &RouteSeries, method: usize, scheme: usize) -> CellOffset {
        route.cells(method, scheme, || self.new_cells(route, method, scheme))
    }

    fn new_cells(&self, route: &RouteSeries, method: usize, scheme: usize) -> CellOffset {
        let labels = base_labels(route, METHODS[method], SCHEMES[scheme]);
        let (len, is_overflow) = (self.layout.len, route.is_overflow());
        let cells = self.requests.allocate(len, &labels, method, scheme, is_overflow);
        let Some(start) = cells else { return self.requests.overflow_cells() };
        for (family, offset) in [
            (&self.to_headers, self.layout.to_headers),
            (&self.request_size, self.layout.request_size),
            (&self.response_size, self.layout.response_size),
        ] {
            family.adopt(&labels, CellLayout::part(start, offset));
        }
        start
    }

    /// Returns the cells of the lifetimes of a kind of stream.
    pub(crate) fn stream_cells(
        &self,
        route: &RouteSeries,
        key: Key,
        kind: StreamKind,
    ) -> CellOffset {
        let stream_key = (key.bits() & Key::METHOD_AND_SCHEME) | (kind as u64 + 1);
        let id = route.streams.get(stream_key).or_else(|| {
            route.streams.get_or_insert(stream_key, || {
                let mut labels = base_labels(route, key.method(), key.scheme());
                push_pair(&mut labels, "stream", kind.as_str());
                id_unless_overflow(&self.stream, self.stream.create(&labels))
            })
        });
        id.map_or(self.stream.overflow(), CellOffset::from_index)
    }

    /// Returns the cells of the duration series of a request.
    #[inline]
    pub(crate) fn duration_cells(
        &self,
        route: &RouteSeries,
        completed: &CompletedRequest,
    ) -> CellOffset {
        match route.durations.get(completed.key.bits()) {
            Some(id) => CellOffset::from_index(id),
            None => self.new_duration_cells(route, completed),
        }
    }

    #[cold]
    fn new_duration_cells(&self, route: &RouteSeries, completed: &CompletedRequest) -> CellOffset {
        let id = route.durations.get_or_insert(completed.key.bits(), || {
            let labels = self.duration_labels(route, completed);
            id_unless_overflow(&self.duration, self.duration.create(&labels))
        });
        id.map_or(self.duration.overflow(), CellOffset::from_index)
    }

    /// Returns the exemplars of the duration series of a request.
    #[cold]
    pub(crate) fn duration_exemplars(
        &self,
        route: &RouteSeries,
        completed: &CompletedRequest,
    ) -> Arc<Exemplars> {
        self.duration.exemplars(self.duration_cells(route, completed))
    }

    /// Returns whether the cells are those of the overflow series of durations.
    pub(crate) fn is_overflow(&self, cells: CellOffset) -> bool {
        cells == self.duration.overflow()
    }

    /// Returns the labels in the order of the table of the semantic conventions, custom labels
    /// last.
    fn duration_labels(&self, route: &RouteSeries, completed: &CompletedRequest) -> String {
        let key = completed.key;
        let status = key.status();
        let mut labels = String::new();
        push_pair(&mut labels, "http_request_method", key.method());
        push_pair(&mut labels, "url_scheme", key.scheme());
        push_pair(&mut labels, "error_type", completed.error_type(&status).unwrap_or(""));
        push_pair(&mut labels, "http_response_status_code", &status);
        push_route(&mut labels, route);
        push_pair(&mut labels, "network_protocol_version", key.version());
        for (i, label) in self.labels.iter().enumerate() {
            push_pair(&mut labels, label.name, label.text(key.label(i)));
        }
        labels
    }

    /// Returns the custom labels.
    pub(crate) fn labels(&self) -> &[LabelDef] {
        &self.labels
    }
}

/// Returns the id under which a route stores a series. The overflow series has none, so the next
/// request looks for a series again.
fn id_unless_overflow(family: &Family, cells: CellOffset) -> Option<u32> {
    (cells != family.overflow()).then(|| cells.index())
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
