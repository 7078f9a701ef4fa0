//! The declaration of a unit of work.

use std::time::Duration;

use crate::ConfigError;

/// The longest name of a unit.
const MAX_NAME: usize = 64;

/// The declaration of a unit of work: a job, a message or a task.
///
/// ```
/// use std::time::Duration;
/// use sre_kit::work::WorkUnit;
///
/// let import = WorkUnit::new("import")?.heartbeat(Duration::from_secs(600));
/// let orders = WorkUnit::new("orders")?.message("kafka", "process");
/// assert!(WorkUnit::new("order 17").is_err());
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a unit does nothing until it is passed to a builder"]
pub struct WorkUnit {
    pub(super) name: String,
    /// The messaging system and the name of the operation.
    pub(super) message: Option<(&'static str, &'static str)>,
    pub(super) max_age: Option<Duration>,
}

impl WorkUnit {
    /// Declares a unit. The name is the value of the label `work`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is empty, longer than 64 bytes or has other characters than
    /// letters, digits, `.`, `-` and `_`.
    pub fn new(name: impl Into<String>) -> Result<Self, ConfigError> {
        let name = name.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(allowed) {
            return Err(ConfigError::new(
                "work unit",
                name,
                "a name has 1 to 64 letters, digits, `.`, `-` or `_`",
                "name the kind of work, such as `import`, and not one piece of it",
            ));
        }
        Ok(Self { name, message: None, max_age: None })
    }

    /// Declares that the unit processes a message. Its durations are also recorded in
    /// `messaging_process_duration_seconds`, with these values of `messaging_system` and
    /// `messaging_operation_name`.
    pub fn message(mut self, system: &'static str, operation: &'static str) -> Self {
        self.message = Some((system, operation));
        self
    }

    /// Lets liveness fail when no unit has ended for longer than `max_age`. It has an effect in a
    /// kit only, which has the probes.
    ///
    /// Use it for work that never pauses. A queue that is empty has no ends, and liveness would
    /// fail.
    pub fn heartbeat(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    #[cfg(feature = "serve")]
    pub(crate) fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
