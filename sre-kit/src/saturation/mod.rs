//! Saturation signals: how full the runtime, the control group and the pools are.
//!
//! [`Saturation`] reads the runtime's workers, the processor time and memory of the control group,
//! and pools. It exports them, and returns them to the program as a [`Snapshot`]. The module
//! [`admission`](crate::admission) limits the requests under way.
//!
//! ```
//! use sre_kit::metrics::Registry;
//! use sre_kit::saturation::Saturation;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sre_kit::ConfigError> {
//! let registry = Registry::new();
//! let saturation =
//!     Saturation::builder().runtime(tokio::runtime::Handle::current()).build(&registry)?;
//!
//! // Skip optional work before the kernel kills the process.
//! let now = saturation.snapshot();
//! let tight = now.cgroup.memory_utilization().is_some_and(|used| used > 0.9);
//! # let _ = tight;
//! # Ok(())
//! # }
//! ```
//!
//! # What is exported
//!
//! | Metric | Kind | Labels | Source |
//! |---|---|---|---|
//! | `tokio_runtime_workers` | gauge | | `RuntimeMetrics` |
//! | `tokio_runtime_alive_tasks` | gauge | | the same |
//! | `tokio_runtime_global_queue_depth` | gauge | | the same |
//! | `tokio_runtime_worker_busy_seconds_total` | counter | `worker` | the same |
//! | `tokio_runtime_worker_parks_total` | counter | `worker` | the same |
//! | `tokio_runtime_scheduling_lag_seconds` | histogram | | a task that repeatedly sleeps 100 ms |
//! | `tokio_runtime_blocking_queue_depth`, `tokio_runtime_blocking_threads` | gauge | | only with `--cfg tokio_unstable` |
//! | `cgroup_cpu_periods_total`, `cgroup_cpu_throttled_periods_total` | counter | | `cpu.stat` |
//! | `cgroup_cpu_throttled_seconds_total` | counter | | `cpu.stat` |
//! | `cgroup_cpu_quota_cores` | gauge | | `cpu.max`; `cpu.cfs_quota_us` and `cpu.cfs_period_us` |
//! | `cgroup_memory_usage_bytes` | gauge | | `memory.current`; `memory.usage_in_bytes` |
//! | `cgroup_memory_max_bytes` | gauge | | `memory.max`; `memory.limit_in_bytes` |
//! | `cgroup_memory_high_bytes` | gauge | | `memory.high` |
//! | `cgroup_memory_events_total` | counter | `event`: `low`, `high`, `max`, `oom`, `oom_kill`, `oom_group_kill` | `memory.events`; `memory.failcnt` and `memory.oom_control` |
//! | `cgroup_pressure_stalled_seconds_total` | counter | `resource`: `cpu`, `memory`, `io`; `kind`: `some`, `full` | `cpu.pressure` and so on |
//! | `saturation_pool_size`, `_used`, `_max`, `_waiting` | gauge | `pool` | [`PoolSource`] |
//!
//! The series of a named runtime also have a label `runtime`. If versions 1 and 2 of control groups
//! use different files, the table lists both. A series is absent if its file is absent or cannot be
//! read, or if its limit is not set: no series shows 0 for an unknown value. On systems other than
//! Linux all of `cgroup_` is absent.
//!
//! These queries return the share of periods in which the service was throttled, and the lag of its
//! tasks:
//!
//! ```text
//! rate(cgroup_cpu_throttled_periods_total[5m]) / rate(cgroup_cpu_periods_total[5m])
//! histogram_quantile(0.99, sum by (le) (rate(tokio_runtime_scheduling_lag_seconds_bucket[5m])))
//! ```
//!
//! Tokio's timer has a resolution of one millisecond, so a lag of up to 2 ms means no lag.

mod builder;
mod cgroup;
mod collect;
mod pool;
mod pressure;
mod runtime;
mod snapshot;
mod sources;

use std::sync::Arc;

use pool::Pool;
use sources::Sources;

pub use builder::SaturationBuilder;
pub use cgroup::{CgroupSnapshot, MemoryEvents};
pub use pool::{PoolSnapshot, PoolSource};
pub use pressure::Pressure;
pub use runtime::RuntimeSnapshot;
pub use snapshot::Snapshot;

use crate::ConfigError;

/// The saturation signals of a service. Clones are cheap and share their readings.
///
/// The probes run until the registry and all clones of this value are dropped.
#[derive(Clone, Debug)]
pub struct Saturation {
    sources: Arc<Sources>,
}

impl Saturation {
    /// Returns a reading that is at most [`SaturationBuilder::max_age`] old.
    ///
    /// A cached reading costs a lock that is held while a pointer is copied: about 0.1 µs. A new one
    /// reads about fifteen small files of the kernel, which wait for no device: about 0.2 ms.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.sources.snapshot()
    }

    /// Adds a pool. `name` is the label `pool` of its series.
    ///
    /// ```
    /// # use sre_kit::{PoolUsage, metrics::Registry, saturation::Saturation};
    /// # let saturation = Saturation::builder().build(&Registry::new())?;
    /// saturation.add_pool("orders-db", || {
    ///     Some(PoolUsage { size: 8, used: 5, max: 10, waiting: None })
    /// })?;
    /// assert_eq!(saturation.snapshot().pools[0].usage.utilization(), Some(0.5));
    /// # Ok::<(), sre_kit::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the name is empty or taken, or if there are already 100 pools.
    pub fn add_pool(
        &self,
        name: impl Into<String>,
        source: impl PoolSource + 'static,
    ) -> Result<(), ConfigError> {
        self.sources.add_pool(Pool { name: name.into(), source: Box::new(source) })
    }
}
