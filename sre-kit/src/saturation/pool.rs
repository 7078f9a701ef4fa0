//! Pools that somebody else keeps: connections, threads, buffers.

use std::fmt;

/// How much of a pool is in use.
///
/// A pool is full when `used` is `max` and somebody waits; one that is only full
/// is well used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// What there is now, idle or used.
    pub size: u64,
    /// What is handed out.
    pub used: u64,
    /// The most there may be.
    pub max: u64,
    /// Who waits for one. `None` where the pool does not know.
    pub waiting: Option<u64>,
}

impl PoolUse {
    /// What is handed out over the most there may be; `None` for a pool of nothing.
    pub fn utilization(&self) -> Option<f64> {
        (self.max > 0).then(|| self.used as f64 / self.max as f64)
    }
}

/// Tells how much of a pool is in use. Any closure that does is one.
///
/// It is asked on the thread that scrapes: answer from counters, without waiting.
/// `None` leaves the pool out of this reading, which is right once it is closed.
pub trait PoolSource: Send + Sync {
    /// How much is in use now.
    fn pool_use(&self) -> Option<PoolUse>;
}

impl<F> PoolSource for F
where
    F: Fn() -> Option<PoolUse> + Send + Sync,
{
    fn pool_use(&self) -> Option<PoolUse> {
        self()
    }
}

/// One reading of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// The name it was given.
    pub name: String,
    /// How much is in use.
    pub usage: PoolUse,
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
