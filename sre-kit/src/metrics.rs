//! The registry, sharded counters and histograms, and their exposition.
//!
//! Everything here is the crate [`sre-kit-metrics`](sre_kit_metrics).

#[doc(inline)]
pub use sre_kit_metrics::{
    Buckets, BuildInfo, Counter, CounterFamily, Format, Histogram, HistogramFamily, Registry,
    RegistryBuilder, Samples, TextFormat,
};

#[cfg(feature = "exposition")]
#[cfg_attr(docsrs, doc(cfg(feature = "exposition")))]
#[doc(inline)]
pub use sre_kit_metrics::{
    Exposition, ExpositionBody, ExpositionBodyError, ExpositionBuilder, ExpositionFuture,
};

#[cfg(feature = "metrics-facade")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics-facade")))]
#[doc(inline)]
pub use sre_kit_metrics::{MetricsRecorder, MetricsRecorderBuilder};

#[cfg(feature = "opentelemetry-metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry-metrics")))]
#[doc(inline)]
pub use sre_kit_metrics::{RegistryMeterProvider, RegistryMeterProviderBuilder};

#[cfg(feature = "saturation")]
#[cfg_attr(docsrs, doc(cfg(feature = "saturation")))]
#[doc(inline)]
pub use sre_kit_metrics::ProcessMetrics;
