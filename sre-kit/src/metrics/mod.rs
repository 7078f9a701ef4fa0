//! The registry, sharded counters and histograms, and their exposition.
//!
//! A [`Registry`] holds families. A family made by it is *sharded*: each thread
//! adds in a column of its own, and a scrape sums the columns, so recording
//! takes no lock, allocates nothing and moves no cache line between cores.
//!
//! The number of series per family is bounded. Label sets past the bound share
//! one series, `{otel_metric_overflow="true"}`, and
//! `sre_kit_metrics_overflow_total{metric}` counts what went there.

pub(crate) mod internal;

mod buckets;
mod cells;
mod family;
mod handles;
mod labels;
mod name;
mod registry;
mod slots;
mod text;
mod visit;

pub(crate) use name::check_labels;

pub use buckets::Buckets;
pub use family::Samples;
pub use handles::{Counter, CounterFamily, Histogram, HistogramFamily};
pub use registry::{Registry, RegistryBuilder};
pub use text::TextFormat;
