//! A synchronous instrument of one meter, and the series of its attributes.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundSyncInstrument, SyncInstrument};

use super::attributes::{hash, label_text, value_type};
use super::record::{Record, Series};
use crate::bridges::lookup::Lookup;
use crate::buckets::Buckets;
use crate::cells::{CellOffset, ShardedCells};
use crate::family::Family;
use crate::registry::Registry;

/// The orders in which the same attributes are given, of which so many per series are remembered.
const ORDERS: usize = 4;

/// The instrument. `R` says what a measurement does to the cells of its series.
pub(super) struct Instrument<R> {
    registry: Registry,
    family: Arc<Family>,
    scope: Arc<str>,
    /// The series without attributes.
    plain: OnceLock<CellOffset>,
    /// The series by their attributes in an order in which they were given.
    rows: Lookup<Box<[KeyValue]>, CellOffset>,
    record: PhantomData<fn() -> R>,
}

impl<R> Instrument<R> {
    pub(super) fn new(registry: Registry, family: Arc<Family>, scope: Arc<str>) -> Self {
        let max = registry.max_series_per_family().saturating_mul(ORDERS);
        let (plain, rows) = (OnceLock::new(), Lookup::new(max));
        Self { registry, family, scope, plain, rows, record: PhantomData }
    }

    /// Returns the series of these attributes.
    #[inline]
    fn row(&self, attributes: &[KeyValue]) -> CellOffset {
        if attributes.is_empty() {
            return *self.plain.get_or_init(|| self.family.find_or_create(&self.scope));
        }
        let hash = hash(self.rows.hasher(), attributes);
        match self.rows.get(hash, |given| **given == *attributes) {
            Some(offset) => *offset,
            None => self.create(hash, attributes),
        }
    }

    #[cold]
    fn create(&self, hash: u64, attributes: &[KeyValue]) -> CellOffset {
        let offset = self.family.find_or_create(&label_text(attributes, &self.scope));
        // The overflow series counts each observation, so what is in it is looked up again.
        if offset != self.family.overflow() {
            self.rows.insert(hash, attributes.into(), offset);
            self.registry.families().edit_otlp(self.family.name(), |otlp| {
                for KeyValue { key, value, .. } in attributes {
                    otlp.add_attribute(key.as_str(), value_type(value));
                }
            });
        }
        offset
    }
}

impl<T, R: Record<T>> SyncInstrument<T> for Instrument<R> {
    #[inline]
    fn measure(&self, measurement: T, attributes: &[KeyValue]) {
        R::record(self.family.series(self.row(attributes)), measurement);
    }

    fn bind(&self, attributes: &[KeyValue]) -> Box<dyn BoundSyncInstrument<T> + Send + Sync> {
        let (cells, buckets) = (Arc::clone(self.family.cells()), self.family.buckets().cloned());
        let offset = self.row(attributes);
        Box::new(Bound::<R> { cells, buckets, offset, record: PhantomData })
    }
}

/// An instrument that is bound to one series.
struct Bound<R> {
    cells: Arc<ShardedCells>,
    buckets: Option<Buckets>,
    offset: CellOffset,
    record: PhantomData<fn() -> R>,
}

impl<T, R: Record<T>> BoundSyncInstrument<T> for Bound<R> {
    #[inline]
    fn measure(&self, measurement: T) {
        let Self { cells, buckets, offset, .. } = self;
        R::record(Series { cells, buckets: buckets.as_ref(), offset: *offset }, measurement);
    }
}

impl Family {
    #[inline]
    fn series(&self, offset: CellOffset) -> Series<'_> {
        Series { cells: self.cells(), buckets: self.buckets(), offset }
    }
}
