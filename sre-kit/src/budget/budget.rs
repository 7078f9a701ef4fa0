//! The budget of one SLO.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::budget_cells::BudgetCells;
use super::budget_state::BudgetState;
use super::tier_state::{TierCell, TierState};
use super::tier_status::TierStatus;
use super::window::{Clock, WindowStats};
use sre_kit_metrics::internal::ShardId;
use sre_kit_slo::{Definition, Indicator, Severity, Window};

/// The error budget of one SLO: it records events and returns how fast the budget burns.
///
/// Get one from [`Budgets::slo`](super::Budgets::slo) and keep it. Clones share their counters
/// and cost one reference count.
///
/// Recording takes no lock, reads no clock and allocates nothing. Reading a window takes a
/// lock for a few subtractions. [`burning_fast`](Self::burning_fast) and
/// [`tier_state`](Self::tier_state) load one byte per tier and may be called in every request.
#[derive(Clone)]
pub struct Budget {
    pub(super) state: Arc<BudgetState>,
    pub(super) clock: Clock,
}

impl Budget {
    /// Returns the definition of the SLO.
    pub fn definition(&self) -> &Definition {
        self.state.definition()
    }

    /// Records a good event.
    #[inline]
    pub fn record_good(&self) {
        self.state.add_good(1);
    }

    /// Records a bad event.
    #[inline]
    pub fn record_bad(&self) {
        self.state.add_bad(1);
    }

    /// Records a batch of `good` and `bad` events.
    pub fn add(&self, good: u64, bad: u64) {
        self.state.add_good(good);
        self.state.add_bad(bad);
    }

    /// Records an event by its result: it is bad if `ok` is false, or if `elapsed` exceeds the
    /// threshold of a latency SLO.
    #[inline]
    pub fn record(&self, ok: bool, elapsed: Duration) {
        let slow = match self.definition().indicator() {
            Indicator::Latency { threshold, .. } => elapsed > threshold,
            _ => false,
        };
        if ok && !slow { self.record_good() } else { self.record_bad() }
    }

    /// Records an event that the SLO excludes, under a `reason` that its definition declares.
    ///
    /// A reason that is not declared is recorded as `other`, so that the number of series stays
    /// bounded.
    pub fn record_excluded(&self, reason: &str) {
        self.state.exclude(reason);
    }

    /// Returns the cells of its counters in `shard`.
    pub(crate) fn cells(&self, shard: ShardId) -> BudgetCells {
        self.state.cells(shard)
    }

    /// Returns the good and the bad events since the process started, as `/metrics` exports
    /// them.
    pub fn totals(&self) -> (u64, u64) {
        self.state.totals()
    }

    /// Returns the excluded events since the process started, by reason.
    pub fn excluded_total(&self) -> Vec<(&str, u64)> {
        self.state.excluded_total()
    }

    /// Returns what was counted in `window`, as of the last tick.
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
        self.state.read(self.clock.millis(), |ring| ring.read(window.into()))
    }

    /// Returns the burn rate over `window`: 1 uses up the budget exactly at the end of the
    /// period. Returns 0 if no events were counted.
    pub fn burn_rate(&self, window: impl Into<Window>) -> f64 {
        self.window(window).burn_rate()
    }

    /// Returns the share of bad events in `window`, from 0 to 1. Returns 0 if no events were
    /// counted.
    pub fn error_ratio(&self, window: impl Into<Window>) -> f64 {
        self.window(window).error_ratio()
    }

    /// Returns the share of `window` that was observed, from 0 to 1.
    pub fn coverage(&self, window: impl Into<Window>) -> f64 {
        self.window(window).coverage()
    }

    /// Returns the share of the period's error budget that is left: 1 if no event was bad,
    /// negative if the budget is overspent.
    ///
    /// This covers only what this process has observed. For the service-wide value use the
    /// recording rule `slo:period_error_budget_remaining:ratio`. Check the
    /// [`coverage`](Self::coverage) of the period before acting on this value.
    pub fn budget_remaining(&self) -> f64 {
        1.0 - self.burn_rate(self.definition().period())
    }

    /// Returns the status of every tier, as of the last tick.
    pub fn tiers(&self) -> Vec<TierStatus> {
        self.state.read(self.clock.millis(), |ring| {
            self.definition().tiers().iter().map(|tier| TierStatus::read(tier, ring)).collect()
        })
    }

    /// Returns the state of the tier called `tier` at the last tick, or `None` if the SLO has
    /// no such tier. The state itself is one atomic load.
    pub fn tier_state(&self, tier: &str) -> Option<TierState> {
        let index = self.definition().tiers().iter().position(|known| known.name() == tier)?;
        self.state.tiers().get(index).map(TierCell::state)
    }

    /// Returns the highest severity among the tiers that fire, as of the last tick, or `None`
    /// if no tier fires.
    pub fn firing(&self) -> Option<Severity> {
        if self.burning_fast() {
            return Some(Severity::Page);
        }
        let fires = |cell: &TierCell| cell.state() == TierState::Firing;
        self.state.tiers().iter().any(fires).then_some(Severity::Ticket)
    }

    /// Returns whether a page fires in this process, with at least its
    /// [minimum of bad events](sre_kit_slo::BurnTier::min_bad_events).
    ///
    /// This is one atomic load per tier, as of the last tick. It is cheap enough to decide in
    /// every request whether to skip optional work or to sample the trace. It needs a
    /// [`Ticker`](super::Budgets::spawn) or calls of [`tick`](super::Budgets::tick).
    #[inline]
    pub fn burning_fast(&self) -> bool {
        self.state.tiers().iter().any(TierCell::pages)
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
