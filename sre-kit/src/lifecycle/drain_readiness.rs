//! The moment at which readiness goes off.

use std::str::FromStr;

use crate::ConfigError;

/// The moment of a graceful shutdown at which readiness goes off.
///
/// It is parsed from `immediate` and `after-delay`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrainReadiness {
    /// When the drain begins, before the delay.
    ///
    /// Use it where something polls readiness to decide where requests go, such as a load balancer
    /// with health checks.
    #[default]
    Immediate,
    /// When the delay is over.
    ///
    /// Kubernetes removes a terminating pod from its endpoints by itself. While the pod is ready,
    /// kube-proxy can still fall back on it if no other endpoint is left ([KEP-1669],
    /// `ProxyTerminatingEndpoints`).
    ///
    /// [KEP-1669]: https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1669-proxy-terminating-endpoints
    AfterDelay,
}

impl DrainReadiness {
    /// Parses the value of the setting `field`.
    ///
    /// # Errors
    ///
    /// Returns an error that names `field` if `text` is neither `immediate` nor `after-delay`.
    pub(super) fn parse(field: &'static str, text: &str) -> Result<Self, ConfigError> {
        match text.trim() {
            "immediate" => Ok(Self::Immediate),
            "after-delay" => Ok(Self::AfterDelay),
            other => Err(ConfigError::new(
                field,
                other,
                "readiness goes off at one of two moments",
                "write immediate or after-delay",
            )),
        }
    }
}

impl FromStr for DrainReadiness {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        Self::parse("lifecycle.readiness", text)
    }
}
