//! The outcome of the last login.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two warnings about failed logins.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// The outcome of the last login.
#[derive(Debug, Default)]
pub(crate) struct LoginStatus {
    state: Mutex<State>,
}

/// A login that failed.
#[derive(Clone, Debug)]
pub(crate) struct FailedLogin {
    pub(crate) reason: Arc<str>,
    /// Whether there were no credentials to log in with.
    pub(crate) without_credentials: bool,
}

#[derive(Debug, Default)]
struct State {
    failure: Option<FailedLogin>,
    warned: Option<Instant>,
    suppressed: u32,
}

impl LoginStatus {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        if state.failure.take().is_some() {
            tracing::info!("logging in to the database works again");
            state.warned = None;
        }
    }

    pub(super) fn failed(&self, reason: &str, without_credentials: bool) {
        let mut state = self.lock();
        state.failure = Some(FailedLogin { reason: reason.into(), without_credentials });
        if state.warned.is_some_and(|at| at.elapsed() < WARNING_INTERVAL) {
            state.suppressed += 1;
            return;
        }
        let suppressed = std::mem::take(&mut state.suppressed);
        state.warned = Some(Instant::now());
        // A subscriber may block, so the lock is released before the warning.
        drop(state);
        tracing::warn!(reason, suppressed, "logging in to the database failed");
    }

    /// Returns how the last login failed; `None` if it succeeded, or there was none yet.
    pub(crate) fn failure(&self) -> Option<FailedLogin> {
        self.lock().failure.clone()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.lock().failure.is_some()
    }
}
