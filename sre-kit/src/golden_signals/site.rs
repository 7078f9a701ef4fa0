//! Where the requests of one route, method and scheme are counted, in one column.

use sre_kit_core::internal::{is_connect, is_head};
use sre_kit_metrics::internal::BucketsInternals as _;
use std::sync::{Arc, OnceLock};

use http::Version;

use super::hub::Hub;
use super::objectives::Judge;
use super::outcome::Outcome;
use super::route::{Route, RouteSeries};
use super::series::flow::Flow;
use super::series::{End, Key, StreamKind};
use super::trace::Trace;
use sre_kit_metrics::internal::{
    ExclusiveShard, Exemplars, Link, ShardCells, ShardId, Writer, observe,
};

/// Duration series that a site keeps at hand: a route has as many as it has
/// statuses, few of them often.
const AT_HAND: usize = 8;

/// All that a request needs from its start to its end, found once.
///
/// A request holds a reference to its site for as long as it lives. Were there
/// one site for all threads, every core would write the cache line of its count
/// twice per request; so each column has its own, on lines of its own. A request
/// that goes on on another thread than it began on is counted in that thread's
/// column from there on, which has to be found.
#[repr(align(128))]
pub(crate) struct Site {
    pub(crate) hub: Arc<Hub>,
    series: Arc<RouteSeries>,
    /// The block of cells.
    block: ShardCells,
    /// The part of the key that is the same for all of its requests.
    key: Key,
    pub(crate) connect: bool,
    /// Whether no response has a body, whatever it declares.
    pub(crate) head_only: bool,
    /// Whether every response is a stream.
    pub(crate) stream: bool,
    /// Whether nothing that the site knows could turn a response of known size
    /// into something else than its status says.
    pub(crate) plain: bool,
    at_hand: [OnceLock<Known>; AT_HAND],
    /// The SLOs that count its requests.
    judges: Box<[Judge]>,
}

/// A duration series and its cells.
struct Known {
    key: Key,
    cells: ShardCells,
    /// Where the first sampled request has found them.
    exemplars: OnceLock<Arc<Exemplars>>,
}

impl Site {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        route: &Route,
        place: ShardId,
        method: usize,
        scheme: usize,
    ) -> Arc<Self> {
        let series = Arc::clone(&route.series);
        let rows = hub.store.rows(&series, method, scheme);
        let (connect, stream) = (is_connect(method), route.flags.stream);
        Arc::new(Self {
            hub: Arc::clone(hub),
            series,
            block: hub.store.cells.shard_cells(rows, place),
            key: Key::new(method, scheme),
            connect,
            head_only: is_head(method),
            stream,
            plain: !connect && !stream && hub.is_plain(),
            at_hand: [const { OnceLock::new() }; AT_HAND],
            judges: hub.objectives.judges(route.series.template.as_deref(), method, place),
        })
    }

    #[inline]
    pub(crate) fn key(&self, version: Version) -> Key {
        self.key.with_version(version)
    }

    /// Counts the start of a request. `home` is of the site's own column, if it is
    /// known already.
    #[inline]
    pub(crate) fn start(&self, request_bytes: Option<u64>, home: Option<ExclusiveShard>) {
        match home.or_else(|| self.block.shard().if_exclusive()) {
            Some(home) => self.start_in(self.block.exclusive_writer(home), request_bytes),
            None => self.start_away(request_bytes),
        }
    }

    #[cold]
    #[inline(never)]
    fn start_away(&self, request_bytes: Option<u64>) {
        let cells = &self.hub.store.cells;
        self.start_in(self.block.writer(cells, cells.current_shard()), request_bytes);
    }

    #[inline]
    fn start_in(&self, block: Writer<'_>, request_bytes: Option<u64>) {
        let store = &self.hub.store;
        Flow::start(block);
        if let Some(bytes) = request_bytes {
            observe(block, store.block.request_size, &store.bounds.size, bytes);
        }
    }

    /// Counts a response head.
    #[inline]
    pub(crate) fn headers(&self, nanos: u64) {
        match self.block.shard().if_exclusive() {
            Some(home) => self.headers_in(self.block.exclusive_writer(home), nanos),
            None => self.headers_away(nanos),
        }
    }

    #[cold]
    #[inline(never)]
    fn headers_away(&self, nanos: u64) {
        let cells = &self.hub.store.cells;
        self.headers_in(self.block.writer(cells, cells.current_shard()), nanos);
    }

    #[inline]
    fn headers_in(&self, block: Writer<'_>, nanos: u64) {
        let store = &self.hub.store;
        observe(block, store.block.to_headers, &store.bounds.duration, nanos);
    }

    /// Counts the end of a response that is no stream, where it began and where all
    /// that it is counted in is at hand. `false` if it is not: nothing was counted.
    ///
    /// `end` is what [`end`](Self::end) would take, and hardly ever needed: most of
    /// it says that nothing special happened.
    #[inline]
    pub(crate) fn end_as_usual(
        &self,
        key: Key,
        nanos: u64,
        outcome: Outcome,
        response_bytes: u64,
        end: impl Fn() -> End,
    ) -> bool {
        let Some(home) = self.block.shard().if_exclusive() else { return false };
        let Some(known) = self.at_hand(key) else { return false };
        let store = &self.hub.store;
        observe(known.cells.exclusive_writer(home), 0, &store.bounds.duration, nanos);
        let block = self.block.exclusive_writer(home);
        observe(block, store.block.response_size, &store.bounds.size, response_bytes);
        if !self.judges.is_empty() {
            self.judge(&end(), self.block.shard());
        }
        Flow::end(block, outcome);
        true
    }

    /// Counts the end of a request. The outcome comes last: whoever sees it sees
    /// the rest as well.
    #[cfg_attr(
        not(feature = "telemetry"),
        allow(clippy::trivially_copy_pass_by_ref, reason = "a trace is nothing there")
    )]
    #[inline(never)]
    pub(crate) fn end(&self, end: &End, trace: &Trace) {
        let store = &self.hub.store;
        let here = store.cells.current_shard();
        match end.stream {
            None => {
                self.duration(end, here);
                if let Some(link) = trace.link() {
                    self.exemplar(end, link);
                }
            }
            // Its lifetime begins here; whoever holds the connection counts it.
            Some(StreamKind::Upgrade) => {}
            Some(kind) => self.stream_end(end.key, kind, end.nanos),
        }
        let block = self.block.writer(&store.cells, here);
        if let Some(bytes) = end.response_bytes {
            observe(block, store.block.response_size, &store.bounds.size, bytes);
        }
        if let Some(bytes) = end.request_bytes {
            observe(block, store.block.request_size, &store.bounds.size, bytes);
        }
        self.judge(end, here);
        Flow::end(block, end.outcome);
    }

    #[inline(never)]
    fn judge(&self, end: &End, here: ShardId) {
        for judge in &self.judges {
            judge.count(end, &self.hub.store.cells, here);
        }
    }

    /// Counts the lifetime of a stream.
    pub(crate) fn stream_end(&self, key: Key, kind: StreamKind, nanos: u64) {
        let store = &self.hub.store;
        let row = store.stream_row(&self.series, key, kind);
        observe(
            store.cells.writer(row, store.cells.current_shard()),
            0,
            &store.bounds.stream,
            nanos,
        );
    }

    #[inline]
    fn at_hand(&self, key: Key) -> Option<&Known> {
        self.at_hand[key.spread(AT_HAND)].get().filter(|known| known.key == key)
    }

    fn duration(&self, end: &End, here: ShardId) {
        let store = &self.hub.store;
        match self.at_hand(end.key) {
            Some(known) => {
                let cells = known.cells.writer(&store.cells, here);
                observe(cells, 0, &store.bounds.duration, end.nanos);
            }
            None => self.look_up_duration(end, here),
        }
    }

    #[cold]
    fn look_up_duration(&self, end: &End, here: ShardId) {
        let store = &self.hub.store;
        let row = store.duration_row(&self.series, end);
        observe(store.cells.writer(row, here), 0, &store.bounds.duration, end.nanos);
        // What went to the overflow series asks again the next time.
        if !store.is_overflow(row) {
            let cells = store.cells.shard_cells(row, self.block.shard());
            let known = Known { key: end.key, cells, exemplars: OnceLock::new() };
            // One that is there already stays.
            self.at_hand[end.key.spread(AT_HAND)].get_or_init(|| known);
        }
    }

    /// Shows which trace the duration came from.
    #[cold]
    fn exemplar(&self, end: &End, link: Link) {
        let store = &self.hub.store;
        let find = || store.duration_exemplars(&self.series, end);
        let (bucket, _) = store.bounds.duration.bucket_and_sum(end.nanos);
        match self.at_hand(end.key) {
            Some(known) => known.exemplars.get_or_init(find).offer(bucket, end.nanos, link),
            None => find().offer(bucket, end.nanos, link),
        }
    }

    /// The route's template.
    #[cfg(feature = "telemetry")]
    pub(crate) fn template(&self) -> Option<&str> {
        self.series.template.as_deref()
    }
}
