//! A hand-written layer that is optimized for speed only: the lower limit for any layer.
//!
//! It creates every series in advance, gives each thread its own cells (which a relaxed load and
//! store increment, without a locked instruction), and finds the route by the address of its
//! template. It has no cardinality limit, never frees a shard, folds unknown statuses into one
//! series, and does not distinguish panics from aborts.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::service::{Bare, boxed};
use super::wrap::{Clock, StdClock};
use super::{Group, Variant};
use crate::request::{ROUTES, TEMPLATES, Template};

const HEAD: &str = "started, duration; in flight and requests follow from them; at the head";
const BODY: &str = "started, duration; in flight and requests follow from them; to the body's end";

pub(super) fn variants() -> Vec<Variant> {
    vec![
        variant("limit", HEAD, StdClock, false),
        variant("limit-body", BODY, StdClock, true),
        variant("limit-quanta", HEAD, quanta::Clock::new(), false),
        variant("limit-body-quanta", BODY, quanta::Clock::new(), true),
    ]
}

fn variant<K: Clock + Send + Sync + 'static>(
    name: &'static str,
    records: &'static str,
    clock: K,
    to_end: bool,
) -> Variant
where
    K::Reading: Send + 'static,
{
    let metrics: &'static Metrics = Box::leak(Box::new(Metrics::new()));
    Variant::new(name, Group::Bare, records, move |mix| {
        boxed(Limit { inner: Bare, metrics, clock: clock.clone(), to_end }, mix)
    })
    .counted(|| metrics.text())
}

/// The methods and statuses with series of their own; all others share the last index.
const METHODS: usize = 3;
const STATUSES: usize = 4;
const SERIES: usize = ROUTES * METHODS * STATUSES;
/// The maximal number of recording threads.
const SHARDS: usize = 64;
/// The slots of the table of template addresses: a power of two well above their number.
const ADDRESSES: usize = 128;

/// Fifteen buckets and the sum, which fill two cache lines.
#[repr(align(128))]
struct Series([AtomicU64; 16]);

#[repr(align(128))]
struct Shard {
    series: Box<[Series]>,
    started: Box<[AtomicU64]>,
}

#[repr(align(128))]
struct Metrics {
    /// The address of each template and its route index.
    routes: [(usize, usize); ADDRESSES],
    shards: Box<[Shard]>,
}

/// Adds to a cell that only this thread writes, so a relaxed load and store suffice.
#[inline]
fn add(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

fn place(address: usize) -> usize {
    address.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 & (ADDRESSES - 1)
}

#[inline]
fn shard_index() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! { static MINE: Cell<usize> = const { Cell::new(usize::MAX) }; }
    MINE.with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        mine.get()
    }) % SHARDS
}

impl Metrics {
    fn new() -> Self {
        let mut routes = [(0, 0); ADDRESSES];
        for (route, template) in TEMPLATES.iter().enumerate() {
            let address = template.as_ptr().addr();
            let mut i = place(address);
            while routes[i].0 != 0 {
                i = (i + 1) % ADDRESSES;
            }
            routes[i] = (address, route);
        }
        let shard = || Shard {
            series: (0..SERIES).map(|_| Series([const { AtomicU64::new(0) }; 16])).collect(),
            started: (0..SERIES).map(|_| AtomicU64::new(0)).collect(),
        };
        Self { routes, shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    #[inline]
    fn route(&self, template: &'static str) -> usize {
        let address = template.as_ptr().addr();
        let mut i = place(address);
        loop {
            match self.routes[i] {
                (found, route) if found == address => return route,
                (0, _) => return 0,
                _ => i = (i + 1) % ADDRESSES,
            }
        }
    }

    #[inline]
    fn finish(&self, first: usize, status: u16, nanos: u64) {
        let status = match status {
            200 => 0,
            404 => 1,
            502 => 2,
            _ => 3,
        };
        let Series(cells) = &self.shards[shard_index()].series[first + status];
        // Tests for the first bucket (up to 5 ms) before it searches the others.
        let bucket = if nanos <= BOUNDS[0] { 0 } else { BOUNDS.partition_point(|&b| b < nanos) };
        add(&cells[bucket], 1);
        add(&cells[15], nanos);
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for series in 0..SERIES {
            let count = |shard: &Shard| -> u64 {
                shard.series[series].0[..15].iter().map(|cell| cell.load(Ordering::Relaxed)).sum()
            };
            let count: u64 = self.shards.iter().map(count).sum();
            if count > 0 {
                lines.push(format!("{} {count}", TEMPLATES[series / STATUSES / METHODS]));
            }
        }
        lines.join("\n")
    }
}

/// The bounds of the other variants, in nanoseconds.
const BOUNDS: [u64; 14] = {
    let ms = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];
    let mut bounds = [0; 14];
    let mut i = 0;
    while i < 14 {
        bounds[i] = ms[i] * 1_000_000;
        i += 1;
    }
    bounds
};

#[derive(Clone)]
struct Limit<S, K> {
    inner: S,
    metrics: &'static Metrics,
    clock: K,
    to_end: bool,
}

/// A guard for a started request. Dropped before the end, it counts the request as unfinished.
struct Open<K: Clock> {
    metrics: &'static Metrics,
    clock: K,
    started: K::Reading,
    first: usize,
    status: u16,
    done: bool,
}

impl<K: Clock> Open<K> {
    #[inline]
    fn finish(&mut self) {
        if !self.done {
            self.done = true;
            self.metrics.finish(self.first, self.status, self.clock.nanos_since(self.started));
        }
    }
}

impl<K: Clock> Drop for Open<K> {
    #[inline]
    fn drop(&mut self) {
        self.finish();
    }
}

impl<S, B, C, K> Service<Request<B>> for Limit<S, K>
where
    S: Service<Request<B>, Response = Response<C>>,
    C: Body,
    K: Clock,
{
    type Response = Response<LimitBody<C, K>>;
    type Error = S::Error;
    type Future = LimitFuture<S::Future, K>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = self.clock.read();
        let route = request.extensions().get().map_or(0, |Template(text)| self.metrics.route(text));
        let method = match *request.method() {
            Method::GET => 0,
            Method::POST => 1,
            _ => 2,
        };
        let first = (route * METHODS + method) * STATUSES;
        add(&self.metrics.shards[shard_index()].started[first], 1);
        let (metrics, clock) = (self.metrics, self.clock.clone());
        let open = Open { metrics, clock, started, first, status: 0, done: false };
        LimitFuture { inner: self.inner.call(request), open: Some(open), to_end: self.to_end }
    }
}

pin_project! {
    struct LimitFuture<F, K: Clock> {
        #[pin]
        inner: F,
        open: Option<Open<K>>,
        to_end: bool,
    }
}

impl<F, C, E, K> Future for LimitFuture<F, K>
where
    F: Future<Output = Result<Response<C>, E>>,
    K: Clock,
{
    type Output = Result<Response<LimitBody<C, K>>, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let mut open = this.open.take();
        if let Some(request) = &mut open {
            request.status = response.status().as_u16();
            if !*this.to_end {
                request.finish();
                open = None;
            }
        }
        Poll::Ready(Ok(response.map(|inner| LimitBody { inner, open })))
    }
}

pin_project! {
    struct LimitBody<C, K: Clock> {
        #[pin]
        inner: C,
        open: Option<Open<K>>,
    }
}

impl<C: Body, K: Clock> Body for LimitBody<C, K> {
    type Data = C::Data;
    type Error = C::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<C::Data>, C::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if frame.is_none() || this.inner.is_end_stream() {
            *this.open = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
