//! References to the semaphore, one per shard.

use std::sync::Arc;

use sre_kit_metrics::internal::ShardedCells;

use super::semaphore::Semaphore;

/// A reference to the semaphore, with a reference count of its own for each shard.
///
/// Requests on different cores clone it without writing the same cache line.
#[derive(Clone)]
pub(super) struct SemaphoreHandle(Arc<Aligned>);

#[repr(align(128))]
struct Aligned(Arc<Semaphore>);

impl SemaphoreHandle {
    fn new(semaphore: &Arc<Semaphore>) -> Self {
        Self(Arc::new(Aligned(Arc::clone(semaphore))))
    }

    #[inline]
    pub(super) fn semaphore(&self) -> &Semaphore {
        &self.0.0
    }
}

/// The handles of one semaphore, one per shard.
pub(super) struct ShardedHandles {
    semaphore: Arc<Semaphore>,
    shards: Box<[SemaphoreHandle]>,
    cells: Arc<ShardedCells>,
}

impl ShardedHandles {
    pub(super) fn new(semaphore: Semaphore, cells: Arc<ShardedCells>) -> Self {
        let semaphore = Arc::new(semaphore);
        let shards = (0..cells.shard_count()).map(|_| SemaphoreHandle::new(&semaphore)).collect();
        Self { semaphore, shards, cells }
    }

    pub(super) fn semaphore(&self) -> &Semaphore {
        &self.semaphore
    }

    /// Returns the handle of the shard of the calling thread.
    #[inline]
    pub(super) fn of_current_shard(&self) -> &SemaphoreHandle {
        &self.shards[self.cells.current_shard().index()]
    }
}
