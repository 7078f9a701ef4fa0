//! How logging in went lately.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Warnings about failed logins are at least so far apart.
const QUIET: Duration = Duration::from_secs(10);

/// How logging in went lately.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failure: Option<Arc<str>>,
    warned: Option<Instant>,
    unsaid: u32,
}

impl Logins {
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

    pub(super) fn failed(&self, reason: &str) {
        let mut state = self.lock();
        state.failure = Some(reason.into());
        if state.warned.is_some_and(|at| at.elapsed() < QUIET) {
            state.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut state.unsaid);
        state.warned = Some(Instant::now());
        drop(state);
        tracing::warn!(reason, unsaid, "logging in to the database failed");
    }

    /// Why the last login failed; `None` when it went well, or there was none yet.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        self.lock().failure.clone()
    }
}
