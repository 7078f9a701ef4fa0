//! What is known of the service at one moment.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::board::{Board, Ending, Status};
use super::check::Spec;
use super::gate::ProbeGate;

/// What is known of the service at one moment, all of it of the same moment.
///
/// Cheap to take and to keep. It does not change: take another to see what came after.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) specs: Arc<[Spec]>,
    pub(super) board: Arc<Board>,
    pub(super) now: Instant,
}

impl Snapshot {
    /// Whether startup is over. Once it is, it stays so.
    pub fn is_started(&self) -> bool {
        self.board.started
    }

    /// Whether traffic should come here: started, not draining, and no check that
    /// gates readiness fails.
    pub fn is_ready(&self) -> bool {
        self.board.is_ready(self.now)
    }

    /// Whether the process should be left alone: every heartbeat is young enough.
    pub fn is_live(&self) -> bool {
        self.board.is_live(self.now)
    }

    /// Why the service is draining, if it is.
    pub fn draining(&self) -> Option<&str> {
        self.board.draining.as_deref()
    }

    /// The latches that startup still waits for.
    pub fn latches(&self) -> impl Iterator<Item = &str> {
        self.board.latches.iter().map(|hold| &*hold.name)
    }

    /// Every check, in the order in which they were added.
    pub fn checks(&self) -> impl Iterator<Item = CheckSnapshot<'_>> {
        self.specs.iter().zip(&self.board.statuses).map(|(spec, status)| CheckSnapshot {
            spec,
            status,
            now: self.now,
        })
    }

    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<CheckSnapshot<'_>> {
        self.checks().find(|check| check.name() == name)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without what anyone has said: a snapshot ends up in logs by `{:?}`.
        f.debug_struct("Snapshot")
            .field("started", &self.is_started())
            .field("ready", &self.is_ready())
            .field("live", &self.is_live())
            .field("draining", &self.draining().is_some())
            .field("checks", &self.checks().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What a check stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckState {
    /// No run has ended yet. Counts as failing.
    Pending,
    /// It passes.
    Pass,
    /// It works, but not as it should. Counts as passing.
    Warn,
    /// It fails.
    Fail,
    /// The last result is older than three intervals and a timeout, so nothing is
    /// known. Counts as failing.
    Stale,
}

impl CheckState {
    /// Whether probes take it as passing.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

/// What is known of one check at one moment.
#[derive(Clone, Copy)]
pub struct CheckSnapshot<'a> {
    spec: &'a Spec,
    status: &'a Status,
    now: Instant,
}

impl<'a> CheckSnapshot<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.spec.name
    }

    /// What it holds back when it fails.
    pub fn gate(&self) -> ProbeGate {
        self.spec.gate
    }

    /// What it stands at, after rise, fall and age.
    pub fn state(&self) -> CheckState {
        match &self.status.shown {
            _ if self.status.is_stale(self.spec, self.now) => CheckState::Stale,
            None => CheckState::Pending,
            Some(shown) => match shown.ending {
                Ending::Pass => CheckState::Pass,
                Ending::Warn => CheckState::Warn,
                Ending::Fail | Ending::Timeout | Ending::Panic => CheckState::Fail,
            },
        }
    }

    /// How long ago the last run ended.
    pub fn age(&self) -> Option<Duration> {
        self.status.last.as_ref().map(|last| self.now.saturating_duration_since(last.at))
    }

    /// How long the last run took.
    pub fn took(&self) -> Option<Duration> {
        self.status.last.as_ref().map(|last| last.took)
    }

    /// When the last run ended, by the wall clock.
    pub fn time(&self) -> Option<SystemTime> {
        self.status.last.as_ref().map(|last| last.wall)
    }

    /// How many runs in a row have said the opposite of [`state`](Self::state):
    /// failures that `fall` still forgives, or passes that `rise` still doubts.
    pub fn contrary_runs(&self) -> u32 {
        self.status.against()
    }

    /// What the run said that the state rests on. An error's text may hold host
    /// names and more: it is for logs and for people, not for the open network.
    pub fn message(&self) -> Option<&'a str> {
        self.status.shown.as_ref().and_then(|shown| shown.message.as_deref())
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.status.shown.as_ref().map(|shown| shown.ending)
    }

    pub(super) fn spec(&self) -> &'a Spec {
        self.spec
    }
}

impl fmt::Debug for CheckSnapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckSnapshot")
            .field("name", &self.name())
            .field("gate", &self.gate())
            .field("state", &self.state())
            .field("age", &self.age())
            .finish_non_exhaustive()
    }
}
