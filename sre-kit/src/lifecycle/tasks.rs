//! Background tasks that a shutdown waits for.

use std::fmt;
use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A spawner of background tasks that the shutdown stops and waits for. Cloning is cheap.
///
/// The [`token`](Self::token) is cancelled in the phase `tasks`, when no request is in flight any
/// more: until then, tasks accept work from requests.
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
///     // Return unfinished work to its queue.
/// });
/// # async fn next_job() {}
/// # Ok::<_, sre_kit::ConfigError>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Cancelled when tasks should end.
    stop: CancellationToken,
    /// Cancelled when the remaining tasks are dropped.
    abort: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        let tracker = TaskTracker::new();
        Self { tracker, stop: CancellationToken::new(), abort: CancellationToken::new() }
    }

    /// Spawns `task`. It should end soon after [`token`](Self::token) is cancelled.
    ///
    /// A task that has not ended when the drain's time is over is dropped at its next `await`, and
    /// counted in `lifecycle_cut_off_total`. Its handle then returns `None`.
    ///
    /// # Panics
    ///
    /// Panics if it is called outside of a Tokio runtime.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let abort = self.abort.clone();
        self.tracker.spawn(async move { abort.run_until_cancelled(task).await })
    }

    /// Returns a token that is cancelled when background tasks should end.
    pub fn token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Returns the number of tasks that have not ended.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Returns whether every task has ended.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Cancels the token.
    pub(super) fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Waits until every task has ended. Call [`stop`](Self::stop) first.
    pub(super) async fn ended(&self) {
        self.tracker.wait().await;
    }

    /// Drops the remaining tasks at their next `await`.
    pub(super) fn abort(&self) {
        self.abort.cancel();
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
