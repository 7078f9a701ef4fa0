//! The result of a check.

use std::fmt::Display;

/// The result of one run of a check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a check reports its result by returning it"]
pub enum CheckResult {
    /// The check passes.
    Pass,
    /// The check passes, but the service is degraded for the given reason. It is shown and counted,
    /// and never fails a probe.
    Warn(String),
    /// The check fails for the given reason.
    Fail(String),
}

impl CheckResult {
    /// Returns a [`Warn`](Self::Warn) with this reason.
    pub fn warn(message: impl Display) -> Self {
        Self::Warn(message.to_string())
    }

    /// Returns a [`Fail`](Self::Fail) with this reason.
    pub fn fail(message: impl Display) -> Self {
        Self::Fail(message.to_string())
    }
}

/// A value that a check may return: `()`, a [`CheckResult`], or a `Result` of either.
///
/// An `Err` fails the check with the error's text. A check that returns `Result<CheckResult, E>`
/// can use the `?` operator and still report that the service is degraded.
pub trait IntoCheckResult {
    /// Converts the value into the result of the check.
    fn into_check_result(self) -> CheckResult;
}

impl IntoCheckResult for CheckResult {
    fn into_check_result(self) -> CheckResult {
        self
    }
}

impl IntoCheckResult for () {
    fn into_check_result(self) -> CheckResult {
        CheckResult::Pass
    }
}

impl<T: IntoCheckResult, E: Display> IntoCheckResult for Result<T, E> {
    fn into_check_result(self) -> CheckResult {
        match self {
            Ok(value) => value.into_check_result(),
            Err(error) => CheckResult::fail(error),
        }
    }
}
