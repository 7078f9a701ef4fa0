//! TLS to a collector, with the provider that the build or the process has.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod files;

#[cfg(not(feature = "tls"))]
pub(super) use absent::{channel, http};
#[cfg(feature = "tls")]
pub(super) use files::{channel, http};

use crate::settings::otlp::OtlpSettings;

/// The name of the setting in errors.
const FIELD: &str = "otlp endpoint";

fn is_tls(otlp: &OtlpSettings) -> bool {
    otlp.endpoint.starts_with("https")
}
