//! Sharded counters: one column of cells per thread, one row per series.
//!
//! A shared atomic counter costs a cache-line transfer for every core that adds
//! to it. Here each thread adds in a column of its own, and a scrape sums the
//! columns. A column is cut into chunks that are made when first touched, so a
//! thread that never serves a route holds no cells for it, and a chunk is aligned
//! so that two columns never share a cache line.
//!
//! A column that one thread has to itself is written by a load and a store, at a
//! sixth of the cost of an atomic addition; when the thread ends, the next one
//! goes on where it stopped. There is a bounded number of such columns. Threads
//! that find none free share the columns behind them and add atomically.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::slots::{MAX_SLOTS, Slots};
use super::threads;

/// ShardedCells in one chunk: 8 KiB.
const CHUNK: usize = 1024;

/// ShardedCells in two cache lines, the unit that adjacent-line prefetch moves.
pub const LINE: usize = 16;

/// More shared columns than this cost a scrape more than they save a writer.
const MAX_SHARED: usize = 8;

/// The longest row that can be had.
pub const MAX_ROW: usize = CHUNK;

#[repr(align(128))]
struct Chunk {
    cells: [AtomicU64; CHUNK],
}

#[repr(align(128))]
struct Shard {
    chunks: Slots<Arc<Chunk>>,
}

/// Where the cells of one series lie, in every column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellOffset(u32);

impl CellOffset {
    pub fn index(self) -> u32 {
        self.0
    }

    pub fn from_index(index: u32) -> Self {
        Self(index)
    }

    fn offset(self) -> usize {
        self.0 as usize % CHUNK
    }

    /// The row that begins `cells` further on, within the same taken row.
    pub fn part(self, cells: u32) -> Self {
        Self(self.0 + cells)
    }
}

/// The column that a thread writes in, and whether it has it to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardId(u32);

impl ShardId {
    const OWN: u32 = 1 << 31;

    #[inline]
    pub fn column(self) -> usize {
        (self.0 & !Self::OWN) as usize
    }

    #[inline]
    fn is_own(self) -> bool {
        self.0 & Self::OWN != 0
    }

    /// Some where the calling thread has this column to itself.
    #[inline]
    pub fn if_exclusive(self) -> Option<ExclusiveShard> {
        // A shared column lacks the bit, and no number that is unknown fits in here.
        (threads::current_id() | Self::OWN as usize == self.0 as usize)
            .then_some(ExclusiveShard(self, PhantomData))
    }
}

/// Says that the calling thread has the column of this place to itself. Not sent
/// and not kept: it is true where it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct ExclusiveShard(ShardId, PhantomData<*const ()>);

/// The cells of one row in one column, held on to.
pub struct ShardCells {
    chunk: Arc<Chunk>,
    row: CellOffset,
    place: ShardId,
}

impl ShardCells {
    /// Which column it lies in.
    pub fn place(&self) -> ShardId {
        self.place
    }

    /// To be added to by the thread at `here`: in this column where it is its own.
    ///
    /// `cells` are those that the column is part of.
    #[inline]
    pub fn writer<'a>(&'a self, cells: &'a ShardedCells, here: ShardId) -> Writer<'a> {
        if here == self.place {
            return Writer::new(&self.chunk, self.row, here.is_own());
        }
        cells.writer(self.row, here)
    }

    /// The same where that is known already: nothing is left to be looked at.
    #[inline]
    pub fn exclusive_writer(&self, home: ExclusiveShard) -> Writer<'_> {
        debug_assert_eq!(home.0, self.place, "asked of another column");
        Writer::new(&self.chunk, self.row, true)
    }
}

/// The cells of one row, for the thread that asked for them to add to.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    cells: &'a [AtomicU64; CHUNK],
    first: usize,
    own: bool,
}

impl<'a> Writer<'a> {
    #[inline]
    fn new(chunk: &'a Chunk, row: CellOffset, own: bool) -> Self {
        Self { cells: &chunk.cells, first: row.offset(), own }
    }

    /// Adds `n` to the cell at `offset`.
    #[inline]
    pub fn add(self, offset: usize, n: u64) {
        self.add_ordered(offset, n, Ordering::Relaxed);
    }

    /// The same, with what came before made visible to whoever reads the sum.
    #[inline]
    pub fn add_release(self, offset: usize, n: u64) {
        self.add_ordered(offset, n, Ordering::Release);
    }

    #[inline]
    fn add_ordered(self, offset: usize, n: u64, order: Ordering) {
        // A row lies in its chunk, which the compiler cannot know: the remainder
        // changes nothing and costs less than a bound that is checked.
        let cell = &self.cells[(self.first + offset) % CHUNK];
        if self.own {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), order);
        } else {
            cell.fetch_add(n, order);
        }
    }
}

/// All cells of one registry.
pub struct ShardedCells {
    /// Those that one thread has to itself, and behind them the shared ones.
    columns: Box<[Shard]>,
    own: usize,
    free: Mutex<Free>,
}

/// Bump pointers. Short rows are packed apart from long ones, which start on a
/// line of their own.
#[derive(Default)]
struct Free {
    next_chunk: usize,
    short: usize,
    short_end: usize,
    long: usize,
    long_end: usize,
}

impl ShardedCells {
    /// For as many threads at work as this process may use cores.
    pub fn new() -> Self {
        Self::for_threads(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// For `workers` threads at work at once. Twice as many find a column of their
    /// own: a service has threads beside its workers, and some of them come first.
    pub fn for_threads(workers: usize) -> Self {
        Self::with_columns(workers.saturating_mul(2), workers)
    }

    fn with_columns(own: usize, shared: usize) -> Self {
        let own = own.min(threads::EXCLUSIVE);
        let shared = shared.clamp(1, MAX_SHARED).next_power_of_two();
        let columns = (0..own + shared).map(|_| Shard { chunks: Slots::new() }).collect();
        Self { columns, own, free: Mutex::new(Free::default()) }
    }

    /// How many columns there can be.
    pub fn shard_count(&self) -> usize {
        self.columns.len()
    }

    /// Where the calling thread writes.
    #[inline]
    pub fn current_shard(&self) -> ShardId {
        let number = threads::current_or_allocate_id();
        // There are fewer than 2^31 columns.
        #[allow(clippy::cast_possible_truncation)]
        if number < self.own {
            ShardId(number as u32 | ShardId::OWN)
        } else {
            let shared = self.columns.len() - self.own;
            ShardId((self.own + (number & (shared - 1))) as u32)
        }
    }

    /// The place of a column.
    pub fn place(&self, column: usize) -> ShardId {
        // There are fewer than 2^31 columns.
        #[allow(clippy::cast_possible_truncation)]
        let number = column as u32;
        ShardId(if column < self.own { number | ShardId::OWN } else { number })
    }

    /// Takes a row of `len` cells, all zero. `None` when the registry is full
    /// (some 67 million cells) or `len` is above [`MAX_ROW`].
    pub fn take_row(&self, len: usize) -> Option<CellOffset> {
        if len > MAX_ROW {
            return None;
        }
        let mut free = self.free.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let free = &mut *free;
        let long = len >= LINE / 2;
        let len = if long { len.next_multiple_of(LINE) } else { len };
        let (next, end) = if long {
            (&mut free.long, &mut free.long_end)
        } else {
            (&mut free.short, &mut free.short_end)
        };
        if *next + len > *end {
            if free.next_chunk >= MAX_SLOTS {
                return None;
            }
            *next = free.next_chunk * CHUNK;
            *end = *next + CHUNK;
            free.next_chunk += 1;
        }
        let row = u32::try_from(*next).ok()?;
        *next += len;
        Some(CellOffset(row))
    }

    /// The cells of `row` for the thread at `here`.
    #[inline]
    pub fn writer(&self, row: CellOffset, here: ShardId) -> Writer<'_> {
        Writer::new(self.chunk(row, here), row, here.is_own())
    }

    /// The cells of `row` in one column, to be kept: finding them again is free.
    pub fn column(&self, row: CellOffset, place: ShardId) -> ShardCells {
        ShardCells { chunk: Arc::clone(self.chunk(row, place)), row, place }
    }

    #[inline]
    fn chunk(&self, row: CellOffset, place: ShardId) -> &Arc<Chunk> {
        self.columns[place.column()]
            .chunks
            .get_or_init(row.0 as usize / CHUNK, || {
                Arc::new(Chunk { cells: [const { AtomicU64::new(0) }; CHUNK] })
            })
            .expect("`take_row` hands out rows of chunks below the bound")
    }

    /// Adds every column of `row` into `sums`.
    ///
    /// Loads acquire: a cell that was added with release order brings along
    /// every addition that happened before it, in whichever column.
    pub fn sum_into(&self, row: CellOffset, sums: &mut [u64]) {
        let index = row.0 as usize;
        for shard in &self.columns {
            let Some(chunk) = shard.chunks.get(index / CHUNK) else { continue };
            for (sum, cell) in sums.iter_mut().zip(&chunk.cells[index % CHUNK..]) {
                *sum = sum.wrapping_add(cell.load(Ordering::Acquire));
            }
        }
    }

    /// The sum of one cell over all columns.
    pub fn sum(&self, row: CellOffset, offset: usize) -> u64 {
        let index = row.0 as usize;
        self.columns.iter().filter_map(|shard| shard.chunks.get(index / CHUNK)).fold(
            0,
            |sum, chunk| {
                sum.wrapping_add(chunk.cells[index % CHUNK + offset].load(Ordering::Acquire))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::sync::atomic::Ordering;

    use super::{CHUNK, LINE, MAX_ROW, ShardedCells};

    #[test]
    fn rows_never_overlap_and_never_leave_their_chunk() {
        let cells = ShardedCells::for_threads(2);
        let mut taken = std::collections::HashSet::new();
        for len in [1, 16, 3, 17, 1, 64, 7, 8, 1000, 1, 1024, 2].into_iter().cycle().take(600) {
            let row = cells.take_row(len).expect("far from full").index() as usize;
            assert_eq!(row / CHUNK, (row + len - 1) / CHUNK, "a row lies in one chunk");
            assert!(len < LINE / 2 || row.is_multiple_of(LINE), "a long row starts a line");
            for cell in row..row + len {
                assert!(taken.insert(cell), "cell {cell} was handed out twice");
            }
        }
    }

    #[test]
    fn a_row_longer_than_a_chunk_is_refused() {
        assert_eq!(ShardedCells::for_threads(1).take_row(MAX_ROW + 1), None);
    }

    /// Threads come and go, so that columns change hands; more are alive than have
    /// a column of their own, so that the rest share. A lost addition shows.
    #[test]
    fn sums_equal_what_many_threads_added() {
        const ROUNDS: u64 = 5_000;
        for (own, shared) in [(0, 1), (1, 1), (2, 2), (64, 8)] {
            let cells = Arc::new(ShardedCells::with_columns(own, shared));
            let row = cells.take_row(3).expect("empty");
            let lines: Vec<_> = (0..12)
                .map(|_| {
                    let cells = Arc::clone(&cells);
                    std::thread::spawn(move || {
                        for _ in 0..20 {
                            let cells = Arc::clone(&cells);
                            let one = std::thread::spawn(move || {
                                for i in 0..ROUNDS {
                                    let writer = cells.writer(row, cells.current_shard());
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
            cells.sum_into(row, &mut sums);
            assert_eq!(sums.iter().sum::<u64>(), 12 * 20 * ROUNDS, "{own} own columns");
            assert_eq!(cells.sum(row, 0), sums[0]);
        }
    }

    #[test]
    fn a_column_that_was_kept_is_written_by_its_own_thread_only() {
        let cells = Arc::new(ShardedCells::with_columns(64, 1));
        let row = cells.take_row(16).expect("empty");
        let here = cells.current_shard();
        let column = cells.column(row, here);
        column.writer(&cells, here).add(1, 5);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let there = cells.current_shard();
                assert_ne!(there, here);
                column.writer(&cells, there).add(1, 2);
                assert_eq!(cells.sum_in(row, 1, there), 2);
            });
        });
        assert_eq!(cells.sum_in(row, 1, here), 5);
        assert_eq!(cells.sum(row, 1), 7);
    }

    #[test]
    fn a_place_is_home_to_the_one_thread_that_has_it_alone() {
        let cells = ShardedCells::with_columns(64, 1);
        let here = cells.current_shard();
        assert_eq!(cells.place(here.column()), here);
        // Where other tests hold every number, there is none to be had alone.
        assert_eq!(here.if_exclusive().is_some(), here.is_own());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(here.if_exclusive().is_none(), "before this thread has a number");
                let there = cells.current_shard();
                assert_eq!(there.if_exclusive().is_some(), there.is_own());
                assert!(here.if_exclusive().is_none(), "and after");
            });
        });
        let shared = ShardedCells::with_columns(0, 1).current_shard();
        assert!(shared.if_exclusive().is_none(), "others may write there at any time");
    }

    #[test]
    fn a_thread_that_records_nothing_holds_no_cells() {
        let cells = ShardedCells::for_threads(8);
        let row = cells.take_row(16).expect("empty");
        cells.writer(row, cells.current_shard()).add(0, 1);
        let touched = cells.columns.iter().filter(|c| c.chunks.get(0).is_some()).count();
        assert_eq!(touched, 1);
    }

    impl ShardedCells {
        fn sum_in(&self, row: super::CellOffset, offset: usize, place: super::ShardId) -> u64 {
            self.chunk(row, place).cells[row.offset() + offset].load(Ordering::Acquire)
        }
    }
}
