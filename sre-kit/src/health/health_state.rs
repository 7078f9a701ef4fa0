//! The state of the service's health: one value that is replaced as a whole on every change.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::time::Instant;

use super::check_run::CheckRun;
use super::check_spec::CheckSpec;
use super::check_status::CheckStatus;
use super::heartbeat_entry::HeartbeatEntry;

/// A latch that startup waits for.
#[derive(Clone, Debug)]
pub(super) struct LatchEntry {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
}

/// The health of the service at one moment.
#[derive(Clone, Debug)]
pub(super) struct HealthState {
    /// The reason for which the service drains, if it does.
    pub(super) draining: Option<Cow<'static, str>>,
    /// Whether startup is complete. It is never reset.
    pub(super) started: bool,
    /// Whether the loops of the checks have been started. Without them no check has a result.
    pub(super) running: bool,
    pub(super) latches: Vec<LatchEntry>,
    pub(super) heartbeats: Vec<Arc<HeartbeatEntry>>,
    pub(super) statuses: Vec<CheckStatus>,
    /// Whether the service is started, not draining, and no check that gates readiness is down, at
    /// the time of the last change. Only staleness can end it without another change.
    passing: bool,
    /// The moment at which the first check that gates readiness becomes stale.
    passing_until: Option<Instant>,
}

impl HealthState {
    pub(super) fn new(checks: usize) -> Self {
        Self {
            draining: None,
            started: false,
            running: false,
            latches: Vec::new(),
            heartbeats: Vec::new(),
            statuses: vec![CheckStatus::default(); checks],
            passing: false,
            passing_until: None,
        }
    }

    /// Records a run of check `index`, and returns whether the state of the check changed.
    pub(super) fn record(&mut self, specs: &[CheckSpec], index: usize, run: CheckRun) -> bool {
        self.statuses[index].record(&specs[index], run)
    }

    /// Evaluates startup and readiness. It runs once per change, so that a probe does not have to.
    pub(super) fn evaluate(&mut self, specs: &[CheckSpec], now: Instant) {
        let checks = || specs.iter().zip(&self.statuses);
        if !self.started {
            self.started = self.running
                && self.latches.is_empty()
                && checks()
                    .filter(|(spec, _)| spec.gate.holds_startup())
                    .all(|(spec, status)| status.is_up(spec, now));
        }
        let gates = || checks().filter(|(spec, _)| spec.gate.holds_readiness());
        self.passing = self.started
            && self.draining.is_none()
            && gates().all(|(spec, status)| status.is_up(spec, now));
        self.passing_until = gates().filter_map(|(spec, status)| status.stale_at(spec)).min();
    }

    /// Returns whether the instance is ready at `now`. It costs one comparison, whatever the number
    /// of checks.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.passing && self.passing_until.is_none_or(|until| now <= until)
    }

    /// Returns the moment until which [`is_ready`](Self::is_ready) holds if nothing changes.
    #[cfg(feature = "tonic")]
    pub(super) fn ready_until(&self) -> Option<Instant> {
        self.passing_until.filter(|_| self.passing)
    }

    /// Returns whether every heartbeat is recent enough.
    ///
    /// A service that drains is always live: its loops stop and beat no more, and a restart would
    /// lose the requests that are in flight.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.draining.is_some() || self.heartbeats.iter().all(|entry| entry.is_beating(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::{CheckRun, CheckSpec, HealthState};
    use crate::health::Check;
    use crate::health::check_run::RunResult;

    fn specs() -> Vec<CheckSpec> {
        // A result is stale after 4 s: three intervals of 1 s, and a timeout of 1 s.
        let check = |name: &str| Check::new(name, || async {}).interval(Duration::from_secs(1));
        [
            check("report"),
            check("startup").gate_startup(),
            check("readiness").gate_readiness().rise(1).fall(1),
            check("both").gate_startup().gate_readiness(),
        ]
        .map(|check| check.resolve().expect("valid").0)
        .into()
    }

    /// Evaluates readiness by its definition, check by check.
    fn by_definition(state: &HealthState, specs: &[CheckSpec], now: Instant) -> bool {
        let gates = specs.iter().zip(&state.statuses).filter(|(s, _)| s.gate.holds_readiness());
        state.started
            && state.draining.is_none()
            && gates.into_iter().all(|(spec, status)| status.is_up(spec, now))
    }

    proptest! {
        /// Readiness is evaluated once per change. It must never differ from an evaluation at the
        /// time of the probe, however much time has passed since.
        #[test]
        fn the_cached_readiness_equals_its_definition_at_every_moment(
            steps in prop::collection::vec((0_usize..4, 0_usize..5, 0_u64..4_000), 1..80),
            drain_at in 0_usize..160,
        ) {
            let specs = specs();
            let mut state = HealthState::new(specs.len());
            state.running = true;
            let mut now = Instant::now();
            let mut was_started = false;
            for (step, (check, result, wait)) in steps.into_iter().enumerate() {
                let mut run = CheckRun::now(RunResult::ALL[result], None, Duration::ZERO);
                run.ended = now;
                state.record(&specs, check, run);
                if step == drain_at {
                    state.draining = Some("test".into());
                }
                state.evaluate(&specs, now);
                prop_assert!(state.started || !was_started, "started stays started");
                was_started = state.started;
                for later in [0, 1, wait, 3_999, 4_000, 4_001] {
                    let at = now + Duration::from_millis(later);
                    prop_assert_eq!(state.is_ready(at), by_definition(&state, &specs, at));
                }
                now += Duration::from_millis(wait);
            }
        }
    }
}
