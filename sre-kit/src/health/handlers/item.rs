use std::borrow::Cow;
use std::time::Duration;

use crate::health::board::Ending;
use crate::health::snapshot::{CheckSnapshot, CheckState};

/// One line of an answer.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) subject: Subject<'a>,
    /// Whether the answer depends on it.
    pub(super) gates: bool,
    pub(super) excluded: bool,
}

/// What a line is about.
#[derive(Debug)]
pub(super) enum Subject<'a> {
    /// The process answers, which is all that liveness asks.
    Ping,
    Heartbeat {
        name: &'a str,
        age: Duration,
        beating: bool,
    },
    /// The loops of the checks: nothing is known before they run.
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

    /// The name by which a request may leave it out.
    pub(super) fn name(&self) -> Option<&'a str> {
        match &self.subject {
            Subject::Check(check) => Some(check.name()),
            Subject::Heartbeat { name, .. } => Some(name),
            _ => None,
        }
    }

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

    /// Whether the answer fails because of it.
    pub(super) fn fails(&self) -> bool {
        self.gates && !self.excluded && !self.is_ok()
    }

    /// What is wrong, in the kit's own words, which give nothing away.
    pub(super) fn words(&self) -> Option<Cow<'static, str>> {
        match &self.subject {
            Subject::Monitor { .. } => Some("checks are not running".into()),
            Subject::Latch(_) => Some("not released".into()),
            Subject::Startup { .. } => Some("starting".into()),
            Subject::Shutdown { .. } => Some("draining".into()),
            Subject::Heartbeat { age, .. } => Some(format!("last beat {} ago", short(*age)).into()),
            Subject::Ping => None,
            Subject::Check(check) => match (check.state(), check.ending()) {
                (CheckState::Pending, _) => Some("no result yet".into()),
                (CheckState::Stale, _) => Some("result is stale".into()),
                (_, Some(Ending::Timeout)) => {
                    Some(format!("timed out after {}", short(check.spec().timeout)).into())
                }
                (_, Some(Ending::Panic)) => Some("panicked".into()),
                _ => None,
            },
        }
    }

    /// What somebody else has said about it, which may give something away.
    pub(super) fn said(&self) -> Option<&'a str> {
        match &self.subject {
            Subject::Shutdown { reason } => *reason,
            Subject::Check(check) if check.state() != CheckState::Stale => check.message(),
            _ => None,
        }
    }

    /// Why it is not well: the kit's words, and what was said where that may be shown.
    pub(super) fn reason(&self, details: bool) -> String {
        let said = self.said().filter(|_| details);
        match (self.words(), said) {
            (Some(words), Some(said)) => format!("{words}: {}", one_line(said)),
            (Some(words), None) => words.into_owned(),
            (None, Some(said)) => one_line(said),
            (None, None) if details => "no reason given".to_owned(),
            (None, None) => "reason withheld".to_owned(),
        }
    }

    /// The same in one phrase that stands alone.
    pub(super) fn phrase(&self) -> String {
        match &self.subject {
            Subject::Monitor { .. } | Subject::Startup { .. } | Subject::Shutdown { .. } => {
                self.words().unwrap_or_default().into_owned()
            }
            Subject::Latch(name) => format!("latch {} is not released", one_line(name)),
            _ => match self.words() {
                Some(words) => format!("{}: {words}", self.title()),
                None => format!("{} failed", self.title()),
            },
        }
    }
}

/// A duration for people: to the millisecond.
pub(super) fn short(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    format!("{:?}", Duration::from_millis(millis))
}

/// Text of somebody else's as one line, so that it cannot pass for a line of ours.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
