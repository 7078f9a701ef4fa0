use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::service::OutboundService;
use super::shared::Shared;

/// A layer that records the calls of a client. See [`outbound`](super).
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct OutboundLayer {
    shared: Arc<Shared>,
    peer: Option<usize>,
}

impl OutboundLayer {
    /// Creates a layer for calls to one peer, or to the peer that each request names.
    pub(super) fn new(shared: &Arc<Shared>, peer: Option<usize>) -> Self {
        Self { shared: Arc::clone(shared), peer }
    }
}

impl<S> Layer<S> for OutboundLayer {
    type Service = OutboundService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OutboundService::new(inner, Arc::clone(&self.shared), self.peer)
    }
}

impl fmt::Debug for OutboundLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundLayer").field("peer", &self.peer).finish_non_exhaustive()
    }
}
