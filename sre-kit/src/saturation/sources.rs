//! Everything that is read, and the reading that is kept for a moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::cgroup::Cgroup;
use super::pool::{Pool, PoolSnapshot};
use super::runtime::Runtime;
use super::snapshot::Snapshot;
use crate::ConfigError;

/// More pools than this would be a label with values from outside.
const MAX_POOLS: usize = 100;

/// What a [`Saturation`](super::Saturation) reads.
#[derive(Debug)]
pub(crate) struct Sources {
    runtimes: Vec<Runtime>,
    cgroup: Cgroup,
    pools: Mutex<Vec<Arc<Pool>>>,
    max_age: Duration,
    last: Mutex<Option<(Instant, Arc<Snapshot>)>>,
}

impl Sources {
    pub(crate) fn new(runtimes: Vec<Runtime>, cgroup: Cgroup, max_age: Duration) -> Self {
        Self { runtimes, cgroup, pools: Mutex::default(), max_age, last: Mutex::default() }
    }

    pub(crate) fn add_pool(&self, pool: Pool) -> Result<(), ConfigError> {
        let mut pools = lock(&self.pools);
        if pool.name.is_empty() {
            return Err(ConfigError::new(
                "pool.name",
                &pool.name,
                "a pool has a name, the value of the label `pool`",
                "name it after what it holds, such as `orders-db`",
            ));
        }
        if pools.iter().any(|other| other.name == pool.name) {
            return Err(ConfigError::new(
                "pool.name",
                &pool.name,
                "each pool has a name of its own",
                "rename one of the two",
            ));
        }
        if pools.len() >= MAX_POOLS {
            return Err(ConfigError::new(
                "pool.name",
                &pool.name,
                "at most 100 pools are watched",
                "report pools of one kind as one, with their sums",
            ));
        }
        pools.push(Arc::new(pool));
        drop(pools);
        // The next reading shows it, however young the last one is.
        *lock(&self.last) = None;
        Ok(())
    }

    /// The last reading, or a new one if it is too old.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let now = Instant::now();
        if let Some((taken, snapshot)) = &*lock(&self.last)
            && now.saturating_duration_since(*taken) < self.max_age
        {
            return Arc::clone(snapshot);
        }
        // Read without the lock: a pool's closure may ask for a snapshot itself.
        let snapshot = Arc::new(self.read());
        *lock(&self.last) = Some((now, Arc::clone(&snapshot)));
        snapshot
    }

    fn read(&self) -> Snapshot {
        let pools = lock(&self.pools).clone();
        let pools = pools.iter().filter_map(|pool| {
            Some(PoolSnapshot { name: pool.name.clone(), usage: pool.source.usage()? })
        });
        Snapshot {
            runtimes: self.runtimes.iter().map(Runtime::read).collect(),
            cgroup: self.cgroup.read(),
            pools: pools.collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
