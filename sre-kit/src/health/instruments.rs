//! The metrics of checks and heartbeats.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use super::check_run::{CheckRun, RunResult};
use super::check_spec::CheckSpec;
use super::health_state::HealthState;
use crate::ConfigError;
use crate::metrics::{Buckets, Counter, Histogram, Registry, Samples};

/// The bounds of the duration histogram in seconds: from a local lookup to a slow timeout.
const DURATION_BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The handles of one check, created by `build`, so that every series exists from then on.
#[derive(Debug)]
struct Handles {
    runs: [Counter; RunResult::ALL.len()],
    duration: Histogram,
}

/// The instruments of all checks.
#[derive(Debug)]
pub(super) struct Instruments {
    checks: Box<[Handles]>,
}

impl Instruments {
    pub(super) fn new(
        registry: &Registry,
        specs: &Arc<[CheckSpec]>,
        state: &watch::Sender<Arc<HealthState>>,
    ) -> Result<Self, ConfigError> {
        let gauge = |name, help, labels: &[&str], f: Collect| {
            let (specs, state) = (Arc::clone(specs), state.subscribe());
            registry.gauge_fn(name, help, labels, move |samples| {
                // Cloned, because a borrow that is held while samples are pushed blocks the loops.
                let state = Arc::clone(&state.borrow());
                f(&specs, &state, Instant::now(), samples);
            })
        };
        gauge(
            "health_check_up",
            "1 when the check passes or is degraded.",
            &["check", "gate"],
            up,
        )?;
        gauge("health_check_degraded", "1 when the check is up and warns.", &["check"], degraded)?;
        gauge(
            "health_check_last_success_timestamp_seconds",
            "When the check last passed, in Unix time; 0 when it never did.",
            &["check"],
            last_success,
        )?;
        gauge(
            "health_heartbeat_age_seconds",
            "Time since the last beat of a loop that liveness depends on.",
            &["heartbeat"],
            heartbeat_age,
        )?;
        let runs = registry.counter_family(
            "health_checks_total",
            "Runs of the check, by how they ended.",
            &["check", "result"],
        )?;
        let duration = registry.histogram_family(
            "health_check_duration_seconds",
            "How long a run of the check took.",
            &Buckets::seconds(DURATION_BOUNDS)?,
            &["check"],
        )?;
        let handles = |spec: &CheckSpec| Handles {
            runs: RunResult::ALL.map(|result| runs.with(&[&spec.name, result.as_str()])),
            duration: duration.with(&[&spec.name]),
        };
        Ok(Self { checks: specs.iter().map(handles).collect() })
    }

    pub(super) fn record(&self, index: usize, run: &CheckRun) {
        let handles = &self.checks[index];
        handles.runs[run.result as usize].inc();
        handles.duration.observe_duration(run.duration);
    }
}

/// A function that pushes the samples of one gauge.
type Collect = fn(&[CheckSpec], &HealthState, Instant, &mut Samples<'_>);

fn up(specs: &[CheckSpec], state: &HealthState, now: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&state.statuses) {
        let up = status.is_up(spec, now);
        samples.push(&[&spec.name, spec.gate.as_str()], f64::from(u8::from(up)));
    }
}

fn degraded(specs: &[CheckSpec], state: &HealthState, now: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&state.statuses) {
        let warns = status.deciding.as_ref().is_some_and(|run| run.result == RunResult::Warn);
        let degraded = warns && status.is_up(spec, now);
        samples.push(&[&spec.name], f64::from(u8::from(degraded)));
    }
}

fn last_success(specs: &[CheckSpec], state: &HealthState, _: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&state.statuses) {
        let since = status.last_success.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        samples.push(&[&spec.name], since.as_ref().map_or(0.0, Duration::as_secs_f64));
    }
}

fn heartbeat_age(_: &[CheckSpec], state: &HealthState, now: Instant, samples: &mut Samples<'_>) {
    for entry in &state.heartbeats {
        samples.push(&[&entry.name], entry.age(now).as_secs_f64());
    }
}
