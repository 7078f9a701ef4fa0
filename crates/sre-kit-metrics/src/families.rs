//! The families of a registry, and the names that they reserve.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sre_kit_core::ConfigError;

use crate::entry::{CollectNamed, Computed, Entry};
use crate::family::Family;
use crate::foreign::Foreign;
use crate::labels::push_pair;
use crate::names::Names;
use crate::otlp::OtlpFamily;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// The counter of observations that found their family full.
const OVERFLOW: &str = "sre_kit_metrics_overflow_total";

/// The counter of metrics of other APIs that were refused.
const REFUSED: &str = "sre_kit_metrics_refused_total";

/// The most refused metrics that are counted under their own names.
const MAX_REFUSED: usize = 100;

/// The families of a registry, in the order of their registration.
#[derive(Default)]
pub(crate) struct Families {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: Names,
    entries: Vec<Entry>,
    foreign: Vec<Arc<Foreign>>,
    /// How often a metric of another API was refused, by its name and the API.
    refused: BTreeMap<(String, &'static str), u64>,
    /// What OpenTelemetry calls a family, where its own name does not tell.
    otlp: HashMap<String, Arc<OtlpFamily>>,
}

impl Families {
    /// Adds a sharded family under a name that is reserved now.
    pub(crate) fn add_sharded(&self, family: Family) -> Result<Arc<Family>, ConfigError> {
        not_printed(family.name())?;
        let mut state = self.lock();
        state.names.reserve(family.name(), family.kind())?;
        let family = Arc::new(family);
        state.entries.push(Entry::Sharded(Arc::clone(&family)));
        Ok(family)
    }

    /// Adds a sharded family that another API named.
    pub(crate) fn add_bridged(&self, family: Family) -> Result<Arc<Family>, ConfigError> {
        not_printed(family.name())?;
        let mut state = self.lock();
        state.names.reserve_bridged(family.name(), family.kind())?;
        let family = Arc::new(family);
        state.entries.push(Entry::Sharded(Arc::clone(&family)));
        Ok(family)
    }

    /// Adds a source under a name that another API gave.
    pub(crate) fn add_bridged_collector(
        &self,
        name: &str,
        kind: Kind,
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        not_printed(name)?;
        let mut state = self.lock();
        state.names.reserve_bridged(name, kind)?;
        state.entries.push(Entry::Collector(collector));
        Ok(())
    }

    /// Adds a registry of another API, whose families are `found` now. `create` gets their names.
    /// The error names every family that cannot be added.
    pub(crate) fn add_named_collector(
        &self,
        found: &[(String, Kind)],
        create: impl FnOnce(Vec<String>) -> Box<dyn CollectNamed>,
    ) -> Result<(), ConfigError> {
        let mut state = self.lock();
        // On a copy first: on an error nothing is reserved.
        let mut names = state.names.clone();
        let mut refused = Vec::new();
        let mut first = None;
        for (name, kind) in found {
            let reserved = not_printed(name).and_then(|()| names.reserve_bridged(name, *kind));
            if let Err(error) = reserved {
                refused.push(name.clone());
                first.get_or_insert(error);
            }
        }
        if let Some(error) = first {
            let (rule, advice) = (error.rule().to_owned(), error.advice().to_owned());
            let rule = if refused.len() == 1 { rule } else { format!("of the first, {rule}") };
            return Err(ConfigError::new("metric names", refused, rule, advice));
        }
        state.names = names;
        let names = found.iter().map(|(name, _)| name.clone()).collect();
        state.entries.push(Entry::Named(create(names).into()));
        Ok(())
    }

    /// Counts a metric of another API that counts into nothing.
    pub(crate) fn refuse(&self, metric: &str, api: &'static str) {
        self.lock().refuse(metric, api);
    }

    /// Keeps what OpenTelemetry calls a family.
    pub(crate) fn set_otlp(&self, family: &str, otlp: OtlpFamily) {
        self.lock().otlp.insert(family.to_owned(), Arc::new(otlp));
    }

    /// Adds an attribute to what OpenTelemetry calls a family.
    pub(crate) fn edit_otlp(&self, family: &str, edit: impl FnOnce(&mut OtlpFamily)) {
        if let Some(otlp) = self.lock().otlp.get_mut(family) {
            edit(Arc::make_mut(otlp));
        }
    }

    /// Returns what OpenTelemetry calls a family, if another API named it.
    pub(crate) fn otlp(&self, family: &str) -> Option<Arc<OtlpFamily>> {
        self.lock().otlp.get(family).cloned()
    }

    /// Adds a computed family under a name that is reserved now.
    pub(crate) fn add_computed(&self, computed: Computed) -> Result<(), ConfigError> {
        let mut state = self.lock();
        state.names.reserve(&computed.desc.name, computed.desc.kind)?;
        state.entries.push(Entry::Computed(Arc::new(computed)));
        Ok(())
    }

    /// Adds families that are read together, under names that are reserved now.
    pub(crate) fn add_collector(
        &self,
        families: &[(&str, Kind)],
        collector: Arc<dyn Collect>,
    ) -> Result<(), ConfigError> {
        let mut state = self.lock();
        for (name, kind) in families {
            state.names.reserve(name, *kind)?;
        }
        state.entries.push(Entry::Collector(collector));
        Ok(())
    }

    /// Adds a metric of the `prometheus_client` crate under a name that is reserved now.
    pub(crate) fn add_foreign(&self, foreign: Foreign) -> Result<(), ConfigError> {
        let mut state = self.lock();
        state.names.reserve(&foreign.full_name(), foreign.kind())?;
        state.foreign.push(Arc::new(foreign));
        Ok(())
    }

    /// Returns the metrics of the `prometheus_client` crate.
    pub(crate) fn foreign(&self) -> Vec<Arc<Foreign>> {
        self.lock().foreign.clone()
    }

    /// Shows the families whose names `matches` accepts to `visitor`, with at most `limit` samples
    /// of a computed one.
    pub(crate) fn visit_matching(
        &self,
        matches: impl Fn(&str) -> bool,
        limit: usize,
        visitor: &mut dyn Visitor,
    ) {
        // A closure can use the registry, so none runs under the lock.
        let entries = self.lock().entries.clone();
        for entry in entries.iter().filter(|entry| entry.name().is_none_or(&matches)) {
            let mut reserve = |name: &str, kind, api| {
                let mut state = self.lock();
                let free =
                    not_printed(name).is_ok() && state.names.reserve_bridged(name, kind).is_ok();
                if !free {
                    state.refuse(name, api);
                }
                free
            };
            entry.visit(limit, &mut reserve, visitor);
        }
        let refused = self.lock().refused.clone();
        if !refused.is_empty() {
            visitor.family(&Desc {
                name: REFUSED.to_owned(),
                help: "Metrics of other APIs whose names are taken or malformed.".to_owned(),
                kind: Kind::Counter,
            });
            let mut labels = String::new();
            for ((metric, api), count) in refused {
                labels.clear();
                push_pair(&mut labels, "metric", &metric);
                push_pair(&mut labels, "api", api);
                visitor.integer(&labels, count);
            }
        }
        let overflowed: Vec<_> = entries.iter().filter_map(Entry::overflowed).collect();
        if overflowed.is_empty() {
            return;
        }
        visitor.family(&Desc {
            name: OVERFLOW.to_owned(),
            help: "Observations that found their family full.".to_owned(),
            kind: Kind::Counter,
        });
        for (family, count) in overflowed {
            visitor.integer(&format!("metric=\"{family}\""), count);
        }
    }

    /// Returns the number of registrations, without those of the `prometheus_client` crate.
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn refuse(&mut self, metric: &str, api: &'static str) {
        let mut key = (metric.to_owned(), api);
        if self.refused.len() >= MAX_REFUSED && !self.refused.contains_key(&key) {
            "_OTHER".clone_into(&mut key.0);
        }
        *self.refused.entry(key).or_default() += 1;
    }
}

/// Refuses the names that every registry prints.
fn not_printed(name: &str) -> Result<(), ConfigError> {
    if [OVERFLOW, REFUSED].contains(&name) {
        return Err(ConfigError::new("metric name", name, "the registry prints it", "rename it"));
    }
    Ok(())
}
