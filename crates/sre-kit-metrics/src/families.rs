//! The families of a registry, and the names that they reserve.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sre_kit_core::ConfigError;

use crate::entry::{Computed, Entry};
use crate::family::Family;
use crate::foreign::Foreign;
use crate::names::Names;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// The counter of observations that found their family full.
const OVERFLOW: &str = "sre_kit_metrics_overflow_total";

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
}

impl Families {
    /// Adds a sharded family under a name that is reserved now.
    pub(crate) fn add_sharded(&self, family: Family) -> Result<Arc<Family>, ConfigError> {
        if family.name() == OVERFLOW {
            return Err(ConfigError::new(
                "metric name",
                OVERFLOW,
                "the registry prints it",
                "rename",
            ));
        }
        let mut state = self.lock();
        state.names.reserve(family.name(), family.kind())?;
        let family = Arc::new(family);
        state.entries.push(Entry::Sharded(Arc::clone(&family)));
        Ok(family)
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
            entry.visit(limit, visitor);
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
