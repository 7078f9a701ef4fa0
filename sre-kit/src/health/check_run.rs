//! One run of a check.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The longest message that is kept, in bytes. It bounds an error that prints a whole page.
const MAX_MESSAGE: usize = 1_024;

/// The result of a run, as the label `result` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunResult {
    Pass,
    Warn,
    Fail,
    Timeout,
    Panic,
}

impl RunResult {
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

    pub(super) const fn is_passing(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

/// One run of a check that has ended.
#[derive(Clone, Debug)]
pub(super) struct CheckRun {
    pub(super) result: RunResult,
    pub(super) message: Option<Arc<str>>,
    pub(super) duration: Duration,
    pub(super) ended: Instant,
    pub(super) ended_wall: SystemTime,
}

impl CheckRun {
    /// Creates a run that ends now.
    pub(super) fn now(result: RunResult, message: Option<String>, duration: Duration) -> Self {
        let message = message.filter(|text| !text.is_empty()).map(|mut text| {
            text.truncate(text.floor_char_boundary(MAX_MESSAGE));
            text.into()
        });
        let (ended, ended_wall) = (Instant::now(), SystemTime::now());
        Self { result, message, duration, ended, ended_wall }
    }
}
