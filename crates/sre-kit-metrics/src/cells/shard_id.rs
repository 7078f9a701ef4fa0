//! Ids of shards, and the proof that a thread owns one exclusively.

use std::marker::PhantomData;

use super::thread_id;

/// The shard that a thread writes in, and whether that thread owns it exclusively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShardId(u32);

impl ShardId {
    const EXCLUSIVE: u32 = 1 << 31;

    /// Creates the id of shard `index`, of which there are fewer than 2^31.
    #[inline]
    pub(super) fn new(index: usize, exclusive: bool) -> Self {
        #[allow(clippy::cast_possible_truncation)]
        let id = index as u32;
        Self(if exclusive { id | Self::EXCLUSIVE } else { id })
    }

    /// Returns the number of the shard, from 0.
    #[inline]
    pub fn index(self) -> usize {
        (self.0 & !Self::EXCLUSIVE) as usize
    }

    #[inline]
    pub(super) fn is_exclusive(self) -> bool {
        self.0 & Self::EXCLUSIVE != 0
    }

    /// Returns a proof if the calling thread owns this shard exclusively.
    #[inline]
    pub fn if_exclusive(self) -> Option<ExclusiveShard> {
        // A shared shard lacks the bit, and the id of a thread that has none yet does not fit.
        (thread_id::current_id() | Self::EXCLUSIVE as usize == self.0 as usize)
            .then_some(ExclusiveShard(self, PhantomData))
    }
}

/// Proof that the calling thread exclusively owns this shard.
///
/// It is `!Send` and never stored, so the proof cannot outlive the check.
#[derive(Clone, Copy, Debug)]
pub struct ExclusiveShard(ShardId, PhantomData<*const ()>);

impl ExclusiveShard {
    #[inline]
    pub(super) fn id(self) -> ShardId {
        self.0
    }
}
