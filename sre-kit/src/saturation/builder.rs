//! The settings of the saturation signals.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::cgroup::Cgroup;
use super::pool::{Pool, PoolSource};
use super::runtime::{Runtime, RuntimeSnapshot};
use super::snapshot::Snapshot;
use super::sources::Sources;
use super::{Saturation, collect};
use crate::ConfigError;
use crate::metrics::{Buckets, Registry};

/// Settings of [`Saturation`].
#[must_use = "nothing is read before `build`"]
pub struct SaturationBuilder {
    runtimes: Vec<(String, Handle)>,
    pools: Vec<Pool>,
    root: PathBuf,
    max_age: Duration,
}

impl SaturationBuilder {
    fn new() -> Self {
        Self {
            runtimes: Vec::new(),
            pools: Vec::new(),
            root: PathBuf::from("/"),
            max_age: Duration::from_secs(1),
        }
    }

    /// Adds a runtime and spawns one probe task on it. Its series have no label `runtime`.
    ///
    /// The timer of the runtime must be enabled, as `#[tokio::main]` and `enable_all` do. The probe
    /// cannot run without it.
    pub fn runtime(self, handle: Handle) -> Self {
        self.named_runtime("", handle)
    }

    /// Adds one of several runtimes. `name` is the label `runtime` of its series.
    pub fn named_runtime(mut self, name: impl Into<String>, handle: Handle) -> Self {
        self.runtimes.push((name.into(), handle));
        self
    }

    /// Adds a pool. `name` is the label `pool` of its series. See also [`Saturation::add_pool`].
    pub fn pool(mut self, name: impl Into<String>, source: impl PoolSource + 'static) -> Self {
        self.pools.push(Pool { name: name.into(), source: Box::new(source) });
        self
    }

    /// Sets the directory that contains `proc` and `sys`. Defaults to `/`. Tests and processes with
    /// another mount point set it.
    pub fn filesystem_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Sets how long a reading is cached for [`Saturation::snapshot`] and scrapes. Defaults to 1 s.
    /// `Duration::ZERO` reads every time.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Checks the settings, finds the control group, registers the families and starts the probes.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - two runtimes or two pools have the same name;
    /// - `max_age` is above one hour;
    /// - the registry already has a `Saturation`: clone that one.
    pub fn build(self, registry: &Registry) -> Result<Saturation, ConfigError> {
        for (i, (name, _)) in self.runtimes.iter().enumerate() {
            if self.runtimes[..i].iter().any(|(other, _)| other == name) {
                return Err(ConfigError::new(
                    "runtime.name",
                    name,
                    "each runtime has a name of its own, and at most one has none",
                    "use `named_runtime` with different names",
                ));
            }
        }
        if self.max_age > Duration::from_hours(1) {
            return Err(ConfigError::new(
                "max_age",
                self.max_age,
                "a reading is at most an hour old",
                "leave it out to have one second",
            ));
        }
        let lag = registry.histogram_family(
            "tokio_runtime_scheduling_lag_seconds",
            "By how much a task that slept 100 ms overslept.",
            &Buckets::seconds([
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ])?,
            &["runtime"],
        )?;
        let runtimes = self.runtimes.into_iter().map(|(name, handle)| {
            let histogram = lag.with(&[&name]);
            Runtime::watch(name, &handle, histogram)
        });
        let sources = Sources::new(runtimes.collect(), Cgroup::find(&self.root), self.max_age);
        let sources = Arc::new(sources);
        log_workers(&sources.snapshot());
        for pool in self.pools {
            sources.add_pool(pool)?;
        }
        collect::register(registry, Arc::clone(&sources))?;
        Ok(Saturation { sources })
    }
}

/// Warns if a runtime has more workers than the quota has cores. They use up the quota in the first
/// part of each period and are stopped together for the rest, which is worse than fewer workers.
fn log_workers(snapshot: &Snapshot) {
    let quota = snapshot.cgroup.cpu_quota_cores;
    for RuntimeSnapshot { name, workers, .. } in &snapshot.runtimes {
        if quota.is_some_and(|cores| *workers as f64 > cores.ceil()) {
            tracing::warn!(
                runtime = name,
                workers,
                quota_cores = quota,
                "the runtime has more workers than its quota has cores, so they will be \
                 throttled together; leave TOKIO_WORKER_THREADS unset or set it to the quota"
            );
        } else {
            tracing::info!(runtime = name, workers, quota_cores = quota, "watching the runtime");
        }
    }
}

impl Saturation {
    /// Creates readings of the control group alone, without runtimes and pools.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` holds metrics of the same names, for example those of another
    /// `Saturation`.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> SaturationBuilder {
        SaturationBuilder::new()
    }
}

impl fmt::Debug for SaturationBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaturationBuilder")
            .field("runtimes", &self.runtimes.len())
            .field("pools", &self.pools)
            .field("root", &self.root)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
