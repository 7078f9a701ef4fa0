//! All budgets of a service.

use std::fmt;
use std::sync::Arc;

use super::builder::BudgetsBuilder;
use super::checkpoint::{Checkpoint, CheckpointError};
use super::handle::Budget;
use super::window::Clock;
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_slo::Slos;

/// The error budgets of one service in this process. Cloning is cheap.
///
/// ```
/// use sre_kit::metrics::{Registry, TextFormat};
/// use sre_kit::slo::{Budgets, Objective, Slo, Slos};
///
/// let slos = Slos::new("shop", [Slo::availability("checkout", Objective::percent(99.9)?)])?;
/// let registry = Registry::new();
/// let budgets = Budgets::new(&registry, &slos)?;
/// budgets.slo("checkout")?.record_good();
///
/// let mut text = String::new();
/// registry.encode_text(&mut text, TextFormat::Prometheus);
/// // Both outcomes are there from the start: no error yet reads as 100 %.
/// assert!(text.contains("slo_events_total{service=\"shop\",slo=\"checkout\",outcome=\"good\"} 1\n"));
/// assert!(text.contains("slo_events_total{service=\"shop\",slo=\"checkout\",outcome=\"bad\"} 0\n"));
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Budgets {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) slos: Slos,
    pub(super) budgets: Box<[Budget]>,
    pub(super) clock: Clock,
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Budgets {
    /// Budgets whose counters are registered in `registry`, with the defaults.
    ///
    /// # Errors
    ///
    /// When the registry has SLOs already, or no room for so many series.
    pub fn new(registry: &Registry, slos: &Slos) -> Result<Self, ConfigError> {
        Self::builder().slos(slos).build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> BudgetsBuilder {
        BudgetsBuilder::new()
    }

    /// The definitions.
    pub fn slos(&self) -> &Slos {
        &self.inner.slos
    }

    /// The budget of one SLO. Ask once and keep it.
    ///
    /// # Errors
    ///
    /// When no SLO has that name.
    pub fn slo(&self, name: &str) -> Result<Budget, ConfigError> {
        let found = self.iter().find(|budget| budget.definition().name() == name);
        found.cloned().ok_or_else(|| {
            let names: Vec<_> = self.iter().map(|budget| budget.definition().name()).collect();
            ConfigError::new(
                "slo",
                name,
                format!("the service `{}` defines no SLO of that name", self.slos().service()),
                format!("the names are {}", names.join(", ")),
            )
        })
    }

    /// Every budget, in the order of the definitions.
    pub fn iter(&self) -> std::slice::Iter<'_, Budget> {
        self.inner.budgets.iter()
    }

    /// Whether any SLO burns fast enough to page, see [`Budget::burning_fast`].
    #[inline]
    pub fn burning_fast(&self) -> bool {
        self.iter().any(Budget::burning_fast)
    }

    /// Takes a snapshot of every SLO now. [`spawn`](Self::spawn) does it every two
    /// seconds; call this only in its stead.
    pub fn tick(&self) {
        let now = self.inner.clock.millis();
        for budget in self {
            budget.track.tick(now);
        }
    }

    /// Writes the checkpoint file, if one was set: what the windows hold, for the
    /// next process to go on with. Blocks on the disk; call it from a blocking
    /// thread, after the last request.
    ///
    /// The file is written beside its place, flushed to the disk and then renamed,
    /// so that it is whole at every moment.
    ///
    /// # Errors
    ///
    /// When the file can not be written. The old one is left as it was.
    pub fn save_checkpoint(&self) -> Result<(), CheckpointError> {
        let Some(checkpoint) = &self.inner.checkpoint else { return Ok(()) };
        self.tick();
        checkpoint.save(self.slos(), self.inner.clock.wall_millis(), |place, write| {
            if let Some(budget) = self.inner.budgets.get(place) {
                budget.track.with_ring(write);
            }
        })
    }
}

impl<'a> IntoIterator for &'a Budgets {
    type Item = &'a Budget;
    type IntoIter = std::slice::Iter<'a, Budget>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets")
            .field("service", &self.slos().service())
            .field("budgets", &self.inner.budgets)
            .finish_non_exhaustive()
    }
}
