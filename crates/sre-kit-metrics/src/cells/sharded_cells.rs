//! The cells of a registry, and those of one series in one shard.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::chunk::{CELLS_PER_LINE, CHUNK_CELLS, CellOffset, Chunk, Writer};
use super::once_vec::{MAX_LEN, OnceVec};
use super::shard_id::{ExclusiveShard, ShardId};
use super::thread_id;

/// The upper limit of shared shards. More would cost a scrape more than they save a writer.
const MAX_SHARED: usize = 8;

/// The most cells that one allocation can have.
const MAX_ALLOCATION: usize = CHUNK_CELLS;

/// The chunks of one shard. The alignment keeps two shards off one cache line.
#[repr(align(128))]
struct Shard {
    chunks: OnceVec<Arc<Chunk>>,
}

/// The cells of one series in one shard. Keeping them saves the lookup.
#[derive(Debug)]
pub struct ShardCells {
    chunk: Arc<Chunk>,
    offset: CellOffset,
    shard: ShardId,
}

impl ShardCells {
    /// Returns the shard of these cells.
    #[inline]
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// Returns a writer for the thread whose current shard is `shard`. It writes to these cells if
    /// that is their shard, and to the cells of the same series in `shard` otherwise.
    ///
    /// `cells` are the cells that this value was taken from.
    #[inline]
    pub fn writer<'a>(&'a self, cells: &'a ShardedCells, shard: ShardId) -> Writer<'a> {
        if shard == self.shard {
            return Writer::new(&self.chunk, self.offset, shard.is_exclusive());
        }
        cells.writer(self.offset, shard)
    }

    /// Returns a writer for the thread that exclusively owns this shard, without a check.
    #[inline]
    pub fn exclusive_writer(&self, proof: ExclusiveShard) -> Writer<'_> {
        debug_assert_eq!(proof.id(), self.shard, "the proof is for another shard");
        Writer::new(&self.chunk, self.offset, true)
    }
}

/// All cells of one registry.
pub struct ShardedCells {
    /// The exclusive shards, and the shared ones behind them.
    shards: Box<[Shard]>,
    exclusive: usize,
    free: Mutex<Free>,
}

/// Bump pointers. Short allocations are packed apart from long ones, which start on a line of
/// their own.
#[derive(Default)]
struct Free {
    next_chunk: usize,
    short: usize,
    short_end: usize,
    long: usize,
    long_end: usize,
}

impl ShardedCells {
    /// Creates cells for as many threads at work as this process may use cores.
    pub fn new() -> Self {
        Self::for_threads(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Creates cells for `workers` threads that work at the same time.
    ///
    /// Twice as many get an exclusive shard: a service has threads beside its workers, and some of
    /// them record first.
    pub fn for_threads(workers: usize) -> Self {
        Self::with_shards(workers.saturating_mul(2), workers)
    }

    fn with_shards(exclusive: usize, shared: usize) -> Self {
        let exclusive = exclusive.min(thread_id::EXCLUSIVE);
        let shared = shared.clamp(1, MAX_SHARED).next_power_of_two();
        let shards = (0..exclusive + shared).map(|_| Shard { chunks: OnceVec::new() }).collect();
        Self { shards, exclusive, free: Mutex::new(Free::default()) }
    }

    /// Returns the number of shards, used or not.
    #[inline]
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Returns the shard that the calling thread writes in.
    #[inline]
    pub fn current_shard(&self) -> ShardId {
        let thread = thread_id::current_or_allocate_id();
        if thread < self.exclusive {
            ShardId::new(thread, true)
        } else {
            // The number of shared shards is a power of two.
            let shared = self.shards.len() - self.exclusive;
            ShardId::new(self.exclusive + (thread & (shared - 1)), false)
        }
    }

    /// Returns the id of shard `index`.
    #[inline]
    pub fn shard_id(&self, index: usize) -> ShardId {
        ShardId::new(index, index < self.exclusive)
    }

    /// Allocates `len` cells, all zero.
    ///
    /// Returns `None` if the registry is full (some 67 million cells) or `len` is above 1 024.
    pub fn allocate(&self, len: usize) -> Option<CellOffset> {
        if len > MAX_ALLOCATION {
            return None;
        }
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = &mut *free;
        let long = len >= CELLS_PER_LINE / 2;
        let len = if long { len.next_multiple_of(CELLS_PER_LINE) } else { len };
        let (next, end) = if long {
            (&mut free.long, &mut free.long_end)
        } else {
            (&mut free.short, &mut free.short_end)
        };
        if *next + len > *end {
            if free.next_chunk >= MAX_LEN {
                return None;
            }
            *next = free.next_chunk * CHUNK_CELLS;
            *end = *next + CHUNK_CELLS;
            free.next_chunk += 1;
        }
        let offset = u32::try_from(*next).ok()?;
        *next += len;
        Some(CellOffset::from_index(offset))
    }

    /// Returns a writer to the cells at `offset` for the thread whose current shard is `shard`.
    #[inline]
    pub fn writer(&self, offset: CellOffset, shard: ShardId) -> Writer<'_> {
        Writer::new(self.chunk(offset, shard), offset, shard.is_exclusive())
    }

    /// Returns a writer to the one shard in which gauges are set: the first shared one. All other
    /// shards hold zeros at `offset`, so that the sum over the shards is the gauge.
    #[inline]
    pub(crate) fn gauge_writer(&self, offset: CellOffset) -> Writer<'_> {
        self.writer(offset, ShardId::new(self.exclusive, false))
    }

    /// Returns the cells at `offset` in one shard, to be kept: finding them again costs nothing.
    pub fn shard_cells(&self, offset: CellOffset, shard: ShardId) -> ShardCells {
        ShardCells { chunk: Arc::clone(self.chunk(offset, shard)), offset, shard }
    }

    #[inline]
    fn chunk(&self, offset: CellOffset, shard: ShardId) -> &Arc<Chunk> {
        self.shards[shard.index()]
            .chunks
            .get_or_init(offset.chunk(), || Arc::new(Chunk::new()))
            .expect("`allocate` returns offsets in chunks below the limit")
    }

    /// Adds the cells at `offset` of every shard to `sums`.
    ///
    /// Loads acquire: a cell that was added to with release order brings along every addition
    /// that happened before it, in whichever shard.
    pub fn sum_into(&self, offset: CellOffset, sums: &mut [u64]) {
        for shard in &self.shards {
            let Some(chunk) = shard.chunks.get(offset.chunk()) else { continue };
            for (sum, cell) in sums.iter_mut().zip(chunk.cells_from(offset)) {
                *sum = sum.wrapping_add(cell.load(Ordering::Acquire));
            }
        }
    }

    /// Returns the sum over all shards of a cell that holds the bits of a float.
    pub(crate) fn sum_floats(&self, offset: CellOffset, index: usize) -> f64 {
        self.shards.iter().filter_map(|shard| shard.chunks.get(offset.chunk())).fold(
            0.0,
            |sum, chunk| {
                let bits = chunk.cells_from(offset)[index].load(Ordering::Acquire);
                sum + f64::from_bits(bits)
            },
        )
    }

    /// Returns the sum over all shards of the cell `index` cells after `offset`.
    pub fn sum(&self, offset: CellOffset, index: usize) -> u64 {
        self.shards
            .iter()
            .filter_map(|shard| shard.chunks.get(offset.chunk()))
            .fold(0, |sum, chunk| {
                sum.wrapping_add(chunk.cells_from(offset)[index].load(Ordering::Acquire))
            })
    }
}

impl Default for ShardedCells {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ShardedCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedCells")
            .field("exclusive", &self.exclusive)
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::sync::atomic::Ordering;

    use super::{CELLS_PER_LINE, CHUNK_CELLS, CellOffset, MAX_ALLOCATION, ShardId, ShardedCells};

    #[test]
    fn allocations_never_overlap_and_never_leave_their_chunk() {
        let cells = ShardedCells::for_threads(2);
        let mut taken = std::collections::HashSet::new();
        for len in [1, 16, 3, 17, 1, 64, 7, 8, 1000, 1, 1024, 2].into_iter().cycle().take(600) {
            let first = cells.allocate(len).expect("far from full").index() as usize;
            assert_eq!(
                first / CHUNK_CELLS,
                (first + len - 1) / CHUNK_CELLS,
                "it lies in one chunk"
            );
            assert!(
                len < CELLS_PER_LINE / 2 || first.is_multiple_of(CELLS_PER_LINE),
                "a long allocation starts a line"
            );
            for cell in first..first + len {
                assert!(taken.insert(cell), "cell {cell} was handed out twice");
            }
        }
    }

    #[test]
    fn an_allocation_longer_than_a_chunk_is_refused() {
        assert_eq!(ShardedCells::for_threads(1).allocate(MAX_ALLOCATION + 1), None);
    }

    /// Threads come and go, so that shards change hands; more are alive than have
    /// an exclusive shard, so that the rest share. A lost addition shows.
    #[test]
    fn sums_equal_what_many_threads_added() {
        const ROUNDS: u64 = 5_000;
        for (exclusive, shared) in [(0, 1), (1, 1), (2, 2), (64, 8)] {
            let cells = Arc::new(ShardedCells::with_shards(exclusive, shared));
            let offset = cells.allocate(3).expect("empty");
            let lines: Vec<_> = (0..12)
                .map(|_| {
                    let cells = Arc::clone(&cells);
                    std::thread::spawn(move || {
                        for _ in 0..20 {
                            let cells = Arc::clone(&cells);
                            let one = std::thread::spawn(move || {
                                for i in 0..ROUNDS {
                                    let writer = cells.writer(offset, cells.current_shard());
                                    writer.add(usize::try_from(i % 3).unwrap_or(0), 1);
                                }
                            });
                            one.join().expect("adding does not panic");
                        }
                    })
                })
                .collect();
            for line in lines {
                line.join().expect("adding does not panic");
            }
            let mut sums = [0; 3];
            cells.sum_into(offset, &mut sums);
            assert_eq!(sums.iter().sum::<u64>(), 12 * 20 * ROUNDS, "{exclusive} exclusive shards");
            assert_eq!(cells.sum(offset, 0), sums[0]);
        }
    }

    #[test]
    fn kept_shard_cells_are_written_by_their_own_thread_only() {
        let cells = Arc::new(ShardedCells::with_shards(64, 1));
        let offset = cells.allocate(16).expect("empty");
        let mine = cells.current_shard();
        let kept = cells.shard_cells(offset, mine);
        kept.writer(&cells, mine).add(1, 5);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let theirs = cells.current_shard();
                assert_ne!(theirs, mine);
                kept.writer(&cells, theirs).add(1, 2);
                assert_eq!(cells.sum_in(offset, 1, theirs), 2);
            });
        });
        assert_eq!(cells.sum_in(offset, 1, mine), 5);
        assert_eq!(cells.sum(offset, 1), 7);
    }

    #[test]
    fn a_shard_is_exclusive_to_the_one_thread_that_owns_it() {
        let cells = ShardedCells::with_shards(64, 1);
        let mine = cells.current_shard();
        assert_eq!(cells.shard_id(mine.index()), mine);
        // If other tests hold every exclusive id, this thread got a shared one.
        assert_eq!(mine.if_exclusive().is_some(), mine.is_exclusive());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(mine.if_exclusive().is_none(), "before this thread has an id");
                let theirs = cells.current_shard();
                assert_eq!(theirs.if_exclusive().is_some(), theirs.is_exclusive());
                assert!(mine.if_exclusive().is_none(), "and after");
            });
        });
        let shared = ShardedCells::with_shards(0, 1).current_shard();
        assert!(shared.if_exclusive().is_none(), "others may write there at any time");
    }

    #[test]
    fn a_thread_that_records_nothing_holds_no_cells() {
        let cells = ShardedCells::for_threads(8);
        let offset = cells.allocate(16).expect("empty");
        cells.writer(offset, cells.current_shard()).add(0, 1);
        let touched = cells.shards.iter().filter(|shard| shard.chunks.get(0).is_some()).count();
        assert_eq!(touched, 1);
    }

    impl ShardedCells {
        fn sum_in(&self, offset: CellOffset, index: usize, shard: ShardId) -> u64 {
            self.chunk(offset, shard).cells_from(offset)[index].load(Ordering::Acquire)
        }
    }
}
