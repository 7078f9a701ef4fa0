//! Pools that other libraries manage: connections, threads, buffers.

use std::fmt;

use sre_kit_core::PoolUsage;

/// A source of the usage of a pool. Closures implement it.
///
/// It is called on the thread that scrapes, so it should read counters and not wait. `None` leaves
/// the pool out of this reading: return it once the pool is closed.
pub trait PoolSource: Send + Sync {
    /// Returns the current usage.
    fn usage(&self) -> Option<PoolUsage>;
}

impl<F> PoolSource for F
where
    F: Fn() -> Option<PoolUsage> + Send + Sync,
{
    fn usage(&self) -> Option<PoolUsage> {
        self()
    }
}

/// One reading of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// The name of the pool.
    pub name: String,
    /// Its usage.
    pub usage: PoolUsage,
}

pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) source: Box<dyn PoolSource>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.name).finish_non_exhaustive()
    }
}
