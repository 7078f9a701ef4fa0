//! What begins a shutdown.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Why a process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownReason {
    /// A signal, by its name.
    Signal(&'static str),
    /// The program asked for it.
    Requested(Cow<'static, str>),
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => f.write_str(name),
            Self::Requested(reason) => f.write_str(reason),
        }
    }
}

/// Begins the shutdown from within the program. Cloning is cheap.
#[derive(Clone)]
pub struct ShutdownHandle {
    inner: Arc<Inner>,
}

struct Inner {
    reason: OnceLock<ShutdownReason>,
    token: CancellationToken,
}

impl ShutdownHandle {
    pub(super) fn new() -> Self {
        let token = CancellationToken::new();
        Self { inner: Arc::new(Inner { reason: OnceLock::new(), token }) }
    }

    /// Begins the shutdown, as a signal would. The first reason stays; later
    /// calls, and a signal after them, change nothing.
    pub fn trigger(&self, reason: impl Into<Cow<'static, str>>) {
        self.begin(ShutdownReason::Requested(reason.into()));
    }

    pub(super) fn begin(&self, reason: ShutdownReason) {
        let _ = self.inner.reason.set(reason);
        self.inner.token.cancel();
    }

    /// Ready once the shutdown has begun, by whatever. Startup code may race
    /// itself against this, to give up early.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn triggered(&self) {
        self.inner.token.cancelled().await;
    }

    /// Why the shutdown began, if it has.
    pub fn reason(&self) -> Option<&ShutdownReason> {
        self.inner.reason.get()
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("reason", &self.reason()).finish()
    }
}
