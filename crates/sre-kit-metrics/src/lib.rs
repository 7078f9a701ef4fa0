//! A metrics registry with sharded counters and histograms, and its exposition.
//!
//! A [`Registry`] holds metric families. A family that it creates is *sharded*: each thread adds in
//! a shard of its own, and a scrape sums the shards. Recording therefore takes no lock, allocates
//! nothing and moves no cache line between cores.
//!
//! The number of series per family is bounded, and so is the cardinality of the labels. Label sets
//! above the limit share one series, `{otel_metric_overflow="true"}`, and
//! `sre_kit_metrics_overflow_total{metric}` counts its observations.
//!
//! | Feature | Adds | Brings |
//! |---|---|---|
//! | none | [`Registry`], [`BuildInfo`], [`Registry::encode`] | prometheus-client |
//! | `exposition` | `Exposition`, a tower service that answers scrapes | flate2, http-body, tokio's runtime |
//! | `metrics-facade` | `MetricsRecorder`: the `metrics` facade counts here | metrics |
//! | `opentelemetry-metrics` | `RegistryMeterProvider`: OpenTelemetry's API counts here | opentelemetry |
//! | `process` | `ProcessMetrics`: processor time, memory, file descriptors | nothing |
//! | `protobuf` | `Format::Protobuf` | prost |
//! | `tikv-prometheus` | `Registry::gather_from`: metrics of the `prometheus` crate | prometheus |

#![cfg_attr(docsrs, feature(doc_cfg))]
// What only some of the bridges use is part of every build, so that the cells, families and names
// do not differ by feature.
#![cfg_attr(
    not(all(
        feature = "metrics-facade",
        feature = "opentelemetry-metrics",
        feature = "tikv-prometheus"
    )),
    allow(dead_code, unused_imports, reason = "without the bridges")
)]

mod bridges;
mod buckets;
mod build_info;
mod builder;
mod cells;
mod counter;
mod encode;
mod entry;
mod exemplars;
#[cfg(feature = "exposition")]
mod exposition;
mod extensions;
mod families;
mod family;
mod floats;
mod foreign;
mod histogram;
mod labels;
mod names;
mod native_buckets;
mod otlp;
#[cfg(feature = "process")]
mod process;
mod registry;
mod samples;
mod scale;
mod series;
mod visit;

#[doc(hidden)]
pub mod internal;

pub use sre_kit_core::ConfigError;

#[cfg(feature = "metrics-facade")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics-facade")))]
pub use bridges::facade::{MetricsRecorder, MetricsRecorderBuilder};
#[cfg(feature = "opentelemetry-metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "opentelemetry-metrics")))]
pub use bridges::opentelemetry::{RegistryMeterProvider, RegistryMeterProviderBuilder};
pub use buckets::Buckets;
pub use build_info::BuildInfo;
pub use builder::RegistryBuilder;
pub use counter::{Counter, CounterFamily};
pub use encode::{Format, TextFormat};
#[cfg(feature = "exposition")]
#[cfg_attr(docsrs, doc(cfg(feature = "exposition")))]
pub use exposition::{
    Exposition, ExpositionBody, ExpositionBodyError, ExpositionBuilder, ExpositionFuture,
};
pub use histogram::{Histogram, HistogramFamily};
#[cfg(feature = "process")]
#[cfg_attr(docsrs, doc(cfg(feature = "process")))]
pub use process::ProcessMetrics;
pub use registry::Registry;
pub use samples::Samples;
