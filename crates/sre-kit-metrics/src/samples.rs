//! The samples of a family that is computed at each scrape.

use std::fmt;

use crate::labels::push_labels;
use crate::visit::{Desc, Kind, Visitor};

/// The samples of a family that is computed at each scrape.
///
/// The closures of [`Registry::gauge_fn`](crate::Registry::gauge_fn) and
/// [`Registry::counter_fn`](crate::Registry::counter_fn) push into it.
pub struct Samples<'a> {
    visitor: &'a mut dyn Visitor,
    desc: &'a Desc,
    names: &'a [Box<str>],
    left: usize,
    begun: bool,
    /// Reused for each sample.
    labels: String,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(
        visitor: &'a mut dyn Visitor,
        desc: &'a Desc,
        names: &'a [Box<str>],
        limit: usize,
    ) -> Self {
        Self { visitor, desc, names, left: limit, begun: false, labels: String::new() }
    }

    /// Adds one sample. `label_values` follow the order of the label names; an empty value leaves
    /// its label out.
    ///
    /// A closure that pushes nothing leaves the family out of this scrape. It does so if the source
    /// of the value is absent. Samples above the registry's limit of series per family are dropped.
    pub fn push(&mut self, label_values: &[&str], value: f64) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if !self.begun {
            self.begun = true;
            self.visitor.family(self.desc);
        }
        self.labels.clear();
        push_labels(&mut self.labels, self.names, label_values);
        // Whole numbers of a counter are printed as such.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        if self.desc.kind == Kind::Counter && value.fract() == 0.0 && (0.0..9e15).contains(&value) {
            self.visitor.integer(&self.labels, value as u64);
        } else {
            self.visitor.float(&self.labels, value);
        }
    }
}

impl fmt::Debug for Samples<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples").field("family", &self.desc.name).finish_non_exhaustive()
    }
}
