//! Background work that a shutdown waits for.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Spawns background tasks that a shutdown tells to end, and waits for.
///
/// Cloning is cheap. The token is cancelled once no request is under way, so
/// that work which requests hand over is still taken in until then.
///
/// ```
/// use sre_kit::lifecycle::Lifecycle;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let lifecycle = Lifecycle::builder().without_signals().build(&sre_kit::metrics::Registry::new())?;
/// let tasks = lifecycle.tasks();
/// let token = tasks.token();
/// tasks.spawn(async move {
///     while token.run_until_cancelled(next_job()).await.is_some() {}
///     // Put back what was begun.
/// });
/// # async fn next_job() {}
/// # Ok::<_, sre_kit::ConfigError>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tasks {
    running: Arc<watch::Sender<usize>>,
    stop: CancellationToken,
    cut: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        let running = Arc::new(watch::Sender::new(0));
        Self { running, stop: CancellationToken::new(), cut: CancellationToken::new() }
    }

    /// Spawns `task`. It should end soon after [`token`](Self::token) is cancelled;
    /// one that has not when the time is over is dropped and counted, and its
    /// handle gives `None`.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cut = self.cut.clone();
        let running = RunningGuard::new(&self.running);
        tokio::spawn(async move {
            // Dropped after the task, so that a task that is counted out has dropped all it held.
            let _running = running;
            cut.run_until_cancelled(task).await
        })
    }

    /// Cancelled when background tasks should end.
    pub fn token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Tasks that have not ended.
    pub fn len(&self) -> usize {
        *self.running.borrow()
    }

    /// Whether every task has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells the tasks to end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Ready when every task has ended, once they were told to.
    pub(super) async fn ended(&self) {
        self.stop.cancelled().await;
        // This fails only if the sender is dropped, and `self` holds it.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Drops those that are left, at their next wait.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }
}

/// Counts a task until it is dropped.
struct RunningGuard(Arc<watch::Sender<usize>>);

impl RunningGuard {
    fn new(running: &Arc<watch::Sender<usize>>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(Arc::clone(running))
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("tasks", &self.len())
            .field("stopping", &self.stop.is_cancelled())
            .finish_non_exhaustive()
    }
}
