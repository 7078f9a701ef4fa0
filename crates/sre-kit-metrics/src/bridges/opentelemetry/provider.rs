//! The meter provider.

use std::fmt;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{Meter, MeterProvider};

use super::builder::{RegistryMeterProviderBuilder, Settings};
use super::meter::RegistryMeter;
use super::streams::Streams;
use crate::labels::push_pair;
use crate::registry::Registry;

/// A meter provider whose instruments are families of a [`Registry`].
///
/// The program installs it with `opentelemetry::global::set_meter_provider`. It implements the
/// traits of the API and does not use the SDK. Recording takes no lock and allocates nothing once
/// a set of attributes was seen; a bound instrument costs about as much as a
/// [`Counter`](crate::Counter).
///
/// Names, units and attributes are translated as Prometheus' OTLP receiver does:
/// `http.server.request.duration` with the unit `s` is `http_server_request_duration_seconds`. A
/// push over OTLP has the original names. Names differ in more than case, as the specification
/// says. An instrument whose name is taken with another kind or unit, or by another API, counts
/// into nothing: a log line says why, and
/// `sre_kit_metrics_refused_total{metric,api="opentelemetry"}` counts it. Values that are not
/// finite are dropped, and so are negative values of counters and histograms.
///
/// Histograms without boundaries have the default bounds of the specification, or the fourteen of
/// HTTP durations if their unit is `s`.
///
/// ```
/// use opentelemetry::KeyValue;
/// use opentelemetry::metrics::MeterProvider as _;
/// use sre_kit_metrics::{Registry, TextFormat};
///
/// let registry = Registry::new();
/// let meter = registry.meter_provider().meter("shop");
/// let jobs = meter.u64_counter("jobs").build();
/// jobs.add(1, &[KeyValue::new("kind", "import")]);
///
/// let mut text = String::new();
/// registry.encode_text(&mut text, TextFormat::Prometheus);
/// assert!(text.contains("jobs_total{kind=\"import\",otel_scope_name=\"shop\"} 1\n"));
/// ```
#[derive(Clone)]
pub struct RegistryMeterProvider {
    registry: Registry,
    settings: Arc<Settings>,
    streams: Arc<Streams>,
}

impl RegistryMeterProvider {
    /// Returns a builder, which sets buckets and scope labels.
    pub fn builder() -> RegistryMeterProviderBuilder {
        RegistryMeterProviderBuilder::new()
    }

    /// Creates a provider with default settings.
    pub fn new(registry: &Registry) -> Self {
        Self::builder().build(registry)
    }

    pub(super) fn with_settings(registry: &Registry, settings: Arc<Settings>) -> Self {
        let created = registry.extensions().get_or_try_init(|| Ok(Arc::default()));
        let streams = created.unwrap_or_else(|error: std::convert::Infallible| match error {});
        Self { registry: registry.clone(), settings, streams }
    }
}

impl Registry {
    /// Returns a meter provider of OpenTelemetry with default settings.
    /// [`RegistryMeterProvider::builder`] sets others.
    pub fn meter_provider(&self) -> RegistryMeterProvider {
        RegistryMeterProvider::new(self)
    }
}

impl MeterProvider for RegistryMeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let mut labels = Vec::new();
        if self.settings.scope_labels {
            for (name, value) in [
                ("otel_scope_name", scope.name()),
                ("otel_scope_schema_url", scope.schema_url().unwrap_or("")),
                ("otel_scope_version", scope.version().unwrap_or("")),
            ] {
                labels.push((name, value.to_owned()));
            }
        }
        let mut text = String::new();
        for (name, value) in labels {
            push_pair(&mut text, name, &value);
        }
        Meter::new(Arc::new(RegistryMeter {
            registry: self.registry.clone(),
            settings: Arc::clone(&self.settings),
            streams: Arc::clone(&self.streams),
            scope: text.into(),
        }))
    }
}

impl fmt::Debug for RegistryMeterProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryMeterProvider")
            .field("registry", &self.registry)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
