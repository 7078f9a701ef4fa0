//! The handle that begins a shutdown.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::alarm::Alarm;
use super::shutdown_reason::ShutdownReason;

/// A handle that begins the shutdown from within the program. Cloning is cheap.
#[derive(Clone)]
pub struct ShutdownHandle {
    inner: Arc<Inner>,
}

struct Inner {
    reason: OnceLock<ShutdownReason>,
    token: CancellationToken,
    /// Wakes the watchdog, if there is one.
    alarm: Option<Alarm>,
}

impl ShutdownHandle {
    pub(super) fn new(alarm: Option<Alarm>) -> Self {
        let token = CancellationToken::new();
        Self { inner: Arc::new(Inner { reason: OnceLock::new(), token, alarm }) }
    }

    /// Begins the shutdown, as a signal does. The first reason is kept. Later calls have no effect,
    /// nor has a first signal after them.
    pub fn trigger(&self, reason: impl Into<Cow<'static, str>>) {
        self.begin(ShutdownReason::Requested(reason.into()));
    }

    /// Begins the shutdown for `reason`.
    pub(super) fn begin(&self, reason: ShutdownReason) {
        // The reason is set before the token is cancelled: `reason` is known to all that
        // `triggered` wakes. A reason that is set already stays.
        if self.inner.reason.set(reason).is_ok()
            && let Some(alarm) = &self.inner.alarm
        {
            alarm.ring();
        }
        self.inner.token.cancel();
    }

    /// Waits until the shutdown has begun, by a handle or a signal. Startup code can race against
    /// this future to stop early.
    ///
    /// # Cancel safety
    ///
    /// This future is cancel safe: it can be dropped and made again.
    pub async fn triggered(&self) {
        self.inner.token.cancelled().await;
    }

    /// Returns why the shutdown began, or `None` if it has not.
    pub fn reason(&self) -> Option<&ShutdownReason> {
        self.inner.reason.get()
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("reason", &self.reason()).finish()
    }
}
