//! What code holds for one SLO.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::cells::BudgetCells;
use super::state::{TierState, TierStatus};
use super::track::Track;
use super::window::{Clock, WindowStats};
use sre_kit_metrics::internal::ShardId;
use sre_kit_slo::{Definition, Indicator, Severity, Window};

/// One SLO: count events here, and ask how fast its budget burns.
///
/// Get it from [`Budgets::slo`](super::Budgets::slo) and keep it; cloning is
/// cheap, clones count together.
///
/// Counting takes no lock, reads no clock and allocates nothing. WindowStats takes a
/// lock for a few subtractions; [`burning_fast`](Self::burning_fast) and
/// [`tier_state`](Self::tier_state) read one byte and suit every request.
#[derive(Clone)]
pub struct Budget {
    pub(super) track: Arc<Track>,
    pub(super) clock: Clock,
}

impl Budget {
    /// How it is defined.
    pub fn definition(&self) -> &Definition {
        self.track.definition()
    }

    /// Counts a good event.
    #[inline]
    pub fn record_good(&self) {
        self.track.good(1);
    }

    /// Counts a bad event.
    #[inline]
    pub fn record_bad(&self) {
        self.track.bad(1);
    }

    /// Counts a batch.
    pub fn add(&self, good: u64, bad: u64) {
        self.track.good(good);
        self.track.bad(bad);
    }

    /// Counts an event by how it went: bad when it failed, or when it took longer
    /// than the threshold of a latency SLO.
    #[inline]
    pub fn record(&self, ok: bool, took: Duration) {
        let slow = match self.definition().indicator() {
            Indicator::Latency { threshold, .. } => took > threshold,
            _ => false,
        };
        if ok && !slow { self.record_good() } else { self.record_bad() }
    }

    /// Counts an event that is left out, under a reason that the definition
    /// declares; any other reason is counted as `other`, so that the number of
    /// series stays bounded.
    pub fn record_excluded(&self, reason: &str) {
        self.track.exclude(reason);
    }

    /// Its counters in one column.
    pub(crate) fn cells(&self, place: ShardId) -> BudgetCells {
        self.track.cells(place)
    }

    /// Good and bad events since the process began: what `/metrics` exports.
    pub fn totals(&self) -> (u64, u64) {
        self.track.totals()
    }

    /// Excluded events since the process began, by reason.
    pub fn excluded_total(&self) -> Vec<(&str, u64)> {
        self.track.excluded()
    }

    /// What was counted in a window, as of the last tick.
    ///
    /// ```
    /// use sre_kit::metrics::Registry;
    /// use sre_kit::slo::{Budgets, Objective, Slo, Slos, Window};
    ///
    /// let slos = Slos::new("shop", [Slo::ratio("import", Objective::percent(99.0)?)])?;
    /// let budgets = Budgets::new(&Registry::new(), &slos)?;
    /// let import = budgets.slo("import")?;
    /// import.add(95, 5);
    /// budgets.tick();
    /// let hour = import.window(Window::hours(1));
    /// assert_eq!((hour.good(), hour.bad()), (95, 5));
    /// assert!((hour.burn_rate() - 5.0).abs() < 1e-9);
    /// # Ok::<(), sre_kit::ConfigError>(())
    /// ```
    pub fn window(&self, window: impl Into<Window>) -> WindowStats {
        self.track.read(self.clock.millis(), |ring| ring.read(window.into()))
    }

    /// How many times faster than it may the budget burns, 0 while nothing was counted.
    pub fn burn_rate(&self, window: impl Into<Window>) -> f64 {
        self.window(window).burn_rate()
    }

    /// The share of bad events, 0 while nothing was counted.
    pub fn error_ratio(&self, window: impl Into<Window>) -> f64 {
        self.window(window).error_ratio()
    }

    /// The share of the window that was observed, from 0 to 1.
    pub fn coverage(&self, window: impl Into<Window>) -> f64 {
        self.window(window).coverage()
    }

    /// The share of the period's budget that is left, by what this process saw:
    /// 1 while nothing burnt, negative once the budget is overspent.
    ///
    /// A process that is younger than the period, or one of many, sees part of
    /// the truth only: look at the [`coverage`](Self::coverage) too, and leave
    /// the number that people argue over to the generated rules.
    pub fn budget_remaining(&self) -> f64 {
        1.0 - self.burn_rate(self.definition().period())
    }

    /// Every tier, as of the last tick.
    pub fn tiers(&self) -> Vec<TierStatus> {
        self.track.read(self.clock.millis(), |ring| {
            self.definition().tiers().iter().map(|tier| TierStatus::read(tier, ring)).collect()
        })
    }

    /// The state of one tier at the last tick: one atomic load. `None` when there
    /// is no such tier.
    pub fn tier_state(&self, tier: &str) -> Option<TierState> {
        let place = self.definition().tiers().iter().position(|known| known.name() == tier)?;
        self.track.tiers().get(place).map(super::state::TierCell::state)
    }

    /// The gravest thing that fires, as of the last tick.
    pub fn firing(&self) -> Option<Severity> {
        if self.burning_fast() {
            return Some(Severity::Page);
        }
        let fires = |cell: &super::state::TierCell| cell.state() == TierState::Firing;
        self.track.tiers().iter().any(fires).then_some(Severity::Ticket)
    }

    /// Whether a page fires in this process, with enough bad events to believe it.
    ///
    /// One atomic load per tier, as of the last tick: cheap enough to ask in every
    /// request whether optional work should be left out, or the trace be sampled.
    /// It needs a [`ticker`](super::Budgets::spawn), or [`tick`](super::Budgets::tick)s.
    #[inline]
    pub fn burning_fast(&self) -> bool {
        self.track.tiers().iter().any(super::state::TierCell::pages)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (good, bad) = self.totals();
        f.debug_struct("Budget")
            .field("slo", &self.definition().name())
            .field("good", &good)
            .field("bad", &bad)
            .finish_non_exhaustive()
    }
}
