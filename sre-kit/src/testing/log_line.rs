//! A line of the log.

use std::collections::BTreeMap;
use std::fmt;

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine {
    pub(super) severity: String,
    pub(super) target: String,
    pub(super) message: String,
    pub(super) fields: BTreeMap<String, String>,
    pub(super) trace_id: Option<String>,
}

impl LogLine {
    /// Returns the severity: `ERROR`, `WARNING`, `INFO` or `DEBUG`.
    pub fn severity(&self) -> &str {
        &self.severity
    }

    /// Returns the target, which is the module that logged unless the call names another.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns a field as text, or `None` if the line does not have it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Returns all fields, by name.
    pub fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// Returns the id of the trace in which the line was logged. Always `None` without the feature
    /// `telemetry`.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Asserts that the line has this field with this value.
    ///
    /// # Panics
    ///
    /// Panics if it does not.
    #[track_caller]
    pub fn assert_field(&self, name: &str, value: impl fmt::Display) -> &Self {
        let value = value.to_string();
        match self.field(name) {
            Some(found) if found == value => self,
            Some(found) => panic!(
                "expected the field `{name}` of the log line to be `{value}`, but it is \
                 `{found}`.\nThe line is: {self}"
            ),
            None => panic!(
                "expected the log line to have the field `{name}`, but it does not.\n\
                 The line is: {self}"
            ),
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.target, self.message)?;
        for (name, value) in &self.fields {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// Returns the lines as a paragraph of a failure message.
pub(super) fn list(lines: &[LogLine]) -> String {
    if lines.is_empty() {
        return "Nothing was logged.".to_owned();
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("  {line}")).collect();
    format!("Logged were:\n{}", lines.join("\n"))
}
