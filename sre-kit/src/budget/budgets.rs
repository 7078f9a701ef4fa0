//! The budgets of all SLOs of a service.

use std::fmt;
use std::sync::Arc;

use super::budget::Budget;
use super::checkpoint::{Checkpoint, CheckpointError};
use super::window::Clock;
use crate::ConfigError;
use sre_kit_slo::Slos;

/// The error budgets of one service in this process.
///
/// Clones share their counters and cost one reference count.
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
/// // Both outcomes exist from the start, so "no errors yet" reads as 100 %.
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
    /// Returns the definitions of the SLOs.
    pub fn slos(&self) -> &Slos {
        &self.inner.slos
    }

    /// Returns the budget of the SLO called `name`.
    ///
    /// This compares names: call it once at start-up and keep the result.
    ///
    /// # Errors
    ///
    /// Returns an error if no SLO has that name. The message lists the names that exist.
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

    /// Returns an iterator over the budgets, in the order of the definitions.
    pub fn iter(&self) -> std::slice::Iter<'_, Budget> {
        self.inner.budgets.iter()
    }

    /// Returns whether any SLO burns its budget fast enough to page. See
    /// [`Budget::burning_fast`].
    #[inline]
    pub fn burning_fast(&self) -> bool {
        self.iter().any(Budget::burning_fast)
    }

    /// Takes a snapshot of the counters of every SLO and updates the states of the tiers.
    ///
    /// [`spawn`](Self::spawn) does this every two seconds. Call it yourself only if you run
    /// neither [`spawn`](Self::spawn) nor [`run`](Self::run).
    pub fn tick(&self) {
        let now = self.inner.clock.millis();
        for budget in self {
            budget.state.tick(now);
        }
    }

    /// Writes the checkpoint file, from which the next process restores the windows. Does
    /// nothing if [`checkpoint`](super::BudgetsBuilder::checkpoint) was not set.
    ///
    /// This blocks on the disk. Call it from a blocking thread, after the last request.
    ///
    /// A temporary file in the same folder is written, synced to the disk and renamed, so that
    /// a crash leaves either the old file or the new one.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written. The old file stays as it was.
    pub fn save_checkpoint(&self) -> Result<(), CheckpointError> {
        let Some(checkpoint) = &self.inner.checkpoint else { return Ok(()) };
        self.tick();
        checkpoint.save(self.slos(), self.inner.clock.wall_millis(), |index, write| {
            if let Some(budget) = self.inner.budgets.get(index) {
                budget.state.with_ring(write);
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
