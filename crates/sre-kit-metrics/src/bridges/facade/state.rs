//! What the recorders of one registry share: families by name, and series by key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, Histogram, Key};
use sre_kit_core::ConfigError;

use super::API;
use super::builder::BucketsByName;
use super::handles::{FacadeCounter, FacadeGauge, FacadeHistogram};
use crate::bridges::lookup::Lookup;
use crate::buckets::Buckets;
use crate::cells::CellOffset;
use crate::family::{Family, Number};
use crate::histogram::Histogram as KitHistogram;
use crate::labels::push_pair;
use crate::otlp::{AttributeType, OtlpFamily, label_name};
use crate::registry::Registry;
use crate::visit::{Desc, Kind};

/// The most keys per family whose handles are found without a lock.
const KEYS_PER_FAMILY: usize = 4;

/// Families by name, and handles by key.
pub(super) struct State {
    families: Mutex<HashMap<(String, Kind), Known>>,
    counters: Lookup<Key, Counter>,
    gauges: Lookup<Key, Gauge>,
    histograms: Lookup<Key, Histogram>,
}

/// A name that was used, or only described so far.
enum Known {
    Described(String),
    Refused,
    Family(Arc<Family>),
}

impl State {
    pub(super) fn new(registry: &Registry) -> Self {
        let max = registry.max_series_per_family().saturating_mul(KEYS_PER_FAMILY);
        Self {
            families: Mutex::default(),
            counters: Lookup::new(max),
            gauges: Lookup::new(max),
            histograms: Lookup::new(max),
        }
    }

    pub(super) fn describe(&self, name: &str, kind: Kind, help: &str) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        match families.get(&(name.to_owned(), kind)) {
            Some(Known::Family(family)) => family.describe(help),
            // The first description stays, as does the first help text of a family.
            Some(Known::Described(_) | Known::Refused) => {}
            None => {
                families.insert((name.to_owned(), kind), Known::Described(help.to_owned()));
            }
        }
    }

    #[inline]
    pub(super) fn counter(&self, registry: &Registry, key: &Key) -> Counter {
        if let Some(counter) = self.counters.get(self.counters.hash(key), |k| k == key) {
            return counter.clone();
        }
        self.create(
            registry,
            key,
            Kind::Counter,
            Number::Unsigned,
            None,
            &self.counters,
            |series| {
                series.map_or_else(Counter::noop, |(family, offset)| {
                    Counter::from_arc(Arc::new(FacadeCounter {
                        cells: Arc::clone(family.cells()),
                        offset,
                        absolute: Mutex::default(),
                    }))
                })
            },
        )
    }

    #[inline]
    pub(super) fn gauge(&self, registry: &Registry, key: &Key) -> Gauge {
        if let Some(gauge) = self.gauges.get(self.gauges.hash(key), |k| k == key) {
            return gauge.clone();
        }
        self.create(registry, key, Kind::Gauge, Number::Float, None, &self.gauges, |series| {
            series.map_or_else(Gauge::noop, |(family, offset)| {
                let cells = Arc::clone(family.cells());
                Gauge::from_arc(Arc::new(FacadeGauge { cells, offset }))
            })
        })
    }

    #[inline]
    pub(super) fn histogram(
        &self,
        registry: &Registry,
        key: &Key,
        buckets: &BucketsByName,
    ) -> Histogram {
        if let Some(histogram) = self.histograms.get(self.histograms.hash(key), |k| k == key) {
            return histogram.clone();
        }
        let buckets = buckets.of(key.name());
        let (kind, number) = (Kind::Histogram, Number::Float);
        self.create(registry, key, kind, number, Some(buckets), &self.histograms, |series| {
            let histogram = series.and_then(|(family, offset)| {
                let cells = Arc::clone(family.cells());
                KitHistogram::at(cells, offset, family.buckets()?.clone()).into()
            });
            histogram.map_or_else(Histogram::noop, |histogram| {
                Histogram::from_arc(Arc::new(FacadeHistogram(histogram)))
            })
        })
    }

    /// Creates the handle of a key that the table does not have, and keeps it there.
    #[cold]
    #[allow(clippy::too_many_arguments, reason = "one function creates handles of all three kinds")]
    fn create<H: Clone>(
        &self,
        registry: &Registry,
        key: &Key,
        kind: Kind,
        number: Number,
        buckets: Option<Buckets>,
        handles: &Lookup<Key, H>,
        handle: impl Fn(Option<(Arc<Family>, CellOffset)>) -> H,
    ) -> H {
        let family = self.family(registry, key, kind, number, buckets);
        let series = family.map(|family| {
            let offset = family.find_or_create(&label_text(key));
            (family, offset)
        });
        let full = series.as_ref().is_some_and(|(family, offset)| *offset == family.overflow());
        let handle = handle(series);
        if !full {
            handles.insert(handles.hash(key), key.to_retained(), handle.clone());
        }
        handle
    }

    /// Returns the family of a key, or `None` if it was refused.
    fn family(
        &self,
        registry: &Registry,
        key: &Key,
        kind: Kind,
        number: Number,
        buckets: Option<Buckets>,
    ) -> Option<Arc<Family>> {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let known = families
            .entry((key.name().to_owned(), kind))
            .or_insert_with(|| Known::Described(String::new()));
        let family = match known {
            Known::Family(family) => Some(Arc::clone(family)),
            Known::Refused => None,
            Known::Described(help) => match add(registry, key, kind, number, buckets, help) {
                Ok(family) => {
                    *known = Known::Family(Arc::clone(&family));
                    Some(family)
                }
                Err(error) => {
                    *known = Known::Refused;
                    registry.refuse(key.name(), API, &error);
                    None
                }
            },
        };
        drop(families);
        if let Some(family) = &family {
            let dotted = key.labels().any(|label| label_name(label.key()) != label.key());
            if dotted {
                registry.families().edit_otlp(family.name(), |otlp| {
                    for label in key.labels() {
                        otlp.add_attribute(label.key(), AttributeType::String);
                    }
                });
            }
        }
        family
    }
}

impl<V> Lookup<Key, V> {
    /// The key has computed its hash before, and without a seed.
    #[inline]
    fn hash(&self, key: &Key) -> u64 {
        self.hasher().word(key.get_hash()).finish()
    }
}

fn add(
    registry: &Registry,
    key: &Key,
    kind: Kind,
    number: Number,
    buckets: Option<Buckets>,
    help: &str,
) -> Result<Arc<Family>, ConfigError> {
    let otlp = OtlpFamily::new(key.name().to_owned(), kind, "");
    let family = otlp.received_as();
    let desc = Desc { name: family, help: help.to_owned(), kind };
    let family = registry.bridged_family(desc, number, buckets)?;
    registry.families().set_otlp(family.name(), otlp);
    Ok(family)
}

fn label_text(key: &Key) -> String {
    let mut labels: Vec<_> = key
        .labels()
        .map(|label| (crate::bridges::usable_label(label.key()), label.value()))
        .collect();
    labels.sort_unstable();
    // Of a label that occurs twice, the last value counts.
    let mut text = String::new();
    for (i, (name, value)) in labels.iter().enumerate() {
        if labels.get(i + 1).is_none_or(|(next, _)| next != name) {
            push_pair(&mut text, name, value);
        }
    }
    text
}
