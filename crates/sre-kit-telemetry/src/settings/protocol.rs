//! The transport of OTLP.

use std::fmt;
use std::str::FromStr;

use crate::vars::unknown;
use sre_kit_core::ConfigError;

/// The transport of OTLP.
///
/// Parses and prints as the values of `OTEL_EXPORTER_OTLP_PROTOCOL`:
///
/// ```
/// use sre_kit_telemetry::Protocol;
///
/// assert_eq!("grpc".parse::<Protocol>()?, Protocol::Grpc);
/// assert_eq!(Protocol::HttpProtobuf.to_string(), "http/protobuf");
/// assert!("http/json".parse::<Protocol>().is_err());
/// # Ok::<(), sre_kit_telemetry::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC. Its default port is 4317.
    Grpc,
    /// Protobuf over HTTP. Its default port is 4318.
    HttpProtobuf,
}

impl Protocol {
    pub(crate) const NAMES: [(&str, Self); 2] =
        [("grpc", Self::Grpc), ("http/protobuf", Self::HttpProtobuf)];

    /// Returns the name: `grpc` or `http/protobuf`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }

    pub(super) const fn default_port(self) -> u16 {
        match self {
            Self::Grpc => 4317,
            Self::HttpProtobuf => 4318,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = ConfigError;

    /// Parses `grpc` or `http/protobuf`.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, protocol)| *protocol)
            .ok_or_else(|| unknown("otlp protocol", text, Self::NAMES.map(|(name, _)| name)))
    }
}
