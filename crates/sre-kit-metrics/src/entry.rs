//! What a registry holds: families of this crate and sources of families.

use std::sync::Arc;

use crate::family::Family;
use crate::samples::Samples;
use crate::visit::{Collect, Desc, Kind, Visitor};

/// One or more families of a registry.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A family whose series are sharded.
    Sharded(Arc<Family>),
    /// A family that a closure computes.
    Computed(Arc<Computed>),
    /// Families that are read together.
    Collector(Arc<dyn Collect>),
    /// Families that another registry holds.
    Named(Arc<dyn CollectNamed>),
}

/// A source of families whose names are known when they are read.
pub(crate) trait CollectNamed: Send + Sync {
    /// Shows the families to `visitor`. `reserve` reserves a name for the source, and says whether
    /// it was free; if not, it counts the refusal under the name of the API.
    fn collect(
        &self,
        reserve: &mut dyn FnMut(&str, Kind, &'static str) -> bool,
        visitor: &mut dyn Visitor,
    );
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
            Self::Collector(_) | Self::Named(_) => None,
        }
    }

    /// Shows the families to `visitor`, with at most `limit` samples of a computed one. `reserve`
    /// is that of [`CollectNamed`].
    pub(crate) fn visit(
        &self,
        limit: usize,
        reserve: &mut dyn FnMut(&str, Kind, &'static str) -> bool,
        visitor: &mut dyn Visitor,
    ) {
        match self {
            Self::Sharded(family) => family.visit(visitor),
            Self::Collector(collector) => collector.collect(visitor),
            Self::Named(collector) => collector.collect(reserve, visitor),
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
            Self::Computed(_) | Self::Named(_) => None,
        }
    }
}
