//! The phases of a login, and how they are timed.

use std::time::Duration;

use tokio::time::Instant;

use super::error::DialError;
use crate::instrument::DialMetrics;

/// The longest that one phase of a login may take.
pub(crate) const PHASE_TIMEOUT: Duration = Duration::from_secs(5);

/// The phases of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Credentials,
    Tcp,
    Tls,
    Login,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Login => "login",
        }
    }

    /// Returns the error of a phase that took longer than [`PHASE_TIMEOUT`].
    pub(crate) fn timed_out(self) -> DialError {
        DialError::timed_out(format_args!("no answer within {PHASE_TIMEOUT:?} ({})", self.as_str()))
    }
}

/// Runs one phase, and records how long it took and how it ended.
pub(crate) async fn timed<T>(
    metrics: &DialMetrics,
    phase: Phase,
    work: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    let start = Instant::now();
    let result = work.await;
    let error_type = result.as_ref().err().map_or("", |error| error.error_type);
    metrics.phase(phase.as_str(), error_type, start.elapsed());
    result
}
