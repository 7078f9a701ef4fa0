//! The items of a response: one per condition of the probe.

use std::borrow::Cow;
use std::time::Duration;

use crate::health::check_run::RunResult;
use crate::health::check_snapshot::{CheckSnapshot, CheckState};

/// One item of a response.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) subject: Subject<'a>,
    /// Whether the probe depends on the item.
    pub(super) gates: bool,
    pub(super) excluded: bool,
}

/// The subject of an item.
#[derive(Debug)]
pub(super) enum Subject<'a> {
    /// The process responds, which is enough for liveness.
    Ping,
    Heartbeat {
        name: &'a str,
        age: Duration,
        beating: bool,
    },
    /// The loops of the checks: no check has a result before they run.
    Monitor {
        running: bool,
    },
    Latch(&'a str),
    Startup {
        over: bool,
    },
    Shutdown {
        reason: Option<&'a str>,
    },
    Check(CheckSnapshot<'a>),
}

impl<'a> Item<'a> {
    pub(super) fn gate(subject: Subject<'a>) -> Self {
        Self { subject, gates: true, excluded: false }
    }

    pub(super) fn check(check: CheckSnapshot<'a>, gates: bool) -> Self {
        Self { subject: Subject::Check(check), gates, excluded: false }
    }

    /// Returns the name by which `?exclude=` excludes the item.
    pub(super) fn name(&self) -> Option<&'a str> {
        match &self.subject {
            Subject::Check(check) => Some(check.name()),
            Subject::Heartbeat { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Returns the name of the item in a verbose response.
    pub(super) fn title(&self) -> Cow<'a, str> {
        match &self.subject {
            Subject::Ping => "ping".into(),
            Subject::Monitor { .. } => "monitor".into(),
            Subject::Startup { .. } => "startup".into(),
            Subject::Shutdown { .. } => "shutdown".into(),
            Subject::Latch(name) => format!("latch/{name}").into(),
            Subject::Heartbeat { name, .. } => format!("heartbeat/{name}").into(),
            Subject::Check(check) => check.name().into(),
        }
    }

    pub(super) fn is_ok(&self) -> bool {
        match &self.subject {
            Subject::Ping => true,
            Subject::Monitor { running } => *running,
            Subject::Latch(_) => false,
            Subject::Startup { over } => *over,
            Subject::Shutdown { reason } => reason.is_none(),
            Subject::Heartbeat { beating, .. } => *beating,
            Subject::Check(check) => check.state().is_up(),
        }
    }

    pub(super) fn is_degraded(&self) -> bool {
        matches!(&self.subject, Subject::Check(check) if check.state() == CheckState::Warn)
    }

    /// Returns whether the item fails the probe.
    pub(super) fn fails(&self) -> bool {
        self.gates && !self.excluded && !self.is_ok()
    }

    /// Returns the state in fixed words, which contain no secret and may always be shown.
    pub(super) fn summary(&self) -> Option<Cow<'static, str>> {
        match &self.subject {
            Subject::Monitor { .. } => Some("checks are not running".into()),
            Subject::Latch(_) => Some("not released".into()),
            Subject::Startup { .. } => Some("starting".into()),
            Subject::Shutdown { .. } => Some("draining".into()),
            Subject::Heartbeat { age, .. } => Some(format!("last beat {} ago", short(*age)).into()),
            Subject::Ping => None,
            Subject::Check(check) => match (check.state(), check.result()) {
                (CheckState::Pending, _) => Some("no result yet".into()),
                (CheckState::Stale, _) => Some("result is stale".into()),
                (_, Some(RunResult::Timeout)) => {
                    Some(format!("timed out after {}", short(check.spec().timeout)).into())
                }
                (_, Some(RunResult::Panic)) => Some("panicked".into()),
                _ => None,
            },
        }
    }

    /// Returns the text of the check or of the drain, which may contain secrets.
    pub(super) fn detail(&self) -> Option<&'a str> {
        match &self.subject {
            Subject::Shutdown { reason } => *reason,
            Subject::Check(check) if check.state() != CheckState::Stale => check.message(),
            _ => None,
        }
    }

    /// Returns why the item is not ok: the summary, and the detail if `show_details` is set.
    pub(super) fn reason(&self, show_details: bool) -> String {
        let detail = self.detail().filter(|_| show_details);
        match (self.summary(), detail) {
            (Some(summary), Some(detail)) => format!("{summary}: {}", one_line(detail)),
            (Some(summary), None) => summary.into_owned(),
            (None, Some(detail)) => one_line(detail),
            (None, None) if show_details => "no reason given".to_owned(),
            (None, None) => "reason withheld".to_owned(),
        }
    }

    /// Returns the summary as a phrase that names the item.
    pub(super) fn phrase(&self) -> String {
        match &self.subject {
            Subject::Monitor { .. } | Subject::Startup { .. } | Subject::Shutdown { .. } => {
                self.summary().unwrap_or_default().into_owned()
            }
            Subject::Latch(name) => format!("latch {} is not released", one_line(name)),
            _ => match self.summary() {
                Some(summary) => format!("{}: {summary}", self.title()),
                None => format!("{} failed", self.title()),
            },
        }
    }
}

/// Formats a duration with millisecond precision.
pub(super) fn short(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    format!("{:?}", Duration::from_millis(millis))
}

/// Replaces control characters, so that the text of a check cannot forge lines of the response.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
