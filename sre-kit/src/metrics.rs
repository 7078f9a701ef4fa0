//! The registry, sharded counters and histograms, and their exposition.
//!
//! Everything here is the crate [`sre-kit-metrics`](sre_kit_metrics).

#[doc(inline)]
pub use sre_kit_metrics::{
    Buckets, BuildInfo, Counter, CounterFamily, Exposition, ExpositionBuilder, ExpositionFuture,
    Format, Histogram, HistogramFamily, ProcessMetrics, Registry, RegistryBuilder, Samples,
    TextFormat,
};
