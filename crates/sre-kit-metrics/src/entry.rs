//! What a registry holds: families of this crate and sources of families.

use std::sync::Arc;

use crate::family::Family;
use crate::samples::Samples;
use crate::visit::{Collect, Desc, Visitor};

/// One or more families of a registry.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A family whose series are sharded.
    Sharded(Arc<Family>),
    /// A family that a closure computes.
    Computed(Arc<Computed>),
    /// Families that are read together.
    Collector(Arc<dyn Collect>),
}

/// A family that a closure computes at each scrape.
pub(crate) struct Computed {
    pub(crate) desc: Desc,
    pub(crate) label_names: Arc<[Box<str>]>,
    pub(crate) sample: SampleFn,
}

/// Pushes the samples of a [`Computed`] family.
pub(crate) type SampleFn = Box<dyn Fn(&mut Samples<'_>) + Send + Sync>;

impl Entry {
    /// Returns the name, if this is one family.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Sharded(family) => Some(family.name()),
            Self::Computed(computed) => Some(&computed.desc.name),
            Self::Collector(_) => None,
        }
    }

    /// Shows the families to `visitor`, with at most `limit` samples of a computed one.
    pub(crate) fn visit(&self, limit: usize, visitor: &mut dyn Visitor) {
        match self {
            Self::Sharded(family) => family.visit(visitor),
            Self::Collector(collector) => collector.collect(visitor),
            Self::Computed(computed) => {
                let Computed { desc, label_names, sample } = &**computed;
                sample(&mut Samples::new(visitor, desc, label_names, limit));
            }
        }
    }

    /// Returns the name of a bounded family, and how many observations its overflow series counted.
    pub(crate) fn overflowed(&self) -> Option<(&str, u64)> {
        match self {
            Self::Sharded(family) => Some((family.name(), family.overflowed())),
            Self::Collector(collector) => collector.overflowed(),
            Self::Computed(_) => None,
        }
    }
}
