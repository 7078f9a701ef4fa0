//! Saturation of the process and of the runtime that the kit is built on.

use tokio::runtime::Handle;

use crate::ConfigError;
use crate::metrics::{ProcessMetrics, Registry};
use crate::saturation::Saturation;

pub(super) fn build(registry: &Registry) -> Result<Saturation, ConfigError> {
    ProcessMetrics::register(registry)?;
    let mut saturation = Saturation::builder();
    if let Ok(runtime) = Handle::try_current() {
        saturation = saturation.runtime(runtime);
    }
    saturation.build(registry)
}
