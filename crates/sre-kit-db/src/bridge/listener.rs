//! The listener that sqlx connects to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::endpoint::{Accepted, Endpoint, LocalAddress};
use super::login_status::LoginStatus;
use super::session::SessionContext;
use crate::dialer::Dial;
use crate::instrument::BridgeMetrics;

/// The pause after a failed `accept`.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Accepts sqlx's connections, until it is closed or dropped.
pub(crate) struct Bridge {
    context: Arc<SessionContext>,
    address: LocalAddress,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Bridge {
    /// Starts the task that accepts connections.
    pub(crate) fn spawn(
        endpoint: Endpoint,
        dialer: Arc<dyn Dial>,
        metrics: BridgeMetrics,
        concurrent_logins: u32,
    ) -> Self {
        let secret = endpoint.secret();
        let context = Arc::new(SessionContext::new(dialer, metrics, secret, concurrent_logins));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let address = endpoint.address();
        let accepting = accept(endpoint, Arc::clone(&context), stop.clone(), tasks.clone());
        tasks.spawn(accepting);
        Self { context, address, stop, tasks }
    }

    /// Returns where sqlx connects to.
    pub(crate) fn address(&self) -> &LocalAddress {
        &self.address
    }

    pub(crate) fn dialer(&self) -> &Arc<dyn Dial> {
        &self.context.dialer
    }

    pub(crate) fn logins(&self) -> &Arc<LoginStatus> {
        &self.context.logins
    }

    /// Returns whether new logins can be expected to work.
    pub(crate) fn can_log_in(&self) -> bool {
        self.dialer().is_healthy() && !self.logins().has_failed()
    }

    /// Stops accepting, and waits until all connections have ended. Dropping the future ends the
    /// wait; the connections end with the bridge.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    endpoint: Endpoint,
    context: Arc<SessionContext>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = endpoint.accept() => accepted,
        };
        match accepted {
            Ok(Accepted::Client(client)) => {
                let (context, stop) = (Arc::clone(&context), stop.clone());
                tasks.spawn(async move { context.serve(client, &stop).await });
            }
            #[cfg(unix)]
            Ok(Accepted::Foreign) => context.refuse_foreign_process(),
            // The process is out of file descriptors, which only others can release.
            Err(error) => {
                tracing::warn!(%error, "the database bridge cannot accept");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("address", &self.address).finish_non_exhaustive()
    }
}
