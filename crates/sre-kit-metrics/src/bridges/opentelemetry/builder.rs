//! The builder of the meter provider.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::provider::RegistryMeterProvider;
use crate::buckets::Buckets;
use crate::registry::Registry;

/// A builder of a [`RegistryMeterProvider`].
#[derive(Clone)]
#[must_use]
pub struct RegistryMeterProviderBuilder {
    settings: Settings,
}

/// What the meters of one provider do.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) buckets: HashMap<String, Buckets>,
    pub(super) scope_labels: bool,
}

impl RegistryMeterProviderBuilder {
    pub(super) fn new() -> Self {
        Self { settings: Settings { buckets: HashMap::new(), scope_labels: true } }
    }

    /// Sets the buckets of the histogram `name`, as the instrument is named. They win over the
    /// boundaries that the code of the instrument advises.
    pub fn buckets(mut self, name: impl Into<String>, buckets: Buckets) -> Self {
        self.settings.buckets.insert(name.into().to_lowercase(), buckets);
        self
    }

    /// Sets whether each series has the labels `otel_scope_name`, `otel_scope_version` and
    /// `otel_scope_schema_url` of its meter, where those are set. Defaults to `true`, as
    /// OpenTelemetry's specification of Prometheus exporters requires.
    ///
    /// Without them, the same series of two meters are added up.
    pub fn scope_labels(mut self, scope_labels: bool) -> Self {
        self.settings.scope_labels = scope_labels;
        self
    }

    /// Creates the provider. Its instruments are families of `registry`.
    pub fn build(self, registry: &Registry) -> RegistryMeterProvider {
        RegistryMeterProvider::with_settings(registry, Arc::new(self.settings))
    }
}

impl fmt::Debug for RegistryMeterProviderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { buckets, scope_labels } = &self.settings;
        f.debug_struct("RegistryMeterProviderBuilder")
            .field("buckets", buckets)
            .field("scope_labels", scope_labels)
            .finish()
    }
}
