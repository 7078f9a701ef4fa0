//! Where the requests of one route, method and scheme are counted, in one column.

use std::sync::{Arc, OnceLock};

use http::Version;

use super::hub::Hub;
use super::objectives::Judge;
use super::route::{Route, RouteSeries};
use super::series::flow::Flow;
use super::series::key::{is_connect, is_head};
use super::series::{End, Key, StreamKind};
use super::trace::Trace;
use crate::metrics::internal::{Column, Exemplars, Link, Place, observe};

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
    block: Column,
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
    cells: Column,
    /// Where the first sampled request has found them.
    exemplars: OnceLock<Arc<Exemplars>>,
}

impl Site {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        route: &Route,
        place: Place,
        method: usize,
        scheme: usize,
    ) -> Arc<Self> {
        let series = Arc::clone(&route.series);
        let rows = hub.store.rows(&series, method, scheme);
        let (connect, stream) = (is_connect(method), route.flags.stream);
        Arc::new(Self {
            hub: Arc::clone(hub),
            series,
            block: hub.store.cells.column(rows, place),
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

    /// Counts the start of a request, from the thread at `here`.
    #[inline]
    pub(crate) fn start(&self, request_bytes: Option<u64>, here: Place) {
        let store = &self.hub.store;
        let block = self.block.writer(&store.cells, here);
        Flow::start(block);
        if let Some(bytes) = request_bytes {
            observe(block, store.block.request_size, &store.bounds.size, bytes);
        }
    }

    /// Counts a response head.
    #[inline]
    pub(crate) fn headers(&self, nanos: u64) {
        let store = &self.hub.store;
        let block = self.block.writer(&store.cells, store.cells.here());
        observe(block, store.block.to_headers, &store.bounds.duration, nanos);
    }

    /// Counts the end of a request. The outcome comes last: whoever sees it sees
    /// the rest as well.
    #[cfg_attr(
        not(feature = "telemetry"),
        allow(clippy::trivially_copy_pass_by_ref, reason = "a trace is nothing there")
    )]
    #[inline]
    pub(crate) fn end(&self, end: &End, trace: &Trace) {
        let store = &self.hub.store;
        let here = store.cells.here();
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
        for judge in &self.judges {
            judge.count(end, &store.cells, here);
        }
        Flow::end(block, end.outcome);
    }

    /// Counts the lifetime of a stream.
    pub(crate) fn stream_end(&self, key: Key, kind: StreamKind, nanos: u64) {
        let store = &self.hub.store;
        let row = store.stream_row(&self.series, key, kind);
        observe(store.cells.writer(row, store.cells.here()), 0, &store.bounds.stream, nanos);
    }

    #[inline]
    fn duration(&self, end: &End, here: Place) {
        match self.at_hand[end.key.spread(AT_HAND)].get() {
            Some(known) if known.key == end.key => {
                let store = &self.hub.store;
                let cells = known.cells.writer(&store.cells, here);
                observe(cells, 0, &store.bounds.duration, end.nanos);
            }
            slot => self.look_up_duration(end, slot.is_none(), here),
        }
    }

    #[cold]
    fn look_up_duration(&self, end: &End, room: bool, here: Place) {
        let store = &self.hub.store;
        let row = store.duration_row(&self.series, end);
        observe(store.cells.writer(row, here), 0, &store.bounds.duration, end.nanos);
        let cells = store.cells.column(row, self.block.place());
        // What went to the overflow series asks again the next time.
        if room && !store.is_overflow(row) {
            let known = Known { key: end.key, cells, exemplars: OnceLock::new() };
            self.at_hand[end.key.spread(AT_HAND)].get_or_init(|| known);
        }
    }

    /// Shows which trace the duration came from.
    #[cold]
    fn exemplar(&self, end: &End, link: Link) {
        let store = &self.hub.store;
        let find = || store.duration_exemplars(&self.series, end);
        let (bucket, _) = store.bounds.duration.places(end.nanos);
        match self.at_hand[end.key.spread(AT_HAND)].get() {
            Some(known) if known.key == end.key => {
                known.exemplars.get_or_init(find).offer(bucket, end.nanos, link);
            }
            _ => find().offer(bucket, end.nanos, link),
        }
    }

    /// The route's template.
    #[cfg(feature = "telemetry")]
    pub(crate) fn template(&self) -> Option<&str> {
        self.series.template.as_deref()
    }
}
