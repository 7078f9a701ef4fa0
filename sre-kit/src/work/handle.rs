//! The handle of a declared unit.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::guard::UnitGuard;
use super::outcome::WorkOutcome;
use super::result::WorkResult;
use super::run::RunWork;
use super::shared::Shared;
use crate::unwind::PanicGuard;

/// A declared unit of work, to run it. Clones are cheap.
#[derive(Clone)]
pub struct WorkHandle {
    shared: Arc<Shared>,
    unit: usize,
    waited: Option<Duration>,
}

impl WorkHandle {
    pub(super) fn new(shared: &Arc<Shared>, unit: usize) -> Self {
        Self { shared: Arc::clone(shared), unit, waited: None }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.shared.units[self.unit].name
    }

    /// Sets how long the next units have waited since they were enqueued, for `work_wait_seconds`.
    #[must_use = "returns the handle for the unit that waited"]
    pub fn waited(&self, waited: Duration) -> Self {
        Self { waited: Some(waited), ..self.clone() }
    }

    /// Sets when the next units were enqueued, by the clock of the system. A time in the future
    /// counts as now, because the clocks of two machines differ.
    #[must_use = "returns the handle for the unit that waited"]
    pub fn enqueued_at(&self, at: SystemTime) -> Self {
        self.waited(SystemTime::now().duration_since(at).unwrap_or_default())
    }

    /// Starts a unit and returns the future that runs it.
    #[inline]
    pub fn run<F>(&self, work: F) -> RunWork<F>
    where
        F: Future,
        F::Output: WorkResult,
    {
        RunWork { inner: work, guard: self.start() }
    }

    /// Runs a unit that is a function, such as one on a blocking thread.
    pub fn run_blocking<T: WorkResult>(&self, work: impl FnOnce() -> T) -> T {
        let mut guard = self.start();
        let panic_guard = PanicGuard::new(&mut guard, UnitGuard::panicked);
        let result = work();
        panic_guard.disarm();
        guard.end(result.outcome());
        result
    }

    /// Records a unit that was refused before it started.
    pub fn record_shed(&self) {
        self.start().end(WorkOutcome::Shed);
    }

    #[inline]
    fn start(&self) -> UnitGuard {
        let started = self.shared.start(self.unit, self.waited);
        UnitGuard::new(Arc::clone(&self.shared), self.unit, started)
    }
}

impl fmt::Debug for WorkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkHandle").field("name", &self.name()).finish_non_exhaustive()
    }
}
