//! The recorder of one route, method and scheme in one shard.

use std::sync::{Arc, OnceLock};

use http::Version;
use sre_kit_metrics::internal::{
    BucketsInternals as _, ExclusiveShard, Exemplars, Link, ShardCells, ShardId, Writer, observe,
};

use super::completed::{CompletedRequest, StreamKind};
use super::key::Key;
use super::outcome::Outcome;
use super::series::{RequestCounts, RouteSeries};
use super::shared::Shared;
use super::slo_counter::SloCounter;
use super::trace::Trace;
use sre_kit_core::internal::{is_connect, is_head};

/// The duration series that a recorder caches. A route has about as many as it has statuses, and
/// few of them are frequent.
const CACHED_DURATIONS: usize = 8;

/// Everything that a request needs from its start to its end, looked up once.
///
/// A request holds a reference to its recorder. With a single recorder for all threads, every core
/// would write the cache line of its reference count twice per request, so each shard has a
/// recorder of its own, on cache lines of its own. A request that continues on another thread than
/// it started on is counted in that thread's shard from there on.
#[repr(align(128))]
pub(crate) struct RouteRecorder {
    pub(crate) shared: Arc<Shared>,
    series: Arc<RouteSeries>,
    cells: ShardCells,
    /// The part of the key that all requests have in common.
    key: Key,
    pub(crate) connect: bool,
    /// Whether no response has a body, whatever length it declares.
    pub(crate) head_only: bool,
    /// Whether every response is a stream.
    pub(crate) is_stream: bool,
    /// Whether the status alone classifies a response of known size.
    pub(crate) status_is_enough: bool,
    duration_cache: [OnceLock<CachedDuration>; CACHED_DURATIONS],
    slo_counters: Box<[SloCounter]>,
}

/// A duration series and its cells.
struct CachedDuration {
    key: Key,
    cells: ShardCells,
    /// Looked up by the first sampled request.
    exemplars: OnceLock<Arc<Exemplars>>,
}

impl RouteRecorder {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        series: &Arc<RouteSeries>,
        is_stream: bool,
        shard: ShardId,
        method: usize,
        scheme: usize,
    ) -> Arc<Self> {
        let offset = shared.store.cells_of(series, method, scheme);
        let connect = is_connect(method);
        let slo_counters = shared.objectives.counters(series.template.as_deref(), method, shard);
        Arc::new(Self {
            shared: Arc::clone(shared),
            series: Arc::clone(series),
            cells: shared.store.cells.shard_cells(offset, shard),
            key: Key::new(method, scheme),
            connect,
            head_only: is_head(method),
            is_stream,
            status_is_enough: !connect && !is_stream && !shared.inspects_responses(),
            duration_cache: [const { OnceLock::new() }; CACHED_DURATIONS],
            slo_counters,
        })
    }

    #[inline]
    pub(crate) fn key(&self, version: Version) -> Key {
        self.key.with_version(version)
    }

    /// Records the start of a request. `exclusive` is the proof for the recorder's own shard, if
    /// the caller has it.
    #[inline]
    pub(crate) fn record_start(
        &self,
        request_bytes: Option<u64>,
        exclusive: Option<ExclusiveShard>,
    ) {
        match exclusive.or_else(|| self.cells.shard().if_exclusive()) {
            Some(exclusive) => {
                self.write_start(self.cells.exclusive_writer(exclusive), request_bytes);
            }
            None => self.record_start_on_shared_shard(request_bytes),
        }
    }

    #[cold]
    #[inline(never)]
    fn record_start_on_shared_shard(&self, request_bytes: Option<u64>) {
        let cells = &self.shared.store.cells;
        self.write_start(self.cells.writer(cells, cells.current_shard()), request_bytes);
    }

    #[inline]
    fn write_start(&self, writer: Writer<'_>, request_bytes: Option<u64>) {
        let store = &self.shared.store;
        RequestCounts::start(writer);
        if let Some(bytes) = request_bytes {
            observe(writer, store.layout.request_size, &store.bounds.size, bytes);
        }
    }

    /// Records a response head.
    #[inline]
    pub(crate) fn record_headers(&self, nanos: u64) {
        match self.cells.shard().if_exclusive() {
            Some(exclusive) => self.write_headers(self.cells.exclusive_writer(exclusive), nanos),
            None => self.record_headers_on_shared_shard(nanos),
        }
    }

    #[cold]
    #[inline(never)]
    fn record_headers_on_shared_shard(&self, nanos: u64) {
        let cells = &self.shared.store.cells;
        self.write_headers(self.cells.writer(cells, cells.current_shard()), nanos);
    }

    #[inline]
    fn write_headers(&self, writer: Writer<'_>, nanos: u64) {
        let store = &self.shared.store;
        observe(writer, store.layout.to_headers, &store.bounds.duration, nanos);
    }

    /// Records the end of a response that is no stream, if the request ends in the shard in which
    /// it started and its duration series is cached. Otherwise returns `false` and records nothing.
    ///
    /// `completed` makes the record that [`record_end`](Self::record_end) takes. It runs only if an
    /// SLO counts the request.
    #[inline]
    pub(crate) fn record_end_fast_path(
        &self,
        key: Key,
        nanos: u64,
        outcome: Outcome,
        response_bytes: u64,
        completed: impl Fn() -> CompletedRequest,
    ) -> bool {
        let Some(exclusive) = self.cells.shard().if_exclusive() else { return false };
        let Some(cached) = self.cached_duration(key) else { return false };
        let store = &self.shared.store;
        observe(cached.cells.exclusive_writer(exclusive), 0, &store.bounds.duration, nanos);
        let writer = self.cells.exclusive_writer(exclusive);
        observe(writer, store.layout.response_size, &store.bounds.size, response_bytes);
        if !self.slo_counters.is_empty() {
            self.count_slos(&completed(), self.cells.shard());
        }
        RequestCounts::end(writer, outcome);
        true
    }

    /// Records the end of a request.
    #[cfg_attr(
        not(feature = "telemetry"),
        allow(clippy::trivially_copy_pass_by_ref, reason = "a trace is empty without the feature")
    )]
    #[inline(never)]
    pub(crate) fn record_end(&self, completed: &CompletedRequest, trace: &Trace) {
        let store = &self.shared.store;
        let shard = store.cells.current_shard();
        match completed.stream {
            None => {
                self.record_duration(completed, shard);
                if let Some(link) = trace.link() {
                    self.record_exemplar(completed, link);
                }
            }
            // The lifetime of the upgraded connection begins here; an `UpgradeGuard` records it.
            Some(StreamKind::Upgrade) => {}
            Some(kind) => self.record_stream_end(completed.key, kind, completed.nanos),
        }
        let writer = self.cells.writer(&store.cells, shard);
        if let Some(bytes) = completed.response_bytes {
            observe(writer, store.layout.response_size, &store.bounds.size, bytes);
        }
        if let Some(bytes) = completed.request_bytes {
            observe(writer, store.layout.request_size, &store.bounds.size, bytes);
        }
        self.count_slos(completed, shard);
        // The outcome comes last: a scrape that sees it also sees the rest of the request.
        RequestCounts::end(writer, completed.outcome);
    }

    #[inline(never)]
    fn count_slos(&self, completed: &CompletedRequest, shard: ShardId) {
        for counter in &self.slo_counters {
            counter.count(completed, &self.shared.store.cells, shard);
        }
    }

    /// Records the lifetime of a stream.
    pub(crate) fn record_stream_end(&self, key: Key, kind: StreamKind, nanos: u64) {
        let store = &self.shared.store;
        let offset = store.stream_cells(&self.series, key, kind);
        let writer = store.cells.writer(offset, store.cells.current_shard());
        observe(writer, 0, &store.bounds.stream, nanos);
    }

    #[inline]
    fn cached_duration(&self, key: Key) -> Option<&CachedDuration> {
        self.duration_cache[key.slot(CACHED_DURATIONS)].get().filter(|cached| cached.key == key)
    }

    fn record_duration(&self, completed: &CompletedRequest, shard: ShardId) {
        let store = &self.shared.store;
        match self.cached_duration(completed.key) {
            Some(cached) => {
                let writer = cached.cells.writer(&store.cells, shard);
                observe(writer, 0, &store.bounds.duration, completed.nanos);
            }
            None => self.record_uncached_duration(completed, shard),
        }
    }

    #[cold]
    fn record_uncached_duration(&self, completed: &CompletedRequest, shard: ShardId) {
        let store = &self.shared.store;
        let offset = store.duration_cells(&self.series, completed);
        let writer = store.cells.writer(offset, shard);
        observe(writer, 0, &store.bounds.duration, completed.nanos);
        // The overflow series is not cached: the next request may find a series of its own.
        if !store.is_overflow(offset) {
            let cells = store.cells.shard_cells(offset, self.cells.shard());
            let cached = CachedDuration { key: completed.key, cells, exemplars: OnceLock::new() };
            // A slot that is taken keeps its first series.
            self.duration_cache[completed.key.slot(CACHED_DURATIONS)].get_or_init(|| cached);
        }
    }

    /// Offers the trace of a request as an exemplar of its duration.
    #[cold]
    fn record_exemplar(&self, completed: &CompletedRequest, link: Link) {
        let store = &self.shared.store;
        let find = || store.duration_exemplars(&self.series, completed);
        let (bucket, _) = store.bounds.duration.bucket_and_sum(completed.nanos);
        match self.cached_duration(completed.key) {
            Some(cached) => {
                cached.exemplars.get_or_init(find).offer(bucket, completed.nanos, link);
            }
            None => find().offer(bucket, completed.nanos, link),
        }
    }

    /// Returns the template of the route.
    pub(crate) fn template(&self) -> Option<&str> {
        self.series.template.as_deref()
    }
}
