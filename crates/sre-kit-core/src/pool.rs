//! The usage of a pool of connections or of anything else.

/// The usage of a pool.
///
/// A pool is exhausted if `used` equals `max` and `waiting` is above 0. A pool that is full without
/// waiting callers is well used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PoolUsage {
    /// The number of members, idle or used.
    pub size: u64,
    /// The number of members in use.
    pub used: u64,
    /// The maximum number of members.
    pub max: u64,
    /// The number of callers that wait for a member. `None` if the pool does not count them.
    pub waiting: Option<u64>,
}

impl PoolUsage {
    /// Returns `used / max`. `None` if `max` is 0.
    pub fn utilization(&self) -> Option<f64> {
        (self.max > 0).then(|| self.used as f64 / self.max as f64)
    }
}
