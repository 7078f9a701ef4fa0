//! The settings of a registry.

use sre_kit_core::ConfigError;

use crate::cells::ShardedCells;
use crate::registry::Registry;

/// The default number of series per family of the OpenTelemetry metrics SDK.
const DEFAULT_LIMIT: usize = 2_000;

/// Settings of a [`Registry`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RegistryBuilder {
    limit: usize,
    shards: Option<usize>,
}

impl RegistryBuilder {
    /// Sets how many series one family can have. Further label sets share the series
    /// `{otel_metric_overflow="true"}`. Defaults to 2 000. At least 1.
    pub fn max_series_per_family(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how many threads are expected to record at the same time. Defaults to the number of
    /// available cores.
    ///
    /// The registry keeps `2 * shards` (at most 64) exclusive shards, each written by one thread,
    /// and up to 8 shards that all further threads share. A thread gets a shard when it first
    /// records.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    ///
    /// Returns an error if the limit or the number of shards is zero.
    pub fn build(self) -> Result<Registry, ConfigError> {
        for (field, value) in
            [("max_series_per_family", self.limit), ("shards", self.shards.unwrap_or(1))]
        {
            if value == 0 {
                return Err(ConfigError::new(
                    field,
                    value,
                    "it is at least 1",
                    "leave it out to have the default",
                ));
            }
        }
        Ok(self.into_registry())
    }

    fn into_registry(self) -> Registry {
        let cells = self.shards.map_or_else(ShardedCells::new, ShardedCells::for_threads);
        Registry::with_cells(cells, self.limit)
    }
}

impl Registry {
    /// Creates a registry with the default limits.
    pub fn new() -> Self {
        Self::builder().into_registry()
    }

    /// Returns a builder.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder { limit: DEFAULT_LIMIT, shards: None }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}
