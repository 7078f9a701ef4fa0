//! What a check leaves in the metrics.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;

use super::board::{Board, Ending, Outcome};
use super::check::Spec;
use crate::ConfigError;
use crate::metrics::{Buckets, Counter, Histogram, Registry, Samples};

/// Bounds of the duration histogram: a local look-up to a slow timeout.
const DURATION_BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The handles of one check, made at build, so that every series exists from then on.
#[derive(Debug)]
struct Handles {
    runs: [Counter; Ending::ALL.len()],
    duration: Histogram,
}

#[derive(Debug)]
pub(super) struct Instruments {
    checks: Box<[Handles]>,
}

impl Instruments {
    pub(super) fn new(
        registry: &Registry,
        specs: &Arc<[Spec]>,
        board: &watch::Sender<Arc<Board>>,
    ) -> Result<Self, ConfigError> {
        let gauge = |name, help, labels: &[&str], f: Reading| {
            let (specs, board) = (Arc::clone(specs), board.subscribe());
            registry.gauge_fn(name, help, labels, move |samples| {
                // Not held while samples are pushed: that would hold up the loops.
                let board = Arc::clone(&board.borrow());
                f(&specs, &board, Instant::now(), samples);
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
        let handles = |spec: &Spec| Handles {
            runs: Ending::ALL.map(|ending| runs.with(&[&spec.name, ending.as_str()])),
            duration: duration.with(&[&spec.name]),
        };
        Ok(Self { checks: specs.iter().map(handles).collect() })
    }

    pub(super) fn record(&self, index: usize, outcome: &Outcome) {
        let handles = &self.checks[index];
        handles.runs[outcome.ending as usize].inc();
        handles.duration.observe_duration(outcome.took);
    }
}

type Reading = fn(&[Spec], &Board, Instant, &mut Samples<'_>);

fn up(specs: &[Spec], board: &Board, now: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&board.statuses) {
        let up = status.is_up(spec, now);
        samples.push(&[&spec.name, spec.gate.as_str()], f64::from(u8::from(up)));
    }
}

fn degraded(specs: &[Spec], board: &Board, now: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&board.statuses) {
        let warns = status.shown.as_ref().is_some_and(|shown| shown.ending == Ending::Warn);
        let degraded = warns && status.is_up(spec, now);
        samples.push(&[&spec.name], f64::from(u8::from(degraded)));
    }
}

fn last_success(specs: &[Spec], board: &Board, _: Instant, samples: &mut Samples<'_>) {
    for (spec, status) in specs.iter().zip(&board.statuses) {
        let since = status.last_success.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        samples.push(&[&spec.name], since.as_ref().map_or(0.0, Duration::as_secs_f64));
    }
}

fn heartbeat_age(_: &[Spec], board: &Board, now: Instant, samples: &mut Samples<'_>) {
    for pulse in &board.pulses {
        samples.push(&[&pulse.name], pulse.age(now).as_secs_f64());
    }
}
