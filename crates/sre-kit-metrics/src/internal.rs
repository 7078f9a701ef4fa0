//! Items for the other crates of this workspace, which pin the exact version.
//!
//! They may change in any release.

use std::sync::Arc;

use crate::buckets::Buckets;
pub use crate::buckets::Scale;
pub use crate::cells::{
    CellOffset, ExclusiveShard, LINE, ShardCells, ShardId, ShardedCells, Writer,
};
pub use crate::exemplars::{Exemplars, Link};
pub use crate::family::{Family, OVERFLOW_LABEL};
pub use crate::handles::observe;
use crate::handles::{Counter, HistogramFamily};
pub use crate::labels::{pairs, push_pair};
use crate::registry::Registry;
pub use crate::visit::{Collect, Desc, Kind, Visitor};
use sre_kit_core::ConfigError;

/// What the other crates do with a [`Registry`] beyond its public methods.
pub trait RegistryInternals {
    /// Shows every family to `visitor`.
    fn visit(&self, visitor: &mut dyn Visitor);

    /// Shows the families whose names are `wanted`, where leaving the others out saves work: a
    /// visitor still has to look at the names it is given.
    fn visit_some(&self, wanted: impl Fn(&str) -> bool, visitor: &mut dyn Visitor);

    /// Registers a sharded family whose series are keyed by the caller.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    fn sharded(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError>;

    /// Registers a histogram family whose cells are parts of longer rows.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    fn adopted(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError>;

    /// Registers families that are collected together, under names that are reserved now.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed or taken.
    fn collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError>;

    /// Returns how many series a family may have.
    fn limit(&self) -> usize;

    /// Returns the cells of every family.
    fn cells(&self) -> &Arc<ShardedCells>;
}

impl RegistryInternals for Registry {
    fn visit(&self, visitor: &mut dyn Visitor) {
        self.visit(visitor);
    }

    fn visit_some(&self, wanted: impl Fn(&str) -> bool, visitor: &mut dyn Visitor) {
        self.visit_some(wanted, visitor);
    }

    fn sharded(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError> {
        self.sharded(name, help, kind, buckets)
    }

    fn adopted(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError> {
        self.adopted(name, help, buckets, overflow)
    }

    fn collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        self.collector(families, collector)
    }

    fn limit(&self) -> usize {
        self.limit()
    }

    fn cells(&self) -> &Arc<ShardedCells> {
        self.cells()
    }
}

/// What the other crates do with [`Buckets`] beyond its public methods.
pub trait BucketsInternals: Sized {
    /// Returns the bounds that OpenTelemetry advises for `http.server.request.duration`.
    fn http_duration() -> Self;

    /// Returns bounds for body sizes: 0, then powers of four from 64 B to 1 GiB.
    fn body_size() -> Self;

    /// Returns bounds for streams and upgraded connections, from 0.1 s to a day.
    fn stream_duration() -> Self;

    /// Returns the unit of what is recorded.
    fn scale(&self) -> Scale;

    /// Returns the inclusive upper bounds, in recorded units.
    fn bounds(&self) -> &[u64];

    /// Returns how many cells a histogram needs.
    fn row_len(&self) -> usize;

    /// Returns the cells that an observation of `value` adds to: its bucket and the sum.
    fn places(&self, value: u64) -> (usize, usize);
}

impl BucketsInternals for Buckets {
    fn http_duration() -> Self {
        Self::http_duration()
    }

    fn body_size() -> Self {
        Self::body_size()
    }

    fn stream_duration() -> Self {
        Self::stream_duration()
    }

    fn scale(&self) -> Scale {
        self.scale()
    }

    fn bounds(&self) -> &[u64] {
        self.bounds()
    }

    fn row_len(&self) -> usize {
        self.row_len()
    }

    #[inline]
    fn places(&self, value: u64) -> (usize, usize) {
        self.places(value)
    }
}

/// What the other crates do with a [`Counter`] beyond its public methods.
pub trait CounterInternals {
    /// Returns the counter's cell in one shard, to be kept: finding it again costs nothing.
    fn column(&self, place: ShardId) -> ShardCells;
}

impl CounterInternals for Counter {
    fn column(&self, place: ShardId) -> ShardCells {
        self.column(place)
    }
}

/// What the other crates do with a [`HistogramFamily`] beyond its public methods.
pub trait HistogramFamilyInternals {
    /// Records an integer as it is stored, and the span that it came from.
    fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>);
}

impl HistogramFamilyInternals for HistogramFamily {
    fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>) {
        self.observe_linked(label_values, value, link);
    }
}
