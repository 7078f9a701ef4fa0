//! Sharded counters: each thread adds in a shard, and a scrape sums the shards.
//!
//! A shared atomic counter costs a cache-line transfer for every core that adds to it. Here each
//! thread adds in a shard of its own. A shard is cut into chunks that are allocated when first
//! touched, so a thread that never serves a route holds no cells for it, and a chunk is aligned so
//! that two shards never share a cache line.
//!
//! An exclusive shard, which one thread writes, is written by a load and a store, at a sixth of
//! the cost of an atomic addition. When the thread ends, the next one continues where it stopped.
//! The number of exclusive shards is bounded. Threads that find none free use the shared shards
//! behind them and add atomically.

mod chunk;
mod once_vec;
mod shard_id;
mod sharded_cells;
mod thread_id;

pub use chunk::{CELLS_PER_LINE, CellOffset, Writer};
pub use shard_id::{ExclusiveShard, ShardId};
pub use sharded_cells::{ShardCells, ShardedCells};
