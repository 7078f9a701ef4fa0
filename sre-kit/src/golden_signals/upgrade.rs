//! The lifetime of upgraded connections.

use std::fmt;
use std::sync::Arc;

use super::completed::StreamKind;
use super::key::Key;
use super::recorder::RouteRecorder;
use sre_kit_core::internal::Reading;

/// Measures the lifetime of an upgraded connection.
///
/// The request of an upgrade ends with its response head, and the layer does not see the connection
/// after that. The layer therefore inserts a timer into the extensions of every request that asks
/// for an upgrade, and the handler starts it:
///
/// ```
/// use sre_kit::golden_signals::UpgradeTimer;
///
/// fn handler<B>(request: &http::Request<B>) {
///     let timer = request.extensions().get::<UpgradeTimer>().cloned();
///     // In the task that owns the upgraded connection:
///     let _guard = timer.map(|timer| timer.start());
///     // ... use the connection; dropping `_guard` records its lifetime.
/// }
/// # handler(&http::Request::new(()));
/// ```
///
/// The lifetime goes to `sre_kit_http_server_stream_duration_seconds{stream="upgrade"}`. Using the
/// timer is optional. If the handler ignores it, the upgraded connection is not recorded in this histogram.
#[derive(Clone)]
pub struct UpgradeTimer {
    recorder: Arc<RouteRecorder>,
    key: Key,
}

impl UpgradeTimer {
    pub(crate) fn new(recorder: Arc<RouteRecorder>, key: Key) -> Self {
        Self { recorder, key }
    }

    /// Starts the lifetime, which ends when the returned guard is dropped.
    pub fn start(&self) -> UpgradeGuard {
        UpgradeGuard { started: self.recorder.shared.clock.read(), timer: self.clone() }
    }
}

impl fmt::Debug for UpgradeTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeTimer").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A guard that records the lifetime of an upgraded connection when it is dropped.
#[derive(Debug)]
#[must_use = "dropping the guard ends the lifetime"]
pub struct UpgradeGuard {
    timer: UpgradeTimer,
    started: Reading,
}

impl Drop for UpgradeGuard {
    fn drop(&mut self) {
        let UpgradeTimer { recorder, key } = &self.timer;
        let nanos = recorder.shared.clock.nanos_since(self.started);
        recorder.record_stream_end(*key, StreamKind::Upgrade, nanos);
    }
}
