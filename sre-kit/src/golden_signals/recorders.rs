//! The table of recorders, by route, shard, method and scheme.

use std::sync::{Arc, OnceLock};

use sre_kit_metrics::internal::ShardId;

use super::key::{METHOD_SCHEMES, method_scheme_index};
use super::recorder::RouteRecorder;
use super::route::{RouteId, RouteIndex};
use super::series::RouteSeries;
use super::shared::Shared;

/// The recorders of a layer.
pub(crate) struct RecorderTable {
    /// By the index of the route. There is a slot for every route that there can be, so a lookup
    /// is one load.
    routes: Box<[OnceLock<Box<RouteRecorders>>]>,
    shard_count: usize,
}

/// The recorders of one route. Aligned, so that no recorder of another route is written on the
/// cache lines that requests of this route read.
#[repr(align(128))]
struct RouteRecorders {
    series: Arc<RouteSeries>,
    is_stream: bool,
    /// By shard, created when a thread of the shard first serves the route.
    shards: Box<[OnceLock<Box<ShardRecorders>>]>,
}

/// The recorders of one route in one shard, by method and scheme.
#[repr(align(128))]
struct ShardRecorders([OnceLock<Arc<RouteRecorder>>; METHOD_SCHEMES]);

impl RecorderTable {
    pub(crate) fn new(routes: usize, shard_count: usize) -> Self {
        Self { routes: (0..routes).map(|_| OnceLock::new()).collect(), shard_count }
    }

    /// Returns the recorder of a route, shard, method and scheme, if it exists.
    #[inline]
    pub(crate) fn get(
        &self,
        route: RouteId,
        shard: ShardId,
        method: usize,
        scheme: usize,
    ) -> Option<&Arc<RouteRecorder>> {
        let shards = &self.routes.get(route.index())?.get()?.shards;
        let recorders = shards.get(shard.index())?.get()?;
        recorders.0.get(method_scheme_index(method, scheme))?.get()
    }

    /// Returns the recorder of a route, method and scheme in the shard of the calling thread, and
    /// creates it if there is none.
    #[cold]
    #[inline(never)]
    pub(crate) fn get_or_create(
        &self,
        shared: &Arc<Shared>,
        index: &RouteIndex,
        id: RouteId,
        method: usize,
        scheme: usize,
    ) -> &Arc<RouteRecorder> {
        let shard = shared.store.cells.current_shard();
        let route = self.routes[id.index()].get_or_init(|| Box::new(self.new_route(index, id)));
        let recorders = route.shards[shard.index()]
            .get_or_init(|| Box::new(ShardRecorders([const { OnceLock::new() }; METHOD_SCHEMES])));
        recorders.0[method_scheme_index(method, scheme)].get_or_init(|| {
            RouteRecorder::new(shared, &route.series, route.is_stream, shard, method, scheme)
        })
    }

    fn new_route(&self, index: &RouteIndex, id: RouteId) -> RouteRecorders {
        let template = index.template(id);
        let flags = template.as_deref().map(|template| index.flags_of(template));
        RouteRecorders {
            series: Arc::new(RouteSeries::new(template.as_deref(), id == RouteId::OVERFLOW)),
            is_stream: flags.is_some_and(|flags| flags.stream),
            shards: (0..self.shard_count).map(|_| OnceLock::new()).collect(),
        }
    }
}
