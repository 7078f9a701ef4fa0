//! All that is known, in one value that is replaced and never changed in place.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::check::Spec;
use super::flap::Flap;
use super::heartbeat::Pulse;

/// Longest message that is kept; an error that prints a whole page stays bounded.
const LONGEST_MESSAGE: usize = 1_024;

/// How one run of a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Pass,
    Warn,
    Fail,
    Timeout,
    Panic,
}

impl Ending {
    pub(super) const ALL: [Self; 5] =
        [Self::Pass, Self::Warn, Self::Fail, Self::Timeout, Self::Panic];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
        }
    }

    pub(super) const fn passed(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

/// One run of a check.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) ending: Ending,
    pub(super) message: Option<Arc<str>>,
    pub(super) took: Duration,
    pub(super) at: Instant,
    pub(super) wall: SystemTime,
}

impl Outcome {
    pub(super) fn now(ending: Ending, message: Option<String>, took: Duration) -> Self {
        let message = message.filter(|text| !text.is_empty()).map(|mut text| {
            text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
            text.into()
        });
        Self { ending, message, took, at: Instant::now(), wall: SystemTime::now() }
    }
}

/// What is known of one check.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    flap: Flap,
    /// The run that the check's state rests on: while it is up the last one that
    /// passed, while it is down the last one that failed.
    pub(super) shown: Option<Outcome>,
    /// The last run, whether or not it counts yet.
    pub(super) last: Option<Outcome>,
    pub(super) last_success: Option<SystemTime>,
}

impl Status {
    /// Takes a run in, and says whether the state changed.
    fn record(&mut self, spec: &Spec, outcome: Outcome) -> bool {
        let before = self.shown.as_ref().map(|shown| shown.ending);
        if self.is_stale(spec, outcome.at) {
            // What was known is worth nothing: as with the first, this result counts.
            *self = Self { last_success: self.last_success, ..Self::default() };
        }
        let passed = outcome.ending.passed();
        if passed {
            self.last_success = Some(outcome.wall);
        }
        if self.flap.record(passed, spec.rise, spec.fall) == passed {
            self.shown = Some(outcome.clone());
        }
        self.last = Some(outcome);
        before != self.shown.as_ref().map(|shown| shown.ending)
    }

    pub(super) fn stale_at(&self, spec: &Spec) -> Option<Instant> {
        self.last.as_ref().map(|last| last.at + spec.stale_after())
    }

    pub(super) fn is_stale(&self, spec: &Spec, now: Instant) -> bool {
        self.stale_at(spec).is_some_and(|at| now > at)
    }

    pub(super) fn is_up(&self, spec: &Spec, now: Instant) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.ending.passed()) && !self.is_stale(spec, now)
    }

    pub(super) fn against(&self) -> u32 {
        self.flap.against()
    }
}

/// Something that startup waits for.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) id: u64,
    pub(super) name: Arc<str>,
}

/// All that is known at one moment.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) draining: Option<Cow<'static, str>>,
    /// Startup is over. Never unset.
    pub(super) started: bool,
    /// The loops have been set going, without which nothing is known.
    pub(super) running: bool,
    pub(super) latches: Vec<Hold>,
    pub(super) pulses: Vec<Arc<Pulse>>,
    pub(super) statuses: Vec<Status>,
    /// Started, not draining, and no check that gates readiness is down: all of
    /// readiness but the passing of time.
    clear: bool,
    /// The moment from which a check that gates readiness is stale.
    clear_until: Option<Instant>,
}

impl Board {
    pub(super) fn new(checks: usize) -> Self {
        Self {
            draining: None,
            started: false,
            running: false,
            latches: Vec::new(),
            pulses: Vec::new(),
            statuses: vec![Status::default(); checks],
            clear: false,
            clear_until: None,
        }
    }

    /// Takes the result of check `index` in, and says whether its state changed.
    pub(super) fn record(&mut self, specs: &[Spec], index: usize, outcome: Outcome) -> bool {
        self.statuses[index].record(&specs[index], outcome)
    }

    /// Draws the conclusions, once per change, so that a probe need not.
    pub(super) fn conclude(&mut self, specs: &[Spec], now: Instant) {
        let checks = || specs.iter().zip(&self.statuses);
        if !self.started {
            self.started = self.running
                && self.latches.is_empty()
                && checks()
                    .filter(|(spec, _)| spec.gate.holds_startup())
                    .all(|(spec, status)| status.is_up(spec, now));
        }
        let gates = || checks().filter(|(spec, _)| spec.gate.holds_readiness());
        self.clear = self.started
            && self.draining.is_none()
            && gates().all(|(spec, status)| status.is_up(spec, now));
        self.clear_until = gates().filter_map(|(spec, status)| status.stale_at(spec)).min();
    }

    /// Whether the instance is ready at `now`. One comparison, however many checks there are.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.clear && self.clear_until.is_none_or(|until| now <= until)
    }

    /// Until when [`is_ready`](Self::is_ready) holds if nothing is recorded.
    #[cfg(feature = "tonic")]
    pub(super) fn ready_until(&self) -> Option<Instant> {
        self.clear_until.filter(|_| self.clear)
    }

    /// Whether every heartbeat is young enough. While draining they are not asked:
    /// a loop that was told to stop stops beating, and killing the process for it
    /// would lose what is still in flight.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.draining.is_some() || self.pulses.iter().all(|pulse| pulse.is_beating(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::{Board, Ending, Outcome};
    use crate::health::Check;
    use crate::health::check::Spec;

    fn specs() -> Vec<Spec> {
        let check = |name: &str| Check::new(name, || async {}).interval(Duration::from_secs(1)); // stale after 4 s
        [
            check("report"),
            check("startup").gate_startup(),
            check("readiness").gate_readiness().rise(1).fall(1),
            check("both").gate_startup().gate_readiness(),
        ]
        .map(|check| check.resolve().expect("valid").0)
        .into()
    }

    /// Readiness by its definition, check by check.
    fn by_definition(board: &Board, specs: &[Spec], now: Instant) -> bool {
        let gates = specs.iter().zip(&board.statuses).filter(|(s, _)| s.gate.holds_readiness());
        board.started
            && board.draining.is_none()
            && gates.into_iter().all(|(spec, status)| status.is_up(spec, now))
    }

    proptest! {
        /// What a probe reads is drawn once per change; it must never differ from what
        /// reading everything again would give, however much time has passed since.
        #[test]
        fn the_conclusion_is_the_definition_at_every_moment(
            steps in prop::collection::vec((0_usize..4, 0_usize..5, 0_u64..4_000), 1..80),
            drain_at in 0_usize..160,
        ) {
            let specs = specs();
            let mut board = Board::new(specs.len());
            board.running = true;
            let mut now = Instant::now();
            let mut was_started = false;
            for (step, (check, ending, wait)) in steps.into_iter().enumerate() {
                let mut outcome = Outcome::now(Ending::ALL[ending], None, Duration::ZERO);
                outcome.at = now;
                board.record(&specs, check, outcome);
                if step == drain_at {
                    board.draining = Some("test".into());
                }
                board.conclude(&specs, now);
                prop_assert!(board.started || !was_started, "started stays started");
                was_started = board.started;
                for later in [0, 1, wait, 3_999, 4_000, 4_001] {
                    let at = now + Duration::from_millis(later);
                    prop_assert_eq!(board.is_ready(at), by_definition(&board, &specs, at));
                }
                now += Duration::from_millis(wait);
            }
        }
    }
}
