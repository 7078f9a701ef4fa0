//! sqlx connects to a socket inside the process; what is behind it is dialled, verified
//! and logged in to here.
//!
//! So sqlx never holds a token, a connection is made with the newest one, and TLS is
//! ours: sqlx takes neither a verifier nor a stream of one's own.

mod logins;
mod relay;
mod session;
pub(crate) mod socket;
pub(crate) mod wire;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use logins::Logins;
pub(crate) use session::{AGAIN, LOST, UNABLE};
use socket::Socket;

use super::dialer::Dial;
use super::instrument::BridgeMetrics;

/// How long a listener that cannot accept waits before it tries again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Accepts sqlx's connections, until it is closed or dropped.
pub(crate) struct Bridge {
    shared: Arc<Shared>,
    directory: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What all connections share.
struct Shared {
    dialer: Arc<dyn Dial>,
    metrics: BridgeMetrics,
    logins: Arc<Logins>,
    turns: Semaphore,
}

impl Bridge {
    /// Listens, and accepts on a task of its own.
    pub(crate) fn spawn(
        socket: Socket,
        dialer: Arc<dyn Dial>,
        metrics: BridgeMetrics,
        concurrent_logins: u32,
    ) -> Self {
        let turns = Semaphore::new(concurrent_logins.try_into().unwrap_or(usize::MAX >> 4));
        let logins = Arc::default();
        let shared = Arc::new(Shared { dialer, metrics, logins, turns });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let directory = socket.directory().to_owned();
        let accepting = accept(socket, Arc::clone(&shared), stop.clone(), tasks.clone());
        tasks.spawn(accepting);
        Self { shared, directory, stop, tasks }
    }

    /// The directory that leads sqlx here.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn dialer(&self) -> &Arc<dyn Dial> {
        &self.shared.dialer
    }

    pub(crate) fn logins(&self) -> &Arc<Logins> {
        &self.shared.logins
    }

    /// Accepts nothing more, and waits until what was accepted has ended. Whoever does
    /// not want to wait drops the future; connections end with the bridge.
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

async fn accept(socket: Socket, shared: Arc<Shared>, stop: CancellationToken, tasks: TaskTracker) {
    let listener: &UnixListener = &socket.listener;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((client, _)) if socket::is_own(&client) => {
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                tasks.spawn(async move { shared.serve(client, &stop).await });
            }
            Ok(_stranger) => {
                shared.metrics.strangers.inc();
                tracing::warn!("another process tried the database bridge, and was refused");
            }
            // Out of file descriptors: somebody else's to mend.
            Err(error) => {
                tracing::warn!(%error, "the database bridge cannot accept");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("directory", &self.directory).finish_non_exhaustive()
    }
}
