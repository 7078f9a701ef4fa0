//! How work under way learns that the process is about to end.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// Tells running work that the process drains, in two steps.
///
/// 1. *Draining*: readiness is off, requests are still accepted. Do not begin
///    new long work.
/// 2. *Closing*: no connection is accepted any more. Streams, server-sent
///    events and upgraded sockets end now: whoever reconnects reaches another
///    instance, for load balancers have had the delay to notice.
///
/// Every request served by [`Server`](super::Server) finds one in its
/// [`ConnectionInfo`](super::ConnectionInfo). Cloning is cheap.
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
/// Both futures may be dropped and made again at any time.
#[derive(Clone)]
pub struct DrainSignal {
    inner: Arc<Inner>,
}

struct Inner {
    draining: CancellationToken,
    closing: CancellationToken,
}

impl DrainSignal {
    /// A signal that has not been given. Whoever serves makes it; tests may too.
    pub fn new() -> Self {
        let draining = CancellationToken::new();
        Self { inner: Arc::new(Inner { draining, closing: CancellationToken::new() }) }
    }

    /// Whether the drain has begun.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.is_cancelled()
    }

    /// Whether streams should end.
    pub fn is_closing(&self) -> bool {
        self.inner.closing.is_cancelled()
    }

    /// Ready once the drain has begun.
    pub async fn draining(&self) {
        self.inner.draining.cancelled().await;
    }

    /// Ready once streams should end.
    pub async fn closing(&self) {
        self.inner.closing.cancelled().await;
    }

    /// A token that is cancelled when streams should end, for code that takes one.
    pub fn closing_token(&self) -> CancellationToken {
        self.inner.closing.child_token()
    }

    pub(crate) fn begin_draining(&self) {
        self.inner.draining.cancel();
    }

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
