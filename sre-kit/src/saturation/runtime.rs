//! The load of a Tokio runtime, and the scheduling lag of its tasks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::metrics::Histogram;

/// How long the probe sleeps.
const PROBE: Duration = Duration::from_millis(100);

/// One reading of a runtime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeSnapshot {
    /// The name of the runtime; empty if it has none.
    pub name: String,
    /// The number of worker threads.
    pub workers: usize,
    /// The number of tasks that have not ended.
    pub alive_tasks: usize,
    /// The number of tasks in the queue that all workers share.
    pub global_queue_depth: usize,
    /// How long each worker was not parked, since the start. A worker that is
    /// blocked in a task adds its time only when it comes back.
    pub busy: Vec<Duration>,
    /// How often each worker went to sleep.
    pub parks: Vec<u64>,
    /// How late a task that is due gets to run: by how much the last probe overslept,
    /// or, if more, by how much the next one is overdue now. `None` before the first.
    pub scheduling_lag: Option<Duration>,
    /// The number of tasks that wait for a thread of the blocking pool.
    #[cfg(tokio_unstable)]
    pub blocking_queue_depth: usize,
    /// The number of threads of the blocking pool.
    #[cfg(tokio_unstable)]
    pub blocking_threads: usize,
}

/// A runtime under watch. Dropping it ends its probe.
pub(crate) struct Runtime {
    pub(crate) name: String,
    metrics: RuntimeMetrics,
    lag: Arc<Lag>,
    probe: AbortHandle,
}

impl Runtime {
    pub(crate) fn watch(name: String, handle: &Handle, histogram: Histogram) -> Self {
        let lag = Arc::new(Lag { histogram, epoch: Instant::now(), last: 0.into(), due: 0.into() });
        let task = handle.spawn(probe(Arc::clone(&lag)));
        Self { name, metrics: handle.metrics(), lag, probe: task.abort_handle() }
    }

    pub(crate) fn read(&self) -> RuntimeSnapshot {
        let metrics = &self.metrics;
        let workers = metrics.num_workers();
        RuntimeSnapshot {
            name: self.name.clone(),
            workers,
            alive_tasks: metrics.num_alive_tasks(),
            global_queue_depth: metrics.global_queue_depth(),
            busy: (0..workers).map(|worker| metrics.worker_total_busy_duration(worker)).collect(),
            parks: (0..workers).map(|worker| metrics.worker_park_count(worker)).collect(),
            scheduling_lag: self.lag.now(),
            #[cfg(tokio_unstable)]
            blocking_queue_depth: metrics.blocking_queue_depth(),
            #[cfg(tokio_unstable)]
            blocking_threads: metrics.num_blocking_threads(),
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.probe.abort();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the probe finds, readable from any thread while it is stuck.
struct Lag {
    histogram: Histogram,
    epoch: Instant,
    /// Nanoseconds that the last probe overslept.
    last: AtomicU64,
    /// When the next one should wake, in nanoseconds from the epoch; 0 before the first.
    due: AtomicU64,
}

impl Lag {
    fn now(&self) -> Option<Duration> {
        let due = self.due.load(Ordering::Relaxed);
        if due == 0 {
            return None;
        }
        let now = self.epoch.elapsed();
        let overdue = now.saturating_sub(Duration::from_nanos(due));
        Some(overdue.max(Duration::from_nanos(self.last.load(Ordering::Relaxed))))
    }
}

/// Repeatedly sleeps and records by how much it overslept.
///
/// A timer that fires late is what every task of the runtime suffers: it is due,
/// and no worker has come to it. Utilisation does not show that, because a worker
/// that is stuck in one task looks like one that is well used.
async fn probe(lag: Arc<Lag>) {
    loop {
        let due = Instant::now() + PROBE;
        lag.due.store(nanos(due.saturating_duration_since(lag.epoch)), Ordering::Relaxed);
        tokio::time::sleep_until(due).await;
        let late = Instant::now().saturating_duration_since(due);
        lag.last.store(nanos(late), Ordering::Relaxed);
        lag.histogram.observe_duration(late);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
