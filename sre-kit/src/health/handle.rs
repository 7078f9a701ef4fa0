//! The handle of a service's health: its state, and how the state changes.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::check::CheckFn;
use super::check_run::CheckRun;
use super::check_spec::CheckSpec;
use super::health_state::HealthState;
use super::identity::Identity;
use super::instruments::Instruments;
use super::show_details::ShowDetails;

/// The health of a service: its checks, its latches, its heartbeats, and whether it drains.
///
/// Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct Health {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) specs: Arc<[CheckSpec]>,
    pub(super) check_fns: Box<[CheckFn]>,
    pub(super) state: watch::Sender<Arc<HealthState>>,
    pub(super) instruments: Instruments,
    pub(super) details: ShowDetails,
    pub(super) identity: Identity,
    /// The lock that the loops of the checks hold, so that they run once only.
    pub(super) running: Mutex<()>,
    pub(super) next_latch: AtomicU64,
}

impl Health {
    /// Starts to drain: readiness fails from now on, and liveness cannot fail any more.
    ///
    /// Draining cannot be undone. The reason of the first call is kept.
    pub fn set_draining(&self, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        self.update(|state| {
            state.draining.get_or_insert(reason);
        });
    }

    /// Returns whether startup is complete. A service that is started stays started.
    pub fn is_started(&self) -> bool {
        self.inner.state.borrow().started
    }

    /// Returns whether the instance should receive traffic.
    pub fn is_ready(&self) -> bool {
        self.inner.state.borrow().is_ready(Instant::now())
    }

    /// Returns whether the process is live: it drains, or every heartbeat is recent enough.
    pub fn is_live(&self) -> bool {
        self.inner.state.borrow().is_live(Instant::now())
    }

    /// Waits until startup is complete.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect on the health.
    pub async fn wait_started(&self) {
        self.wait_for(|state| state.started).await;
    }

    /// Waits until the service is ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect on the health.
    pub async fn wait_ready(&self) {
        self.wait_for(|state| state.is_ready(Instant::now())).await;
    }

    async fn wait_for(&self, f: impl Fn(&HealthState) -> bool) {
        // It cannot fail, because `self` holds the sender.
        let _ = self.inner.state.subscribe().wait_for(|state| f(state)).await;
    }

    /// Returns whether the request with this head may see details, if it asks for them.
    #[cfg(feature = "console")]
    pub(crate) fn shows_details(&self, head: &http::request::Parts) -> bool {
        self.inner.details.allows(head)
    }

    /// Changes the state, evaluates it, and logs what changed for the probes.
    pub(super) fn update(&self, f: impl FnOnce(&mut HealthState)) {
        let now = Instant::now();
        let (mut before, mut after) = ((false, false), (false, false));
        self.inner.state.send_modify(|state| {
            before = (state.started, state.is_ready(now));
            // Copies the state if a snapshot holds it: a snapshot never changes.
            let state = Arc::make_mut(state);
            f(state);
            state.evaluate(&self.inner.specs, now);
            after = (state.started, state.is_ready(now));
        });
        // Logged after the lock of the channel is released: a subscriber may read the health.
        if !before.0 && after.0 {
            tracing::info!("startup is complete");
        }
        match (before.1, after.1) {
            (false, true) => tracing::info!("the service is ready"),
            (true, false) => tracing::warn!("the service is not ready"),
            _ => {}
        }
    }

    /// Records a run of check `index`.
    pub(super) fn record(&self, index: usize, run: CheckRun) {
        self.inner.instruments.record(index, &run);
        let (result, message) = (run.result, run.message.clone());
        let mut changed = false;
        self.update(|state| changed = state.record(&self.inner.specs, index, run));
        if changed {
            let check = &*self.inner.specs[index].name;
            let message = message.as_deref().unwrap_or_default();
            if result.is_passing() {
                tracing::info!(check, result = result.as_str(), message, "a check changed");
            } else {
                tracing::warn!(check, result = result.as_str(), message, "a check changed");
            }
        }
    }

    pub(super) fn specs(&self) -> &[CheckSpec] {
        &self.inner.specs
    }

    pub(super) fn check_fn(&self, index: usize) -> &CheckFn {
        &self.inner.check_fns[index]
    }
}
