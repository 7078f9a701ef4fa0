//! Registries, recorders and meters of other metric APIs, whose measurements end in a
//! [`Registry`].

#[cfg(feature = "metrics-facade")]
pub(crate) mod facade;
#[cfg(all(
    test,
    feature = "metrics-facade",
    feature = "opentelemetry-metrics",
    feature = "tikv-prometheus"
))]
mod five_apis;
#[cfg(any(feature = "metrics-facade", feature = "opentelemetry-metrics"))]
mod lookup;
#[cfg(feature = "opentelemetry-metrics")]
pub(crate) mod opentelemetry;
#[cfg(feature = "tikv-prometheus")]
mod tikv;

use std::borrow::Cow;
use std::sync::Arc;

use sre_kit_core::ConfigError;

use crate::buckets::Buckets;
use crate::entry::CollectNamed;
use crate::family::{Family, Number};
use crate::otlp::label_name;
use crate::registry::Registry;
use crate::visit::{Desc, Kind};

/// Returns the label of an attribute. Those that Prometheus keeps for itself get a prefix.
#[cfg(any(feature = "metrics-facade", feature = "opentelemetry-metrics"))]
fn usable_label(key: &str) -> Cow<'_, str> {
    let label = label_name(key);
    if ["le", "quantile", "otel_metric_overflow"].contains(&&*label) || label.starts_with("__") {
        return Cow::Owned(format!("key_{}", label.trim_start_matches('_')));
    }
    label
}

impl Registry {
    /// Adds a family that another API named.
    fn bridged_family(
        &self,
        desc: Desc,
        number: Number,
        buckets: Option<Buckets>,
    ) -> Result<Arc<Family>, ConfigError> {
        let (cells, limit) = (Arc::clone(self.cells()), self.max_series_per_family());
        let family = Family::new(desc, buckets, cells, limit)?.with_number(number);
        self.families().add_bridged(family)
    }

    /// Adds a registry of another API, whose families are `found` now.
    fn add_named_collector(
        &self,
        found: &[(String, Kind)],
        create: impl FnOnce(Vec<String>) -> Box<dyn CollectNamed>,
    ) -> Result<(), ConfigError> {
        self.families().add_named_collector(found, create)
    }

    /// Counts a metric that counts into nothing, and says why in the log.
    #[cfg(any(feature = "metrics-facade", feature = "opentelemetry-metrics"))]
    fn refuse(&self, metric: &str, api: &'static str, error: &ConfigError) {
        self.families().refuse(metric, api);
        tracing::warn!(metric, api, "this metric counts into nothing: {error}");
    }
}
