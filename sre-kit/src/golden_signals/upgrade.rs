//! Connections that changed their protocol.

use std::fmt;

use super::clock::Reading;
use super::hub::HubRef;
use super::route::RouteId;
use super::series::{Key, StreamKind};

/// Counts how long an upgraded connection lives.
///
/// The request of an upgrade ends with its response head; what comes after is
/// out of the layer's sight. The layer leaves this in the extensions of every
/// request that asks for an upgrade, for the handler to carry along:
///
/// ```
/// use sre_kit::golden_signals::UpgradeLifetime;
///
/// fn handler<B>(request: &http::Request<B>) {
///     let lifetime = request.extensions().get::<UpgradeLifetime>().cloned();
///     // in the task that owns the upgraded connection:
///     let _open = lifetime.map(|lifetime| lifetime.start());
///     // ... talk; dropping `_open` records the lifetime.
/// }
/// # handler(&http::Request::new(()));
/// ```
///
/// Recorded in `http_server_stream_duration_seconds{stream="upgrade"}`. A
/// handler that ignores it loses that sample and nothing else.
#[derive(Clone)]
pub struct UpgradeLifetime {
    hub: HubRef,
    route: RouteId,
    key: Key,
}

impl UpgradeLifetime {
    pub(crate) fn new(hub: HubRef, route: RouteId, key: Key) -> Self {
        Self { hub, route, key }
    }

    /// Begins the lifetime, which ends when the result is dropped.
    #[must_use = "dropping it ends the lifetime"]
    pub fn start(&self) -> OpenUpgrade {
        OpenUpgrade { started: self.hub.hub().clock.read(), lifetime: self.clone() }
    }
}

impl fmt::Debug for UpgradeLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeLifetime").field("route", &self.route).finish_non_exhaustive()
    }
}

/// An upgraded connection that is open. Dropping it records its lifetime.
#[derive(Debug)]
pub struct OpenUpgrade {
    lifetime: UpgradeLifetime,
    started: Reading,
}

impl Drop for OpenUpgrade {
    fn drop(&mut self) {
        let UpgradeLifetime { hub, route, key } = &self.lifetime;
        let hub = hub.hub();
        let nanos = hub.clock.nanos_since(self.started);
        hub.store.stream_end(hub.directory.get(*route), *key, StreamKind::Upgrade, nanos);
    }
}
