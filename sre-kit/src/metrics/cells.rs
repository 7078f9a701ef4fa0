//! Sharded counters: one column of cells per shard, one row per series.
//!
//! A shared atomic counter costs a cache-line transfer for every core that adds
//! to it. Here each thread adds in the column of its own shard, and a scrape
//! sums the columns. A column is cut into chunks that are made when first
//! touched, so a shard that never serves a route holds no cells for it, and a
//! chunk is aligned so that two columns never share a cache line.
//!
//! Additions are atomic read-modify-writes, so two threads that share a shard
//! (more threads than shards, or a thread that ended) lose nothing.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::slots::{MAX_SLOTS, Slots};

/// Cells in one chunk: 8 KiB.
const CHUNK: usize = 1024;

/// Cells in two cache lines, the unit that adjacent-line prefetch moves.
const LINE: usize = 16;

/// More shards than this cost a scrape more than they save a writer.
const MAX_SHARDS: usize = 64;

/// The longest row that can be had.
pub(crate) const MAX_ROW: usize = CHUNK;

#[repr(align(128))]
struct Chunk {
    cells: [AtomicU64; CHUNK],
}

#[repr(align(128))]
struct Shard {
    chunks: Slots<Box<Chunk>>,
}

/// Where the cells of one series lie, in every column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row(u32);

impl Row {
    pub(crate) fn index(self) -> u32 {
        self.0
    }

    pub(crate) fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// All cells of one registry.
pub(crate) struct Cells {
    shards: Box<[Shard]>,
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

impl Cells {
    /// One shard per core that this process may use.
    pub(crate) fn new() -> Self {
        Self::with_shards(std::thread::available_parallelism().map_or(1, usize::from))
    }

    pub(crate) fn with_shards(wanted: usize) -> Self {
        let count = wanted.clamp(1, MAX_SHARDS).next_power_of_two();
        let shards = (0..count).map(|_| Shard { chunks: Slots::new() }).collect();
        Self { shards, free: Mutex::new(Free::default()) }
    }

    /// The number of shards, a power of two.
    pub(crate) fn shard_count(&self) -> usize {
        self.shards.len()
    }

    /// Takes a row of `len` cells, all zero. `None` when the registry is full
    /// (some 67 million cells) or `len` is above [`MAX_ROW`].
    pub(crate) fn take_row(&self, len: usize) -> Option<Row> {
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
        Some(Row(row))
    }

    /// The cells of `row` in the column of the calling thread.
    #[inline]
    pub(crate) fn row(&self, row: Row) -> &[AtomicU64] {
        self.row_in(row, self.my_shard())
    }

    /// The same, where the caller already knows its shard.
    #[inline]
    pub(crate) fn row_in(&self, row: Row, shard: usize) -> &[AtomicU64] {
        let index = row.0 as usize;
        let chunk =
            self.shards[shard & (self.shards.len() - 1)].chunks.get_or_init(index / CHUNK, || {
                Box::new(Chunk { cells: [const { AtomicU64::new(0) }; CHUNK] })
            });
        match chunk {
            Some(chunk) => &chunk.cells[index % CHUNK..],
            // A row was handed out by `take_row`, whose chunks are below the bound.
            None => &[],
        }
    }

    /// The shard that the calling thread adds in.
    #[inline]
    pub(crate) fn my_shard(&self) -> usize {
        thread_number() & (self.shards.len() - 1)
    }

    /// Adds every column of `row` into `sums`.
    ///
    /// Loads acquire: a cell that was added with release order brings along
    /// every addition that happened before it, in whichever column.
    pub(crate) fn sum_into(&self, row: Row, sums: &mut [u64]) {
        let index = row.0 as usize;
        for shard in &self.shards {
            let Some(chunk) = shard.chunks.get(index / CHUNK) else { continue };
            for (sum, cell) in sums.iter_mut().zip(&chunk.cells[index % CHUNK..]) {
                *sum = sum.wrapping_add(cell.load(Ordering::Acquire));
            }
        }
    }

    /// The sum of one cell over all columns.
    pub(crate) fn sum(&self, row: Row, offset: usize) -> u64 {
        let index = row.0 as usize;
        self.shards.iter().filter_map(|shard| shard.chunks.get(index / CHUNK)).fold(
            0,
            |sum, chunk| {
                sum.wrapping_add(chunk.cells[index % CHUNK + offset].load(Ordering::Acquire))
            },
        )
    }
}

/// Adds one. Relaxed: a lone counter orders nothing.
#[inline]
pub(crate) fn add(cell: Option<&AtomicU64>, n: u64) {
    if let Some(cell) = cell {
        cell.fetch_add(n, Ordering::Relaxed);
    }
}

/// Numbers threads in the order in which they first record something.
///
/// Process-wide on purpose: it names threads, it holds no measurement.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        let n = number.get();
        if n != usize::MAX {
            return n;
        }
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        number.set(n);
        n
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CHUNK, Cells, LINE, MAX_ROW, add};

    #[test]
    fn rows_never_overlap_and_never_leave_their_chunk() {
        let cells = Cells::with_shards(2);
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
        assert_eq!(Cells::with_shards(1).take_row(MAX_ROW + 1), None);
    }

    #[test]
    fn sums_equal_what_many_threads_added() {
        let cells = Arc::new(Cells::with_shards(4));
        let row = cells.take_row(3).expect("empty");
        // More threads than shards: some share a column and must not lose a count.
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let cells = Arc::clone(&cells);
                std::thread::spawn(move || {
                    for i in 0..10_000 {
                        add(cells.row(row).get(i % 3), 1);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("adding does not panic");
        }
        let mut sums = [0; 3];
        cells.sum_into(row, &mut sums);
        assert_eq!(sums.iter().sum::<u64>(), 160_000);
        assert_eq!(cells.sum(row, 0), sums[0]);
    }

    #[test]
    fn a_shard_that_records_nothing_holds_no_cells() {
        let cells = Cells::with_shards(8);
        let row = cells.take_row(16).expect("empty");
        add(cells.row_in(row, 3).first(), 1);
        let touched = cells.shards.iter().filter(|s| s.chunks.get(0).is_some()).count();
        assert_eq!(touched, 1);
    }
}
