//! The use of a pool, of connections or of anything else.

/// How much of a pool is in use.
///
/// A pool is exhausted when `used` is `max` and `waiting` is above 0. A pool that is only full
/// is well used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Members that exist, idle or used.
    pub size: u64,
    /// Members that are handed out.
    pub used: u64,
    /// The greatest number of members.
    pub max: u64,
    /// Callers that wait for a member. `None` if the pool does not count them.
    pub waiting: Option<u64>,
}

impl PoolUsage {
    /// Returns `used / max`. `None` if `max` is 0.
    pub fn utilization(&self) -> Option<f64> {
        (self.max > 0).then(|| self.used as f64 / self.max as f64)
    }
}
