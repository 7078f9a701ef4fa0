//! The handle of a declared peer.

use std::fmt;
use std::sync::Arc;

use super::layer::OutboundLayer;
use super::shared::Shared;

/// A declared peer, to wrap its clients. Clones are cheap.
#[derive(Clone)]
pub struct PeerHandle {
    shared: Arc<Shared>,
    peer: usize,
}

impl PeerHandle {
    pub(super) fn new(shared: &Arc<Shared>, peer: usize) -> Self {
        Self { shared: Arc::clone(shared), peer }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.shared.peers[self.peer].peer.as_ref().map_or("", |peer| &peer.name)
    }

    /// Returns the layer for a client of this peer. It records every request as one to this peer,
    /// whatever its authority is.
    pub fn layer(&self) -> OutboundLayer {
        OutboundLayer::new(&self.shared, Some(self.peer))
    }
}

impl fmt::Debug for PeerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerHandle").field("name", &self.name()).finish_non_exhaustive()
    }
}
