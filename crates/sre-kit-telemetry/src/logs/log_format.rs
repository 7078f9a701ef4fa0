//! The format of log lines.

use std::fmt;
use std::str::FromStr;

use crate::vars::unknown;
use sre_kit_core::ConfigError;

/// The format of log lines.
///
/// Parses and prints as the values of `SRE_KIT_LOG_FORMAT`:
///
/// ```
/// use sre_kit_telemetry::LogFormat;
///
/// assert_eq!("json".parse::<LogFormat>()?, LogFormat::Json);
/// assert_eq!(LogFormat::Text.to_string(), "text");
/// assert!("xml".parse::<LogFormat>().is_err());
/// # Ok::<(), sre_kit_telemetry::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object per line, with the field names of Cloud Logging.
    Json,
    /// Text for a terminal.
    Text,
}

impl LogFormat {
    pub(crate) const NAMES: [(&str, Self); 2] = [("json", Self::Json), ("text", Self::Text)];

    /// Returns the name: `json` or `text`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogFormat {
    type Err = ConfigError;

    /// Parses `json` or `text`.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, format)| *format)
            .ok_or_else(|| unknown("log format", text, Self::NAMES.map(|(name, _)| name)))
    }
}
