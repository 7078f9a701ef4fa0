//! Items for the other crates of this workspace, which pin the exact version.
//!
//! They may change in any release.

use std::sync::Arc;

use sre_kit_core::ConfigError;

use crate::buckets::Buckets;
pub use crate::cells::{
    CELLS_PER_LINE, CellOffset, ExclusiveShard, ShardCells, ShardId, ShardedCells, Writer,
};
use crate::counter::Counter;
pub use crate::exemplars::{Exemplar, Exemplars, Link};
pub use crate::family::{Family, OVERFLOW_LABEL};
use crate::histogram::HistogramFamily;
pub use crate::histogram::observe;
pub use crate::labels::{pairs, push_pair};
pub use crate::native_buckets::Exponential;
pub use crate::otlp::{Attribute, AttributeType, AttributeValue, OtlpFamily, otlp_table};
use crate::registry::Registry;
pub use crate::scale::Scale;
pub use crate::visit::{Collect, Desc, Kind, Visitor};

/// The methods of a [`Registry`] for the other crates of this workspace.
pub trait RegistryInternals {
    /// Shows every family to `visitor`.
    fn visit(&self, visitor: &mut dyn Visitor);

    /// Shows the metrics of the `prometheus_client` crate to `visitor`, with their numbers and
    /// classic buckets.
    fn visit_foreign(&self, visitor: &mut dyn Visitor);

    /// Shows the families whose names `matches` accepts, where skipping the others saves work: the
    /// visitor still has to check the names that it gets.
    fn visit_matching(&self, matches: impl Fn(&str) -> bool, visitor: &mut dyn Visitor);

    /// Registers a sharded family whose series are keyed by the caller.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    fn sharded_family(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError>;

    /// Registers a histogram family whose cells are parts of longer allocations.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed or taken.
    fn adopted_family(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError>;

    /// Registers families that are read together, under names that are reserved now.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed or taken.
    fn register_collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError>;

    /// Returns a family in the terms of OpenTelemetry: of the table of the kit's metrics, as
    /// another API created it, or inferred from its name.
    fn otlp_family(&self, desc: &Desc) -> Arc<OtlpFamily>;

    /// Returns how many series a family can have.
    fn max_series_per_family(&self) -> usize;

    /// Returns the cells of every family.
    fn cells(&self) -> &Arc<ShardedCells>;

    /// Returns a clone of the value of type `T` that the registry keeps. `create` makes it if
    /// there is none yet. `create` can register families and must not call this method.
    ///
    /// # Errors
    ///
    /// Returns the error of `create`.
    fn get_or_try_init<T, E>(&self, create: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Clone + Send + 'static;
}

impl RegistryInternals for Registry {
    fn visit(&self, visitor: &mut dyn Visitor) {
        self.visit(visitor);
    }

    fn visit_foreign(&self, visitor: &mut dyn Visitor) {
        self.visit_foreign(visitor);
    }

    fn visit_matching(&self, matches: impl Fn(&str) -> bool, visitor: &mut dyn Visitor) {
        self.visit_matching(matches, visitor);
    }

    fn sharded_family(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError> {
        self.sharded_family(name, help, kind, buckets)
    }

    fn adopted_family(
        &self,
        name: &str,
        help: &str,
        buckets: Buckets,
        overflow: CellOffset,
    ) -> Result<Arc<Family>, ConfigError> {
        self.adopted_family(name, help, buckets, overflow)
    }

    fn register_collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        self.register_collector(families, collector)
    }

    fn otlp_family(&self, desc: &Desc) -> Arc<OtlpFamily> {
        self.otlp_family(desc)
    }

    fn max_series_per_family(&self) -> usize {
        self.max_series_per_family()
    }

    #[inline]
    fn cells(&self) -> &Arc<ShardedCells> {
        self.cells()
    }

    fn get_or_try_init<T, E>(&self, create: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Clone + Send + 'static,
    {
        self.extensions().get_or_try_init(create)
    }
}

/// The methods of [`Buckets`] for the other crates of this workspace.
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
    fn cell_count(&self) -> usize;

    /// Returns the cells that an observation of `value` adds to: its bucket and the sum.
    fn bucket_and_sum(&self, value: u64) -> (usize, usize);

    /// Returns the native buckets as OpenTelemetry's exponential histogram, if there are any.
    /// `cells` are those that a [`Visitor`] gets.
    fn exponential(&self, cells: &[u64]) -> Option<Exponential>;
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

    #[inline]
    fn scale(&self) -> Scale {
        self.scale()
    }

    #[inline]
    fn bounds(&self) -> &[u64] {
        self.bounds()
    }

    fn cell_count(&self) -> usize {
        self.cell_count()
    }

    #[inline]
    fn bucket_and_sum(&self, value: u64) -> (usize, usize) {
        self.bucket_and_sum(value)
    }

    fn exponential(&self, cells: &[u64]) -> Option<Exponential> {
        self.native()?.exponential(cells.get(self.bounds().len() + 2..)?)
    }
}

/// The methods of a [`Counter`] for the other crates of this workspace.
pub trait CounterInternals {
    /// Returns the counter's cell in one shard, to be kept: finding it again costs nothing.
    fn shard_cells(&self, shard: ShardId) -> ShardCells;
}

impl CounterInternals for Counter {
    fn shard_cells(&self, shard: ShardId) -> ShardCells {
        self.shard_cells(shard)
    }
}

/// The methods of a [`HistogramFamily`] for the other crates of this workspace.
pub trait HistogramFamilyInternals {
    /// Records an integer as it is stored, and the span that it came from.
    fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>);
}

impl HistogramFamilyInternals for HistogramFamily {
    fn observe_linked(&self, label_values: &[&str], value: u64, link: Option<Link>) {
        self.observe_linked(label_values, value, link);
    }
}
