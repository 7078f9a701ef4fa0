//! The settings of a check, after they have been validated.

use std::time::Duration;

use super::probe_gate::ProbeGate;
use crate::ConfigError;

/// The validated settings of a check.
#[derive(Debug)]
pub(super) struct CheckSpec {
    pub(super) name: String,
    pub(super) gate: ProbeGate,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) jitter: f64,
    pub(super) component_type: Option<String>,
}

impl CheckSpec {
    /// Returns the age after which a result is stale. By then three more runs should have started,
    /// and the last of them should have ended.
    pub(super) fn stale_after(&self) -> Duration {
        self.interval * 3 + self.timeout
    }
}

/// Validates a name that is part of paths, queries and labels.
///
/// The allowed characters are written alike in all of them, without percent-encoding (RFC 3986
/// §2.3, without `~`).
pub(super) fn validate_name(field: &'static str, name: &str) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(allowed) || [".", ".."].contains(&name) {
        return Err(ConfigError::new(
            field,
            name,
            "a name has letters, digits, `-`, `_` and `.` only, for it is a segment of a path",
            "write it like `orders-database`",
        ));
    }
    Ok(())
}
