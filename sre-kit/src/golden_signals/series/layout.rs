//! The layout of the cells of one route, method and scheme, and the bounds of the histograms.

use sre_kit_metrics::internal::{BucketsInternals as _, CELLS_PER_LINE, CellOffset, Scale};

use super::request_counts::CELLS;
use crate::ConfigError;
use crate::metrics::Buckets;

/// The offsets of the parts within the cells of one route, method and scheme.
///
/// The [request counts](super::RequestCounts) and three histograms lie in one row of cells, each on
/// cache lines of its own. A request therefore looks its cells up once at its start, once at its
/// head and once at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellLayout {
    pub(crate) to_headers: usize,
    pub(crate) request_size: usize,
    pub(crate) response_size: usize,
    pub(super) len: usize,
}

impl CellLayout {
    pub(super) fn new(bounds: &BucketBounds) -> Self {
        let to_headers = CELLS.next_multiple_of(CELLS_PER_LINE);
        let request_size =
            to_headers + bounds.duration.cell_count().next_multiple_of(CELLS_PER_LINE);
        let response_size =
            request_size + bounds.size.cell_count().next_multiple_of(CELLS_PER_LINE);
        let len = response_size + bounds.size.cell_count();
        Self { to_headers, request_size, response_size, len }
    }

    /// Returns the offset of the part that begins `cells` after `start`.
    pub(super) fn part(start: CellOffset, cells: usize) -> CellOffset {
        // The cells of a route fit into one chunk of 1 024 cells.
        start.plus(u32::try_from(cells).unwrap_or(0))
    }
}

/// The bucket bounds of the histograms of a layer.
#[derive(Clone, Debug)]
pub(crate) struct BucketBounds {
    pub(crate) duration: Buckets,
    pub(crate) size: Buckets,
    pub(crate) stream: Buckets,
}

impl BucketBounds {
    /// Checks that durations have bounds in seconds and sizes have bounds in whole units.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (field, buckets, scale, advice) in [
            ("duration_buckets", &self.duration, Scale::Nanos, "make them with `Buckets::seconds`"),
            ("body_size_buckets", &self.size, Scale::Ones, "make them with `Buckets::units`"),
        ] {
            if buckets.scale() != scale {
                return Err(ConfigError::new(
                    field,
                    buckets,
                    "the bounds are of another unit than the histogram",
                    advice,
                ));
            }
        }
        Ok(())
    }
}
