//! The progress of a process through its states and shutdown phases, and its metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::shutdown_phase::ShutdownPhase;
use super::state::State;
use crate::ConfigError;
use crate::metrics::Registry;

/// The kinds of work that a shutdown may leave unfinished.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    Connections,
    Requests,
    Upgraded,
    Tasks,
    Hooks,
    Telemetry,
}

impl Loss {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Connections, "connections"),
        (Self::Requests, "requests"),
        (Self::Upgraded, "upgraded"),
        (Self::Tasks, "tasks"),
        (Self::Hooks, "hooks"),
        (Self::Telemetry, "telemetry"),
    ];
}

/// The state, the phases with their durations, and the counts of what was lost.
#[derive(Debug)]
pub(super) struct Progress {
    state: watch::Sender<State>,
    phases: Mutex<Vec<PhaseRun>>,
    losses: [AtomicU64; Loss::ALL.len()],
}

/// A phase that has begun, and its duration if it has ended.
#[derive(Clone, Copy, Debug)]
struct PhaseRun {
    phase: ShutdownPhase,
    began: Instant,
    took: Option<Duration>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::Starting),
            phases: Mutex::default(),
            losses: Default::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Returns a receiver of the states from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Advances to `state`. An earlier state than the current one changes nothing.
    pub(super) fn enter(&self, state: State) {
        self.state.send_if_modified(|current| {
            let advances = state > *current;
            if advances {
                *current = state;
            }
            advances
        });
    }

    /// Records and logs the start of `phase`.
    pub(super) fn begin(&self, phase: ShutdownPhase) {
        self.lock().push(PhaseRun { phase, began: Instant::now(), took: None });
        tracing::info!(%phase, "shutdown phase begins");
    }

    /// Records and logs the end of `phase`.
    pub(super) fn end(&self, phase: ShutdownPhase) {
        let mut phases = self.lock();
        let run = phases.iter_mut().find(|run| run.phase == phase);
        let took = run.map(|run| *run.took.get_or_insert(run.began.elapsed()));
        drop(phases);
        let seconds = took.unwrap_or_default().as_secs_f64();
        tracing::info!(%phase, seconds, "shutdown phase is over");
    }

    /// Adds `count` to what was lost.
    pub(super) fn lost(&self, loss: Loss, count: usize) {
        self.losses[loss as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Returns the phases so far with their durations. The current one is measured up to now.
    pub(super) fn phases(&self) -> Vec<(ShutdownPhase, Duration)> {
        let phases = self.lock();
        phases.iter().map(|run| (run.phase, run.took.unwrap_or(run.began.elapsed()))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<PhaseRun>> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the metrics in `registry`. `bounds` are those of the phases, in their order.
    ///
    /// # Errors
    ///
    /// Returns an error if a metric of one of these names is already registered.
    pub(super) fn register(
        self: &Arc<Self>,
        registry: &Registry,
        bounds: [Duration; ShutdownPhase::ALL.len()],
    ) -> Result<(), ConfigError> {
        let progress = Arc::clone(self);
        registry.gauge_fn(
            "lifecycle_state",
            "Where the process stands: 1 for its state, 0 for the others.",
            &["state"],
            move |samples| {
                let current = progress.state();
                for state in State::ALL {
                    let value = if state == current { 1.0 } else { 0.0 };
                    samples.push(&[state.as_str()], value);
                }
            },
        )?;
        let progress = Arc::clone(self);
        registry.gauge_fn(
            "lifecycle_phase_duration_seconds",
            "How long each phase of the shutdown took, or takes so far.",
            &["phase"],
            move |samples| {
                for (phase, took) in progress.phases() {
                    samples.push(&[phase.as_str()], took.as_secs_f64());
                }
            },
        )?;
        registry.gauge_fn(
            "lifecycle_phase_bound_seconds",
            "How long each phase of the shutdown may take.",
            &["phase"],
            move |samples| {
                for (phase, bound) in ShutdownPhase::ALL.into_iter().zip(bounds) {
                    samples.push(&[phase.as_str()], bound.as_secs_f64());
                }
            },
        )?;
        let progress = Arc::clone(self);
        registry.counter_fn(
            "lifecycle_cut_off_total",
            "What the shutdown left unfinished because its time was over.",
            &["kind"],
            move |samples| {
                for (loss, kind) in Loss::ALL {
                    let count = progress.losses[loss as usize].load(Ordering::Relaxed);
                    samples.push(&[kind], count as f64);
                }
            },
        )
    }
}
