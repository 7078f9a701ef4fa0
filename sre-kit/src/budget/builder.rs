//! Settings of the budgets.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::engine::{Budgets, Inner};
use super::handle::Budget;
use super::metrics::{self, Families};
use super::track::Track;
use super::window::Clock;
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_slo::{Definition, Slos};

/// Builds [`Budgets`].
#[must_use = "nothing is counted before `build`"]
pub struct BudgetsBuilder {
    slos: Option<Slos>,
    families: Families,
    clock: Option<Clock>,
    checkpoint: Option<PathBuf>,
}

impl BudgetsBuilder {
    pub(super) fn new() -> Self {
        Self { slos: None, families: Families::All, clock: None, checkpoint: None }
    }

    /// Sets the SLOs. Required.
    pub fn slos(mut self, slos: &Slos) -> Self {
        self.slos = Some(slos.clone());
        self
    }

    /// Exports `slo_events_total` and `slo_events_excluded_total` only, which is
    /// all that the generated rules read: six series less per window.
    pub fn counters_only(mut self) -> Self {
        self.families = Families::Counters;
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Keeps the windows in this file across restarts.
    ///
    /// It is read by [`build`](Self::build) and written by
    /// [`Budgets::save_checkpoint`], and every minute by the ticker. The time
    /// between two processes counts as time without events, and lowers the
    /// coverage. The exported counters begin at zero whatever the file says:
    /// Prometheus knows resets. A file that is damaged, of another service, of a
    /// newer version or from the future is left aside with a warning.
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Registers the counters, all at zero, and reads the checkpoint.
    ///
    /// # Errors
    ///
    /// When the registry has SLOs already, or allows fewer series per family than
    /// these SLOs have.
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
        check_room(registry, &slos, families)?;
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
            .filter_map(|place| Track::new(&slos, place, &events, &excluded))
            .map(|track| Budget { track: Arc::new(track), clock: clock.clone() })
            .collect();
        let checkpoint = checkpoint.map(Checkpoint::new);
        if let Some(checkpoint) = &checkpoint {
            let now = clock.millis();
            for (place, ring) in checkpoint.load(&slos, clock.wall_millis()) {
                if let Some(budget) = budgets.get(place) {
                    budget.track.resume(ring, now);
                    budget.track.tick(now);
                }
            }
        }
        for note in slos.notes() {
            tracing::info!(slo = note.slo(), tier = note.tier(), "{note}");
        }
        let budgets = Budgets { inner: Arc::new(Inner { slos, budgets, clock, checkpoint }) };
        if families == Families::All {
            metrics::register(registry, &budgets)?;
        }
        Ok(budgets)
    }
}

/// A family past its limit would fold SLOs into one another, so it is refused here.
fn check_room(registry: &Registry, slos: &Slos, families: Families) -> Result<(), ConfigError> {
    let events = slos.len() * 2;
    // One more for the reason `other`.
    let excluded = slos.iter().map(|slo| slo.reasons().len() + 1).sum::<usize>();
    let windows = slos.iter().map(|slo| slo.windows().len()).sum::<usize>();
    let tiers = slos.iter().map(|slo: &Definition| slo.tiers().len()).sum::<usize>();
    let gauges = if families == Families::All { windows.max(tiers) } else { 0 };
    let wanted = events.max(excluded).max(gauges);
    if wanted <= registry.max_series_per_family() {
        return Ok(());
    }
    Err(ConfigError::new(
        "max_series_per_family",
        registry.max_series_per_family(),
        format!("{} SLOs need a family of {wanted} series", slos.len()),
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
