//! The builder of the budgets.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::budget::Budget;
use super::budget_state::BudgetState;
use super::budgets::{Budgets, Inner};
use super::checkpoint::Checkpoint;
use super::gauges;
use super::window::Clock;
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_slo::{Definition, Slos};

impl Budgets {
    /// Creates the budgets of `slos` with the defaults and registers their counters in
    /// `registry`.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`BudgetsBuilder::build`].
    pub fn new(registry: &Registry, slos: &Slos) -> Result<Self, ConfigError> {
        Self::builder().slos(slos).build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> BudgetsBuilder {
        BudgetsBuilder::new()
    }
}

/// The metric families that the budgets register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Families {
    Counters,
    All,
}

/// A builder of [`Budgets`].
#[must_use = "a builder does nothing before `build`"]
pub struct BudgetsBuilder {
    slos: Option<Slos>,
    families: Families,
    clock: Option<Clock>,
    checkpoint: Option<PathBuf>,
}

impl BudgetsBuilder {
    fn new() -> Self {
        Self { slos: None, families: Families::All, clock: None, checkpoint: None }
    }

    /// Sets the SLOs. This call is required.
    pub fn slos(mut self, slos: &Slos) -> Self {
        self.slos = Some(slos.clone());
        self
    }

    /// Exports only `slo_events_total` and `slo_events_excluded_total`, which are the two
    /// families that the generated rules read. Defaults to exporting the `slo_instance_*` gauges
    /// as well: four more series per window, one more per tier and three more per SLO.
    pub fn counters_only(mut self) -> Self {
        self.families = Families::Counters;
        self
    }

    /// Sets the clock that the windows are measured with. Defaults to [`Clock::monotonic`]; tests
    /// use [`Clock::manual`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Keeps the windows in the file at `path` across restarts. Defaults to no file.
    ///
    /// [`build`](Self::build) reads the file. [`Budgets::save_checkpoint`] writes it, and the
    /// ticker does so every minute. The time between two processes counts as time without events
    /// and lowers the coverage. The exported counters still begin at zero, as Prometheus expects
    /// of a restarted process.
    ///
    /// A file that is damaged, belongs to another service, has a newer version or lies in the
    /// future is ignored with a warning, and the windows begin empty.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Registers the counters, all at zero, and reads the checkpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - [`slos`](Self::slos) was not called;
    /// - the registry already has the metrics of another [`Budgets`];
    /// - the registry allows fewer series per family than these SLOs need.
    pub fn build(self, registry: &Registry) -> Result<Budgets, ConfigError> {
        let Self { slos, families, clock, checkpoint } = self;
        let slos = slos.ok_or_else(|| {
            ConfigError::new(
                "budgets.slos",
                "missing",
                "budgets count the events of a set of SLOs",
                "call `.slos(&slos)`, or use `Budgets::new(&registry, &slos)`",
            )
        })?;
        check_series_limit(registry, &slos, families)?;
        let events = registry.counter_family(
            "slo_events_total",
            "Valid events of the SLO, good or bad.",
            &["service", "slo", "outcome"],
        )?;
        let excluded = registry.counter_family(
            "slo_events_excluded_total",
            "Events that the SLO leaves out, by reason.",
            &["service", "slo", "reason"],
        )?;
        let clock = clock.unwrap_or_else(Clock::monotonic);
        let budgets: Box<[_]> = (0..slos.len())
            .filter_map(|index| BudgetState::new(&slos, index, &events, &excluded))
            .map(|state| Budget { state: Arc::new(state), clock: clock.clone() })
            .collect();
        let checkpoint = checkpoint.map(Checkpoint::new);
        if let Some(checkpoint) = &checkpoint {
            let now = clock.millis();
            for (index, ring) in checkpoint.load(&slos, clock.wall_millis()) {
                if let Some(budget) = budgets.get(index) {
                    budget.state.resume(ring, now);
                    budget.state.tick(now);
                }
            }
        }
        for adjustment in slos.tier_adjustments() {
            tracing::info!(slo = adjustment.slo(), tier = adjustment.tier(), "{adjustment}");
        }
        let budgets = Budgets { inner: Arc::new(Inner { slos, budgets, clock, checkpoint }) };
        if families == Families::All {
            gauges::register(registry, &budgets)?;
        }
        Ok(budgets)
    }
}

/// Returns an error if a family needs more series than the registry allows.
///
/// Beyond its limit a family counts into one overflow series, which would mix the SLOs.
fn check_series_limit(
    registry: &Registry,
    slos: &Slos,
    families: Families,
) -> Result<(), ConfigError> {
    let events = slos.len() * 2;
    // One more for the reason `other`.
    let excluded = slos.iter().map(|slo| slo.reasons().len() + 1).sum::<usize>();
    let windows = slos.iter().map(|slo| slo.windows().len()).sum::<usize>();
    let tiers = slos.iter().map(|slo: &Definition| slo.tiers().len()).sum::<usize>();
    let gauges = if families == Families::All { windows.max(tiers) } else { 0 };
    let needed = events.max(excluded).max(gauges);
    if needed <= registry.max_series_per_family() {
        return Ok(());
    }
    Err(ConfigError::new(
        "max_series_per_family",
        registry.max_series_per_family(),
        format!("{} SLOs need a family of {needed} series", slos.len()),
        "raise it with `Registry::builder().max_series_per_family(..)`, or export \
         `.counters_only()`",
    ))
}

impl fmt::Debug for BudgetsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetsBuilder")
            .field("slos", &self.slos)
            .field("families", &self.families)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}
