//! Where a process stands between its start and its end, and how that is shown.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::ConfigError;
use crate::metrics::Registry;

/// Where a process stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// Startup gates are not passed yet.
    Starting,
    /// It serves.
    Running,
    /// Readiness goes off, requests are still accepted and then finished.
    Draining,
    /// No request is under way: tasks, pools, telemetry and listeners end.
    Stopping,
    /// Everything has ended.
    Stopped,
}

impl State {
    const ALL: [Self; 5] =
        [Self::Starting, Self::Running, Self::Draining, Self::Stopping, Self::Stopped];

    /// The value of the label `state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step of the shutdown. They follow each other in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ShutdownPhase {
    /// Clients are told to leave; connections are still accepted.
    Delay,
    /// Nothing is accepted; requests are finished.
    Drain,
    /// Background tasks and upgraded connections end.
    Tasks,
    /// Pools and other resources are closed.
    Pools,
    /// Telemetry is flushed.
    Telemetry,
    /// The admin listener closes.
    Admin,
}

impl ShutdownPhase {
    const ALL: [Self; 6] =
        [Self::Delay, Self::Drain, Self::Tasks, Self::Pools, Self::Telemetry, Self::Admin];

    /// The value of the label `phase`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Drain => "drain",
            Self::Tasks => "tasks",
            Self::Pools => "pools",
            Self::Telemetry => "telemetry",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for ShutdownPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a shutdown may have to leave unfinished.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    Connections,
    Requests,
    Upgraded,
    Tasks,
    Hooks,
}

impl Loss {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Connections, "connections"),
        (Self::Requests, "requests"),
        (Self::Upgraded, "upgraded"),
        (Self::Tasks, "tasks"),
        (Self::Hooks, "hooks"),
    ];
}

/// What is left to tasks, to pools and to the admin listener, each, when the
/// phases before have used up the drain's time.
///
/// With the time that cut connections have to notice, 0.1 s each for requests,
/// upgraded sockets and the admin listener's, this makes 1.5 s: within the 2 s
/// that a grace period must hold beyond the three bounds.
pub(super) const LEFTOVER: Duration = Duration::from_millis(400);

/// The state, the phases with their times, and what was lost.
#[derive(Debug)]
pub(super) struct Progress {
    state: watch::Sender<State>,
    phases: Mutex<Vec<Run>>,
    losses: [AtomicU64; Loss::ALL.len()],
}

/// A phase that has begun.
#[derive(Clone, Copy, Debug)]
struct Run {
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

    pub(super) fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Goes on to `state`. It never goes back.
    pub(super) fn enter(&self, state: State) {
        self.state.send_if_modified(|current| {
            let onward = state > *current;
            if onward {
                *current = state;
            }
            onward
        });
    }

    pub(super) fn begin(&self, phase: ShutdownPhase) {
        self.lock().push(Run { phase, began: Instant::now(), took: None });
        tracing::info!(%phase, "shutdown phase begins");
    }

    pub(super) fn end(&self, phase: ShutdownPhase) {
        let mut phases = self.lock();
        let run = phases.iter_mut().find(|run| run.phase == phase);
        let took = run.map(|run| *run.took.get_or_insert(run.began.elapsed()));
        drop(phases);
        let seconds = took.unwrap_or_default().as_secs_f64();
        tracing::info!(%phase, seconds, "shutdown phase is over");
    }

    pub(super) fn lost(&self, loss: Loss, count: usize) {
        self.losses[loss as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The phases so far. One that goes on counts up to now.
    pub(super) fn phases(&self) -> Vec<(ShutdownPhase, Duration)> {
        let phases = self.lock();
        phases.iter().map(|run| (run.phase, run.took.unwrap_or(run.began.elapsed()))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Run>> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
