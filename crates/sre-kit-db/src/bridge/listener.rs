//! The listener that sqlx connects to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::login_status::LoginStatus;
use super::session::SessionContext;
use super::socket::{Socket, is_own_process};
use crate::dialer::Dial;
use crate::instrument::BridgeMetrics;

/// The pause after a failed `accept`.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Accepts sqlx's connections, until it is closed or dropped.
pub(crate) struct Bridge {
    context: Arc<SessionContext>,
    directory: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Bridge {
    /// Starts the task that accepts connections.
    pub(crate) fn spawn(
        socket: Socket,
        dialer: Arc<dyn Dial>,
        metrics: BridgeMetrics,
        concurrent_logins: u32,
    ) -> Self {
        let context = Arc::new(SessionContext::new(dialer, metrics, concurrent_logins));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let directory = socket.directory().to_owned();
        let accepting = accept(socket, Arc::clone(&context), stop.clone(), tasks.clone());
        tasks.spawn(accepting);
        Self { context, directory, stop, tasks }
    }

    /// Returns the directory of the socket, which sqlx connects to.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
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
    socket: Socket,
    context: Arc<SessionContext>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.listener.accept() => accepted,
        };
        match accepted {
            Ok((client, _)) if is_own_process(&client) => {
                let (context, stop) = (Arc::clone(&context), stop.clone());
                tasks.spawn(async move { context.serve(client, &stop).await });
            }
            Ok(_foreign) => {
                context.metrics.foreign_processes.inc();
                tracing::warn!("another process tried the database bridge, and was refused");
            }
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
        f.debug_struct("Bridge").field("directory", &self.directory).finish_non_exhaustive()
    }
}
