//! The registry, sharded counters and histograms, and their exposition.
//!
//! A [`Registry`] holds families. A family made by it is *sharded*: each thread
//! adds in a column of its own, and a scrape sums the columns, so recording
//! takes no lock, allocates nothing and moves no cache line between cores.
//!
//! An [`Exposition`] answers scrapes over HTTP, in the format that the scraper
//! asks for. [`ProcessMetrics`] and [`BuildInfo`] say what runs.
//!
//! The number of series per family is bounded. Label sets past the bound share
//! one series, `{otel_metric_overflow="true"}`, and
//! `sre_kit_metrics_overflow_total{metric}` counts what went there.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(missing_docs, unreachable_pub, missing_debug_implementations)] // TEMP

mod buckets;
mod build_info;
mod cells;
mod exemplars;
mod exposition;
mod family;
mod foreign;
mod handles;
mod labels;
mod name;
#[cfg(feature = "protobuf")]
mod native;
mod process;
#[cfg(feature = "protobuf")]
mod protobuf;
mod registry;
mod series;
mod slots;
mod text;
mod threads;
mod visit;

#[doc(hidden)]
pub mod internal;

pub use sre_kit_core::ConfigError;

pub use buckets::Buckets;
pub use build_info::BuildInfo;
pub use exposition::{Exposition, ExpositionBuilder, ExpositionFuture, Format};
pub use family::Samples;
pub use handles::{Counter, CounterFamily, Histogram, HistogramFamily};
pub use process::ProcessMetrics;
pub use registry::{Registry, RegistryBuilder};
pub use text::TextFormat;
