//! The settings of an exposition.

use sre_kit_core::ConfigError;

use super::service::Exposition;
use super::shared::Shared;
use crate::registry::Registry;

/// Twice the scrapers of a small fleet.
const DEFAULT_CONCURRENT: usize = 4;

/// A smaller response hardly takes fewer packets when it is compressed.
const DEFAULT_GZIP_ABOVE: usize = 1024;

/// Settings of an [`Exposition`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ExpositionBuilder {
    max_concurrent: usize,
    gzip_above: usize,
    created: bool,
}

impl ExpositionBuilder {
    /// Sets how many scrapes can be under way at the same time, each from its request until
    /// the connection has taken its last piece. It bounds the memory of responses. Where it is
    /// reached, the oldest response that its client has not read for a second gives way. Defaults to
    /// 4. At least 1.
    pub fn max_concurrent(mut self, scrapes: usize) -> Self {
        self.max_concurrent = scrapes;
        self
    }

    /// Compresses responses of at least this many bytes, if the client accepts gzip. Defaults to
    /// 1 024. `usize::MAX` disables compression.
    pub fn gzip_above(mut self, bytes: usize) -> Self {
        self.gzip_above = bytes;
        self
    }

    /// Sets whether OpenMetrics 1.0 has a line `_created` for each series of a counter or histogram
    /// that says when it began. Defaults to `false`: Prometheus stores each as a series of its own.
    /// OpenMetrics 2.0 and protobuf always have the time, beside the value.
    pub fn created(mut self, created: bool) -> Self {
        self.created = created;
        self
    }

    /// Builds the exposition.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - `max_concurrent` is 0;
    /// - a family in the registry has the name of one that expositions report.
    pub fn build(self, registry: &Registry) -> Result<Exposition, ConfigError> {
        if self.max_concurrent == 0 {
            return Err(ConfigError::new(
                "max_concurrent",
                0,
                "at least one scrape is allowed at a time",
                "leave it out to allow 4",
            ));
        }
        let Self { max_concurrent, gzip_above, created } = self;
        Ok(Exposition::from_shared(Shared::new(registry, max_concurrent, gzip_above, created)?))
    }
}

impl Exposition {
    /// Creates an exposition of `registry` with the default limits.
    ///
    /// # Errors
    ///
    /// Returns an error if a family in the registry has the name of one that expositions report.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder.
    pub fn builder() -> ExpositionBuilder {
        ExpositionBuilder {
            max_concurrent: DEFAULT_CONCURRENT,
            gzip_above: DEFAULT_GZIP_ABOVE,
            created: false,
        }
    }
}
