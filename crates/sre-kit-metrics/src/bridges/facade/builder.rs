//! The builder of the recorder.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::recorder::MetricsRecorder;
use crate::buckets::Buckets;
use crate::registry::Registry;

/// A builder of a [`MetricsRecorder`].
#[derive(Clone, Default)]
#[must_use]
pub struct MetricsRecorderBuilder {
    buckets: HashMap<String, Buckets>,
    default: Option<Buckets>,
}

impl MetricsRecorderBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Sets the buckets of the histogram `name`, as the program writes it. Defaults to those of
    /// [`default_buckets`](Self::default_buckets).
    pub fn buckets(mut self, name: impl Into<String>, buckets: Buckets) -> Self {
        self.buckets.insert(name.into(), buckets);
        self
    }

    /// Sets the buckets of every other histogram. Defaults to the fourteen bounds from 0.005 to 10
    /// that OpenTelemetry advises for durations in seconds.
    pub fn default_buckets(mut self, buckets: Buckets) -> Self {
        self.default = Some(buckets);
        self
    }

    /// Creates the recorder. Its metrics are families of `registry`.
    pub fn build(self, registry: &Registry) -> MetricsRecorder {
        let Self { buckets, default } = self;
        MetricsRecorder::with_buckets(registry, Arc::new(BucketsByName { buckets, default }))
    }
}

impl fmt::Debug for MetricsRecorderBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsRecorderBuilder")
            .field("buckets", &self.buckets)
            .field("default_buckets", &self.default)
            .finish()
    }
}

/// The buckets of histograms, by their names.
#[derive(Debug)]
pub(super) struct BucketsByName {
    buckets: HashMap<String, Buckets>,
    default: Option<Buckets>,
}

impl BucketsByName {
    pub(super) fn of(&self, name: &str) -> Buckets {
        self.buckets.get(name).or(self.default.as_ref()).cloned().unwrap_or_else(seconds)
    }
}

fn seconds() -> Buckets {
    const BOUNDS: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    Buckets::floats(BOUNDS).expect("the constants ascend")
}
