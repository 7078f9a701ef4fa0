//! One reading of all sources.

use super::cgroup::CgroupSnapshot;
use super::pool::PoolSnapshot;
use super::runtime::RuntimeSnapshot;

/// One reading of all sources.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The runtimes, in the order of their registration.
    pub runtimes: Vec<RuntimeSnapshot>,
    /// The control group of the process.
    pub cgroup: CgroupSnapshot,
    /// The pools, in the order of their registration.
    pub pools: Vec<PoolSnapshot>,
}
