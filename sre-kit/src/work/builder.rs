//! The settings of the units of work.

use std::fmt;
use std::sync::Arc;

use sre_kit_core::internal::Clock;
use sre_kit_metrics::internal::{
    BucketsInternals as _, CellOffset, Family, Kind, RegistryInternals as _, Scale, push_pair,
};
use sre_kit_slo::EventSource;

use super::Work;
use super::outcome::WorkOutcome;
use super::shared::{OnEnd, Shared, UnitSeries};
use super::unit::WorkUnit;
use crate::ConfigError;
use crate::budget::{Budgets, EventCounter};
use crate::counts::{CountNames, Counts};
use crate::metrics::{Buckets, Registry};

const NAMES: CountNames = CountNames {
    started: ("work_units_started_total", "Units of work that started."),
    ended: ("work_units_total", "Units of work that ended, by how they ended."),
    active: ("work_active_units", "Units of work that started and did not end."),
    outcomes: &WorkOutcome::NAMES,
};

/// The default bounds of durations: jobs take longer than requests.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// A builder of [`Work`].
#[must_use = "nothing is recorded before `build`"]
pub struct WorkBuilder {
    units: Vec<WorkUnit>,
    buckets: Option<Buckets>,
    budgets: Vec<Budgets>,
}

impl Work {
    /// Returns a builder without units.
    pub fn builder() -> WorkBuilder {
        WorkBuilder { units: Vec::new(), buckets: None, budgets: Vec::new() }
    }

    /// Creates the recorder of these units with the default settings.
    ///
    /// # Errors
    ///
    /// Those of [`WorkBuilder::build`].
    pub fn new(
        registry: &Registry,
        units: impl IntoIterator<Item = WorkUnit>,
    ) -> Result<Self, ConfigError> {
        units.into_iter().fold(Self::builder(), WorkBuilder::unit).build(registry)
    }
}

impl WorkBuilder {
    /// Adds a unit.
    pub fn unit(mut self, unit: WorkUnit) -> Self {
        self.units.push(unit);
        self
    }

    /// Sets the bucket bounds of the histograms, in seconds. Defaults to 14 bounds from 5 ms to
    /// four hours.
    pub fn duration_buckets(mut self, buckets: Buckets) -> Self {
        self.buckets = Some(buckets);
        self
    }

    /// Counts each unit for its SLOs, once, when it has ended.
    ///
    /// [`Slo::work`](crate::slo::Slo::work) defines them. [`build`](Self::build) returns an error if
    /// one names a unit or an outcome that does not exist here.
    pub fn slos(mut self, budgets: &Budgets) -> Self {
        self.budgets.push(budgets.clone());
        self
    }

    /// Returns whether there are no units.
    #[cfg(feature = "serve")]
    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Checks the settings and registers the families.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - two units have the same name;
    /// - an SLO names a unit or an outcome that does not exist here;
    /// - the bucket bounds are not in seconds; or
    /// - the registry already has a `Work`, or no room for the series.
    pub fn build(self, registry: &Registry) -> Result<Work, ConfigError> {
        self.build_with(registry, |_| Ok(None))
    }

    /// Builds with what runs at the end of each unit.
    pub(crate) fn build_with(
        self,
        registry: &Registry,
        mut on_end: impl FnMut(&WorkUnit) -> Result<Option<OnEnd>, ConfigError>,
    ) -> Result<Work, ConfigError> {
        let buckets = match self.buckets {
            Some(buckets) => buckets,
            None => Buckets::seconds(SECONDS)?,
        };
        if buckets.scale() != Scale::Nanos {
            return Err(ConfigError::new(
                "duration_buckets",
                buckets,
                "the bounds are of another unit than the histogram",
                "make them with `Buckets::seconds`",
            ));
        }
        for (i, unit) in self.units.iter().enumerate() {
            if self.units[..i].iter().any(|before| before.name == unit.name) {
                return Err(ConfigError::new(
                    "work unit",
                    &unit.name,
                    "that name is declared already",
                    "declare each unit once, and clone its handle",
                ));
            }
        }
        let mut slos: Vec<Vec<EventCounter>> = self.units.iter().map(|_| Vec::new()).collect();
        for budget in self.budgets.iter().flat_map(Budgets::iter) {
            let EventSource::Work(name) = budget.definition().source() else { continue };
            let Some(unit) = self.units.iter().position(|unit| unit.name == *name) else {
                return Err(ConfigError::new(
                    format!("slo `{}`", budget.definition().name()),
                    name,
                    "no unit of work of that name is declared, so nothing would be counted",
                    "declare it with `WorkUnit::new`",
                ));
            };
            slos[unit].push(EventCounter::new(budget, &WorkOutcome::NAMES)?);
        }
        let cells = Arc::clone(registry.cells());
        let histogram = |name, help| {
            registry.sharded_family(name, help, Kind::Histogram, Some(buckets.clone()))
        };
        let durations = histogram("work_duration_seconds", "Duration of units of work.")?;
        let waits =
            histogram("work_wait_seconds", "Time from the entry into a queue to the start.")?;
        let messages = if self.units.iter().any(|unit| unit.message.is_some()) {
            let help = "Duration of processing a message.";
            Some(histogram("messaging_process_duration_seconds", help)?)
        } else {
            None
        };
        let full = || {
            ConfigError::new(
                "registry",
                "full",
                "the units of work need room for their series",
                "use a second registry, or declare fewer units",
            )
        };
        let overflow = cells.allocate(NAMES.cells()).ok_or_else(full)?;
        let limit = registry.max_series_per_family();
        let counts = Arc::new(Counts::new(NAMES, Arc::clone(&cells), limit, overflow));
        let mut units = Vec::with_capacity(self.units.len());
        for (unit, slos) in self.units.iter().zip(slos) {
            let mut labels = String::new();
            push_pair(&mut labels, "work", &unit.name);
            let row = counts.allocate(NAMES.cells(), &labels).ok_or_else(full)?;
            units.push(UnitSeries {
                row,
                durations: by_outcome(&durations, |outcome, labels| {
                    push_pair(labels, "work", &unit.name);
                    push_pair(labels, "outcome", outcome.as_str());
                }),
                messages: unit.message.zip(messages.as_ref()).map(
                    |((system, operation), family)| {
                        by_outcome(family, |outcome, labels| {
                            push_pair(labels, "messaging_system", system);
                            push_pair(labels, "messaging_operation_name", operation);
                            push_pair(labels, "error_type", outcome.error_type());
                        })
                    },
                ),
                wait: waits.find_or_create(&labels),
                on_end: on_end(unit)?,
                slos: slos.into(),
                name: unit.name.as_str().into(),
            });
        }
        // Last, so that the names are reserved only if everything else succeeded.
        registry.register_collector(&NAMES.families(), counts.clone())?;
        let units = units.into();
        let shared = Shared { cells, counts, buckets, clock: Clock::new(), units };
        Ok(Work { shared: Arc::new(shared) })
    }
}

/// Returns the cells of the series of each outcome.
fn by_outcome(
    family: &Family,
    push_labels: impl Fn(WorkOutcome, &mut String),
) -> [CellOffset; WorkOutcome::ALL.len()] {
    WorkOutcome::ALL.map(|outcome| {
        let mut labels = String::new();
        push_labels(outcome, &mut labels);
        family.find_or_create(&labels)
    })
}

impl fmt::Debug for WorkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkBuilder").field("units", &self.units).finish_non_exhaustive()
    }
}
