//! The one error type for bad configuration.

use std::borrow::Cow;
use std::fmt;

/// A setting that cannot work, found when the kit is built and never later.
///
/// The text is one sentence for a person: the field, the value that was given,
/// the rule it breaks, and what to do instead. The parts are also readable one
/// by one, so that a program can point at the right line of its own settings.
///
/// ```
/// use sre_kit_core::ConfigError;
///
/// let err = ConfigError::new("port", 70_000, "a port is at most 65535", "write 8080");
/// assert_eq!(err.field(), "port");
/// assert_eq!(
///     err.to_string(),
///     "port is 70000, but a port is at most 65535; write 8080"
/// );
/// ```
pub struct ConfigError {
    inner: Box<Inner>,
}

struct Inner {
    field: Cow<'static, str>,
    value: String,
    rule: Cow<'static, str>,
    advice: Cow<'static, str>,
}

impl ConfigError {
    /// Says that `field` holds `value`, which breaks `rule`, and gives `advice`.
    ///
    /// Public so that adapters outside this crate can speak in the same form.
    /// `value` is shown as `Debug` shows it: text arrives in quotes.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        value: impl fmt::Debug,
        rule: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                field: field.into(),
                value: format!("{value:?}"),
                rule: rule.into(),
                advice: advice.into(),
            }),
        }
    }

    /// The setting that was refused, such as `metric name` or `slo.objective`.
    pub fn field(&self) -> &str {
        &self.inner.field
    }

    /// The value that was given, as `Debug` prints it.
    pub fn value(&self) -> &str {
        &self.inner.value
    }

    /// The rule that the value breaks.
    pub fn rule(&self) -> &str {
        &self.inner.rule
    }

    /// What to do about it.
    pub fn advice(&self) -> &str {
        &self.inner.advice
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { field, value, rule, advice } = &*self.inner;
        write!(f, "{field} is {value}, but {rule}; {advice}")
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {}

/// An error and what caused it: the outermost alone says little.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::ConfigError;

    #[test]
    fn reads_as_one_sentence_with_all_four_parts() {
        let err = ConfigError::new(
            "slo.objective",
            101,
            "an objective lies between 0 and 100 percent, both excluded",
            "write 99.9 for three nines",
        );
        assert_eq!(
            err.to_string(),
            "slo.objective is 101, but an objective lies between 0 and 100 percent, \
             both excluded; write 99.9 for three nines"
        );
        assert_eq!(
            (err.field(), err.value(), err.advice()),
            ("slo.objective", "101", "write 99.9 for three nines")
        );
    }
}
