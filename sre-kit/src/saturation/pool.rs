//! Pools that somebody else keeps: connections, threads, buffers.

use std::fmt;

use sre_kit_core::PoolUsage;

/// Tells how much of a pool is in use. Any closure that does is one.
///
/// It is asked on the thread that scrapes: answer from counters, without waiting.
/// `None` leaves the pool out of this reading, which is right once it is closed.
pub trait PoolSource: Send + Sync {
    /// How much is in use now.
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
    /// The name it was given.
    pub name: String,
    /// How much is in use.
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
