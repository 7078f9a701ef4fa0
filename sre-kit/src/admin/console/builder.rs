//! The builder of a console.

use std::fmt;

use super::Console;
use super::document::Sources;
use crate::health::Health;
use crate::metrics::{BuildInfo, Registry};
use crate::slo::Budgets;

impl Console {
    /// Creates a console that shows `registry`, without checks and budgets.
    pub fn new(registry: &Registry) -> Self {
        Self::builder().build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> ConsoleBuilder {
        ConsoleBuilder { build: None, health: None, budgets: None }
    }
}

/// A builder of a [`Console`].
#[must_use = "nothing is shown before `build`"]
pub struct ConsoleBuilder {
    build: Option<BuildInfo>,
    health: Option<Health>,
    budgets: Option<Budgets>,
}

impl ConsoleBuilder {
    /// Sets the build, which is shown at the top of the page.
    pub fn build_info(mut self, build: &BuildInfo) -> Self {
        self.build = Some(build.clone());
        self
    }

    /// Adds the health checks.
    pub fn health(mut self, health: &Health) -> Self {
        self.health = Some(health.clone());
        self
    }

    /// Adds the error budgets.
    pub fn budgets(mut self, budgets: &Budgets) -> Self {
        self.budgets = Some(budgets.clone());
        self
    }

    /// Builds a console that shows the metrics of `registry`.
    pub fn build(self, registry: &Registry) -> Console {
        Console::from_sources(Sources::new(registry, self.build, self.health, self.budgets))
    }
}

impl fmt::Debug for ConsoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleBuilder").field("build", &self.build).finish_non_exhaustive()
    }
}
