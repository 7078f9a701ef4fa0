//! How a scrape walks over what the registry holds.

use super::buckets::Buckets;
use super::exemplars::Exemplars;

/// What a family's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A family's heading: its full name (a counter's ends in `_total`), help and kind.
#[derive(Clone, Debug)]
pub struct Desc {
    pub name: String,
    pub help: String,
    pub kind: Kind,
}

/// An encoder. `family` begins a family; the samples that follow belong to it.
///
/// `labels` is a text of [`super::labels::push_pair`].
pub trait Visitor {
    fn family(&mut self, desc: &Desc);
    fn integer(&mut self, labels: &str, value: u64);
    fn float(&mut self, labels: &str, value: f64);
    /// `row` holds one count per bucket, not cumulated, and the sum last.
    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        row: &[u64],
        exemplars: Option<&Exemplars>,
    );
}

/// Something that brings its own families to a scrape, taken at one moment.
///
/// For numbers that must agree with each other, such as started, finished and
/// in flight. The names must have been reserved in the registry.
pub trait Collect: Send + Sync {
    fn collect(&self, visitor: &mut dyn Visitor);

    /// The family that counts what found no series of its own, and that count.
    fn overflowed(&self) -> Option<(&'static str, u64)> {
        None
    }
}
