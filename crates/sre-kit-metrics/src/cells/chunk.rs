//! Chunks of cells, offsets into them, and the writer that adds to them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cells in one chunk: 8 KiB.
pub(super) const CHUNK_CELLS: usize = 1024;

/// The number of cells in two cache lines, the unit that adjacent-line prefetch moves.
pub const CELLS_PER_LINE: usize = 16;

/// An allocation unit of one shard.
#[repr(align(128))]
pub(super) struct Chunk {
    cells: [AtomicU64; CHUNK_CELLS],
}

impl Chunk {
    pub(super) fn new() -> Self {
        Self { cells: [const { AtomicU64::new(0) }; CHUNK_CELLS] }
    }

    /// Returns the cells from `offset` to the end of the chunk.
    #[inline]
    pub(super) fn cells_from(&self, offset: CellOffset) -> &[AtomicU64] {
        &self.cells[offset.in_chunk()..]
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").finish_non_exhaustive()
    }
}

/// The position of the first cell of one series. It is valid in every shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CellOffset(u32);

impl CellOffset {
    /// Returns the offset as an integer that [`from_index`](Self::from_index) takes.
    #[inline]
    pub fn index(self) -> u32 {
        self.0
    }

    /// Creates an offset from what [`index`](Self::index) returned.
    #[inline]
    pub fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// Returns the offset that lies `cells` further on, within the same allocation.
    #[inline]
    #[must_use]
    pub fn plus(self, cells: u32) -> Self {
        Self(self.0 + cells)
    }

    /// Returns the number of the chunk.
    #[inline]
    pub(super) fn chunk(self) -> usize {
        self.0 as usize / CHUNK_CELLS
    }

    #[inline]
    fn in_chunk(self) -> usize {
        self.0 as usize % CHUNK_CELLS
    }
}

/// Adds to the cells of one series, for the thread that asked for the writer.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    cells: &'a [AtomicU64; CHUNK_CELLS],
    first: usize,
    exclusive: bool,
}

impl<'a> Writer<'a> {
    /// Creates a writer. `exclusive` says that no other thread writes this chunk.
    #[inline]
    pub(super) fn new(chunk: &'a Chunk, offset: CellOffset, exclusive: bool) -> Self {
        Self { cells: &chunk.cells, first: offset.in_chunk(), exclusive }
    }

    /// Adds `n` to the cell `index` cells after the first one.
    #[inline]
    pub fn add(self, index: usize, n: u64) {
        self.add_ordered(index, n, Ordering::Relaxed);
    }

    /// Adds `n` with release order: a reader whose sum includes this addition also sees every
    /// addition that this thread made before it.
    #[inline]
    pub fn add_release(self, index: usize, n: u64) {
        self.add_ordered(index, n, Ordering::Release);
    }

    /// Adds `value` to a cell that holds the bits of a float.
    #[inline]
    pub(crate) fn add_float(self, index: usize, value: f64) {
        let cell = &self.cells[(self.first + index) % CHUNK_CELLS];
        let sum = |bits| (f64::from_bits(bits) + value).to_bits();
        if self.exclusive {
            cell.store(sum(cell.load(Ordering::Relaxed)), Ordering::Relaxed);
        } else {
            // It always returns `Some`, so this cannot fail.
            let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| Some(sum(bits)));
        }
    }

    /// Replaces the value of a cell. Only a writer to the shard of the gauges may do so: each
    /// other shard has one more part of the sum.
    #[inline]
    pub(crate) fn set(self, index: usize, value: u64) {
        debug_assert!(!self.exclusive, "gauges lie in a shared shard");
        self.cells[(self.first + index) % CHUNK_CELLS].store(value, Ordering::Relaxed);
    }

    #[inline]
    fn add_ordered(self, index: usize, n: u64, order: Ordering) {
        // An allocation lies in one chunk, which the compiler cannot know: the remainder changes
        // nothing and costs less than a bounds check.
        let cell = &self.cells[(self.first + index) % CHUNK_CELLS];
        if self.exclusive {
            // No other thread writes this cell, so load and store lose nothing.
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(n), order);
        } else {
            cell.fetch_add(n, order);
        }
    }
}
