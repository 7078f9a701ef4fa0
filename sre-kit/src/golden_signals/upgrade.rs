//! Connections that changed their protocol.

use std::fmt;
use std::sync::Arc;

use super::series::{Key, StreamKind};
use super::site::Site;
use sre_kit_core::internal::Reading;

/// Counts how long an upgraded connection lives.
///
/// The request of an upgrade ends with its response head; what comes after is
/// out of the layer's sight. The layer leaves this in the extensions of every
/// request that asks for an upgrade, for the handler to carry along:
///
/// ```
/// use sre_kit::golden_signals::UpgradeTimer;
///
/// fn handler<B>(request: &http::Request<B>) {
///     let lifetime = request.extensions().get::<UpgradeTimer>().cloned();
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
pub struct UpgradeTimer {
    site: Arc<Site>,
    key: Key,
}

impl UpgradeTimer {
    pub(crate) fn new(site: Arc<Site>, key: Key) -> Self {
        Self { site, key }
    }

    /// Begins the lifetime, which ends when the result is dropped.
    #[must_use = "dropping it ends the lifetime"]
    pub fn start(&self) -> UpgradeGuard {
        UpgradeGuard { started: self.site.hub.clock.read(), lifetime: self.clone() }
    }
}

impl fmt::Debug for UpgradeTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeTimer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// An upgraded connection that is open. Dropping it records its lifetime.
#[derive(Debug)]
pub struct UpgradeGuard {
    lifetime: UpgradeTimer,
    started: Reading,
}

impl Drop for UpgradeGuard {
    fn drop(&mut self) {
        let UpgradeTimer { site, key } = &self.lifetime;
        let nanos = site.hub.clock.nanos_since(self.started);
        site.stream_end(*key, StreamKind::Upgrade, nanos);
    }
}
