use std::fmt::Display;

/// What one run of a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Pass,
    /// It works, but not as it should: shown and counted as degraded, and never a
    /// reason to fail a probe.
    Warn(String),
    /// It does not work.
    Fail(String),
}

impl Verdict {
    /// It works, but not as it should.
    pub fn warn(message: impl Display) -> Self {
        Self::Warn(message.to_string())
    }

    /// It does not work.
    pub fn fail(message: impl Display) -> Self {
        Self::Fail(message.to_string())
    }
}

/// What a check may return: `()`, a [`Verdict`], or a `Result` of either.
///
/// An `Err` fails the check with the error's text. With `Result<Verdict, E>` the
/// `?` operator is at hand and a check can still say that it is degraded.
pub trait IntoVerdict {
    /// The verdict.
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for () {
    fn into_verdict(self) -> Verdict {
        Verdict::Pass
    }
}

impl<T: IntoVerdict, E: Display> IntoVerdict for Result<T, E> {
    fn into_verdict(self) -> Verdict {
        match self {
            Ok(value) => value.into_verdict(),
            Err(error) => Verdict::fail(error),
        }
    }
}
