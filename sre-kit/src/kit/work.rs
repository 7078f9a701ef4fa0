//! Units of work among the probes.

use crate::ConfigError;
use crate::health::Health;
use crate::metrics::Registry;
use crate::work::{Work, WorkBuilder};

/// Builds the units. One with a maximum age beats the heart of its name at each end.
pub(super) fn build(
    work: WorkBuilder,
    registry: &Registry,
    health: &Health,
) -> Result<Work, ConfigError> {
    work.build_with(registry, |unit| {
        let Some(max_age) = unit.max_age() else { return Ok(None) };
        let heartbeat = health.heartbeat(format!("work-{}", unit.name()), max_age)?;
        Ok(Some(Box::new(move || heartbeat.beat())))
    })
}
