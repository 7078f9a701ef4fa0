//! Background tasks that a shutdown waits for.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
    running: Arc<watch::Sender<usize>>,
    /// Cancelled when tasks should end.
    stop: CancellationToken,
    /// Cancelled when the remaining tasks are dropped.
    abort: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        let running = Arc::new(watch::Sender::new(0));
        Self { running, stop: CancellationToken::new(), abort: CancellationToken::new() }
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
        let running = RunningGuard::new(&self.running);
        tokio::spawn(async move {
            // Dropped after the task, so that a task that is counted out has dropped all it held.
            let _running = running;
            abort.run_until_cancelled(task).await
        })
    }

    /// Returns a token that is cancelled when background tasks should end.
    pub fn token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Returns the number of tasks that have not ended.
    pub fn len(&self) -> usize {
        *self.running.borrow()
    }

    /// Returns whether every task has ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cancels the token.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every task has ended. Call [`stop`](Self::stop) first.
    pub(super) async fn ended(&self) {
        self.stop.cancelled().await;
        // This fails only if the sender is dropped, and `self` holds it.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Drops the remaining tasks at their next `await`.
    pub(super) fn abort(&self) {
        self.abort.cancel();
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
