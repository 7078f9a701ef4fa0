//! The interface between a registry and what reads it.

use crate::buckets::Buckets;
use crate::exemplars::Exemplars;

/// The kind of a family's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sum that only grows.
    Counter,
    /// A value that rises and falls.
    Gauge,
    /// A sum that rises and falls: numbers of things, which can be added up over instances. The
    /// Prometheus formats call it a gauge.
    UpDownCounter,
    /// Counts per bucket, and a sum.
    Histogram,
}

/// The heading of a family.
#[derive(Clone, Debug)]
pub struct Desc {
    /// The full name. That of a counter ends in `_total`.
    pub name: String,
    /// The help text, unescaped.
    pub help: String,
    /// The kind of its samples.
    pub kind: Kind,
}

/// An encoder or another reader of a registry.
///
/// `labels` is a text that [`push_pair`](crate::labels::push_pair) wrote.
pub trait Visitor {
    /// Returns whether the families are read in the terms of OpenTelemetry. Some numbers are
    /// divided by attributes there that the Prometheus formats do not have.
    fn is_opentelemetry(&self) -> bool {
        false
    }

    /// Begins a family; the samples that follow belong to it.
    fn family(&mut self, desc: &Desc);

    /// Reads when the series of the next sample began, in seconds since the Unix epoch. It is not
    /// called for series whose start is not known.
    fn created(&mut self, seconds: u32) {
        let _ = seconds;
    }

    /// Reads a sample that is an integer.
    fn integer(&mut self, labels: &str, value: u64);

    /// Reads a sample that is an integer and can be negative.
    fn signed(&mut self, labels: &str, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.integer(labels, value),
            Err(_) => self.float(labels, value as f64),
        }
    }

    /// Reads a sample that is a float.
    fn float(&mut self, labels: &str, value: f64);

    /// Reads a histogram. `cells` holds one count per bucket, not cumulated, then the sum as
    /// [`Scale::value`](crate::internal::Scale::value) takes it, then the native buckets if there
    /// are any.
    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    );
}

/// A source of families that are read together.
///
/// For numbers that must agree with each other, such as started, finished and in flight. The names
/// are reserved in the registry when the source is registered.
pub trait Collect: Send + Sync {
    /// Shows the families to `visitor`.
    fn collect(&self, visitor: &mut dyn Visitor);

    /// Returns the family whose observations can overflow, and how many did.
    fn overflowed(&self) -> Option<(&'static str, u64)> {
        None
    }
}
