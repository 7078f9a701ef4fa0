//! The error type for bad configuration.

use std::borrow::Cow;
use std::fmt;

/// The error for a setting that cannot work. It is returned when a part is built, never later.
///
/// Its text is one sentence: the field, its value, the rule that the value breaks, and what to do
/// instead. Each part also has a getter, so that a program can point to the right line of its
/// settings.
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
    /// Creates the error of `field`, whose `value` breaks `rule`, with an `advice`.
    ///
    /// It is public so that adapters in other crates can report errors in the same form. `value` is
    /// formatted with `Debug`: text is in quotes.
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

    /// Returns the setting that was refused, such as `metric name` or `slo.objective`.
    pub fn field(&self) -> &str {
        &self.inner.field
    }

    /// Returns the value, as `Debug` formats it.
    pub fn value(&self) -> &str {
        &self.inner.value
    }

    /// Returns the rule that the value breaks.
    pub fn rule(&self) -> &str {
        &self.inner.rule
    }

    /// Returns what to do instead.
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

/// Returns the text of an error and of its sources, without those that a text before contains.
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
