//! The reference that a service has to its layer.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use sre_kit_metrics::internal::ShardId;

use super::classify::RequestTraits;
use super::in_flight::InFlight;
use super::recorders::RecorderTable;
use super::route::RouteIndex;
use super::shared::Shared;
use crate::RequestHead;
use sre_kit_core::internal::method_index;

/// The shared state of a layer, with one handle per shard.
pub(crate) struct ShardedHandles {
    shared: Arc<Shared>,
    handles: Box<[Arc<ShardHandle>]>,
}

/// The reference that a service has to its layer.
///
/// axum clones a service for each request. With a single reference count for all clones, every core
/// would write its cache line twice per request, so a clone refers to the handle of its thread's
/// shard. The services that a layer creates keep all handles alive. A clone that outlives them
/// refers to the handle of the service that it was cloned from.
pub(crate) struct LayerHandle {
    handle: Arc<ShardHandle>,
    // Never read: it keeps every handle alive.
    _handles: Option<Arc<ShardedHandles>>,
}

/// A reference to the shared state and the routes, with a reference count on cache lines of its
/// own.
#[repr(align(128))]
struct ShardHandle {
    shared: Arc<Shared>,
    routing: Arc<Routing>,
    siblings: Arc<OnceLock<Box<[Weak<Self>]>>>,
    shard: ShardId,
}

struct Routing {
    index: RouteIndex,
    recorders: RecorderTable,
}

impl ShardedHandles {
    pub(crate) fn new(shared: Shared, index: RouteIndex) -> Arc<Self> {
        let shared = Arc::new(shared);
        let shard_count = shared.store.cells.shard_count();
        let recorders = RecorderTable::new(index.capacity(), shard_count);
        let routing = Arc::new(Routing { index, recorders });
        let siblings = Arc::new(OnceLock::new());
        let handles: Box<[_]> = (0..shard_count)
            .map(|shard| {
                Arc::new(ShardHandle {
                    shard: shared.store.cells.shard_id(shard),
                    shared: Arc::clone(&shared),
                    routing: Arc::clone(&routing),
                    siblings: Arc::clone(&siblings),
                })
            })
            .collect();
        siblings.get_or_init(|| handles.iter().map(Arc::downgrade).collect());
        Arc::new(Self { shared, handles })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Clone for LayerHandle {
    #[inline]
    fn clone(&self) -> Self {
        let shard = self.handle.shared.store.cells.current_shard();
        let siblings = self.handle.siblings.get();
        let sibling = siblings.and_then(|all| all.get(shard.index())?.upgrade());
        let handle = sibling.unwrap_or_else(|| Arc::clone(&self.handle));
        Self { handle, _handles: None }
    }
}

impl LayerHandle {
    /// Creates the handle of a service that a layer creates.
    pub(crate) fn new(handles: &Arc<ShardedHandles>) -> Self {
        let shard = handles.shared.store.cells.current_shard();
        let handle = Arc::clone(&handles.handles[shard.index()]);
        Self { handle, _handles: Some(Arc::clone(handles)) }
    }

    /// Records the start of a request. Returns `None` if its route is excluded.
    #[inline]
    pub(crate) fn start(&self, head: RequestHead<'_>) -> Option<InFlight> {
        self.handle.start(head)
    }
}

impl ShardHandle {
    // Not inlined: it is compiled once instead of into the `call` of each service.
    #[inline(never)]
    fn start(&self, head: RequestHead<'_>) -> Option<InFlight> {
        let shared = &self.shared;
        let route = self.routing.index.resolve(head);
        if route.is_excluded() {
            return None;
        }
        let method = method_index(head.method);
        let scheme = match head.uri.scheme_str() {
            None => shared.default_scheme,
            Some(named) => shared.scheme(named),
        };
        let exclusive = self.shard.if_exclusive();
        let shard =
            if exclusive.is_some() { self.shard } else { shared.store.cells.current_shard() };
        let recorders = &self.routing.recorders;
        let recorder = match recorders.get(route, shard, method, scheme) {
            Some(recorder) => recorder,
            None => recorders.get_or_create(shared, &self.routing.index, route, method, scheme),
        };
        // After the lookup, so that fewer values live across the branches of the clock.
        let started = shared.clock.read();
        let traits = RequestTraits::of(head);
        recorder.record_start(traits.bytes, exclusive);
        let key = recorder.key(head.version);
        Some(InFlight::new(Arc::clone(recorder), started, key, traits))
    }
}

impl fmt::Debug for ShardHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoldenSignals")
            .field("routes", &self.routing.index)
            .field("labels", &self.shared.store.labels())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ShardedHandles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handles.first().fmt(f)
    }
}

impl fmt::Debug for LayerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
