//! How full the service is, and what it does about that.
//!
//! Two halves that can be used apart:
//!
//! * [`Saturation`] reads how full everything is that a request needs: the
//!   runtime's workers, the control group's processor time and memory, pools. It
//!   exports that and gives it to the program as a [`Snapshot`].
//! * [`Admission`] is a tower layer that keeps the number of requests under way
//!   within a [`Limit`], lets a bounded number wait, and refuses the rest with 503.
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
//! // Leave optional work out before the kernel kills.
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
//! | `tokio_runtime_scheduling_lag_seconds` | histogram | | a task that sleeps 100 ms, over and over |
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
//! Series of a runtime also have a label `runtime` if it was named. Where version 1
//! and 2 of control groups have files of their own, both are named. A file that is
//! absent or not to be read, and a limit that is not set, leave their series out:
//! there is no 0 that means "unknown". On other systems than Linux that is so for
//! all of `cgroup_`.
//!
//! How much of the time the service was throttled, and how late its tasks ran:
//!
//! ```text
//! rate(cgroup_cpu_throttled_periods_total[5m]) / rate(cgroup_cpu_periods_total[5m])
//! histogram_quantile(0.99, sum by (le) (rate(tokio_runtime_scheduling_lag_seconds_bucket[5m])))
//! ```
//!
//! Tokio's timer counts whole milliseconds, so a lag of one or two is none.

mod builder;
mod cgroup;
mod collect;
mod pool;
mod pressure;
mod runtime;
mod sources;

use std::sync::Arc;

use pool::Pool;
use sources::Sources;

pub use builder::SaturationBuilder;
pub use cgroup::{CgroupSnapshot, MemoryEvents};
pub use pool::{PoolSnapshot, PoolSource};
pub use pressure::Pressure;
pub use runtime::RuntimeSnapshot;

use crate::ConfigError;

/// Reads how full the service is. Cloning is cheap; clones share their readings.
///
/// The probes run as long as the registry, or a clone of this, is there.
#[derive(Clone, Debug)]
pub struct Saturation {
    sources: Arc<Sources>,
}

/// One reading of everything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The runtimes, in the order in which they were given.
    pub runtimes: Vec<RuntimeSnapshot>,
    /// The control group of the process.
    pub cgroup: CgroupSnapshot,
    /// The pools, in the order in which they were added.
    pub pools: Vec<PoolSnapshot>,
}

impl Saturation {
    /// Begins a reading whose families are registered in `registry`.
    pub fn builder() -> SaturationBuilder {
        SaturationBuilder::new()
    }

    /// How full everything is, as of at most [`SaturationBuilder::max_age`] ago.
    ///
    /// A reading that is young enough is shared, at the price of a lock that is held
    /// while a pointer is copied: about a tenth of a microsecond. A new one reads some
    /// fifteen small files of the kernel, which wait for no device: about 0.2 ms.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.sources.snapshot()
    }

    /// Reports one more pool from now on; `name` is the label `pool` of its series.
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
    /// When the name is empty or taken, or there are a hundred pools.
    pub fn add_pool(
        &self,
        name: impl Into<String>,
        source: impl PoolSource + 'static,
    ) -> Result<(), ConfigError> {
        self.sources.add_pool(Pool { name: name.into(), source: Box::new(source) })
    }
}
