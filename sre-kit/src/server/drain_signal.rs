//! The signal that running work listens to during a graceful shutdown.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// A signal that the process drains, in two steps. Cloning is cheap.
///
/// 1. *Draining*: readiness is off and requests are still accepted. Do not start new long work.
/// 2. *Closing*: no connection is accepted any more. Streams, server-sent events and upgraded
///    connections should end now. A client that reconnects reaches another instance, because load
///    balancers have had the drain delay to notice.
///
/// A request to a [`Server`](super::Server) finds it in its
/// [`ConnectionInfo`](super::ConnectionInfo).
///
/// ```
/// use sre_kit::server::DrainSignal;
///
/// async fn ticks(signal: DrainSignal) -> u32 {
///     let mut sent = 0;
///     let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
///     loop {
///         tokio::select! {
///             _ = tick.tick() => sent += 1,
///             () = signal.closing() => return sent,
///         }
///     }
/// }
/// # let _ = ticks(DrainSignal::new());
/// ```
///
/// # Cancel safety
///
/// Both futures are cancel safe: they can be dropped and made again at any time.
#[derive(Clone)]
pub struct DrainSignal {
    inner: Arc<Inner>,
}

struct Inner {
    draining: CancellationToken,
    closing: CancellationToken,
}

impl DrainSignal {
    /// Creates a signal that has not been given. A server creates its own; this is for tests and
    /// for [`ServerBuilder::drain_signal`](super::ServerBuilder::drain_signal).
    pub fn new() -> Self {
        let draining = CancellationToken::new();
        Self { inner: Arc::new(Inner { draining, closing: CancellationToken::new() }) }
    }

    /// Returns whether the drain has begun.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.is_cancelled()
    }

    /// Returns whether streams should end.
    pub fn is_closing(&self) -> bool {
        self.inner.closing.is_cancelled()
    }

    /// Waits until the drain has begun.
    pub async fn draining(&self) {
        self.inner.draining.cancelled().await;
    }

    /// Waits until streams should end.
    pub async fn closing(&self) {
        self.inner.closing.cancelled().await;
    }

    /// Returns a token that is cancelled when streams should end, for code that takes a token.
    pub fn closing_token(&self) -> CancellationToken {
        self.inner.closing.child_token()
    }

    /// Gives the first step.
    pub(crate) fn begin_draining(&self) {
        self.inner.draining.cancel();
    }

    /// Gives the second step, and the first if it was not given.
    pub(crate) fn begin_closing(&self) {
        self.inner.draining.cancel();
        self.inner.closing.cancel();
    }
}

impl Default for DrainSignal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DrainSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainSignal")
            .field("draining", &self.is_draining())
            .field("closing", &self.is_closing())
            .finish()
    }
}
