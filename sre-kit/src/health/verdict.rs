use std::fmt::Display;

/// What one run of a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// All is well.
    Pass,
    /// It works, but not as it should: shown and counted as degraded, and never a
    /// reason to fail a probe.
    Warn(String),
    /// It does not work.
    Fail(String),
}

impl CheckResult {
    /// It works, but not as it should.
    pub fn warn(message: impl Display) -> Self {
        Self::Warn(message.to_string())
    }

    /// It does not work.
    pub fn fail(message: impl Display) -> Self {
        Self::Fail(message.to_string())
    }
}

/// What a check may return: `()`, a [`CheckResult`], or a `Result` of either.
///
/// An `Err` fails the check with the error's text. With `Result<CheckResult, E>` the
/// `?` operator is at hand and a check can still say that it is degraded.
pub trait IntoCheckResult {
    /// The verdict.
    fn into_verdict(self) -> CheckResult;
}

impl IntoCheckResult for CheckResult {
    fn into_verdict(self) -> CheckResult {
        self
    }
}

impl IntoCheckResult for () {
    fn into_verdict(self) -> CheckResult {
        CheckResult::Pass
    }
}

impl<T: IntoCheckResult, E: Display> IntoCheckResult for Result<T, E> {
    fn into_verdict(self) -> CheckResult {
        match self {
            Ok(value) => value.into_verdict(),
            Err(error) => CheckResult::fail(error),
        }
    }
}
