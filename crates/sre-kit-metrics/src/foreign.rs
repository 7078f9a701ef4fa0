//! Metrics that were made with the `prometheus_client` crate.
//!
//! Each one is in a registry of its own. The encoders of that crate stop at the first metric that
//! they cannot write, and would lose all that follow.

use std::fmt;

use prometheus_client::registry::{Metric, Registry};

use crate::visit::Kind;

/// One metric and its heading.
pub(crate) struct Foreign {
    /// The name as it was registered: without `_total` or `_info`.
    name: String,
    /// The suffix that `prometheus_client` appends to the name.
    suffix: &'static str,
    kind: Kind,
    help: String,
    registry: Registry,
}

impl Foreign {
    pub(crate) fn new(
        name: &str,
        suffix: &'static str,
        kind: Kind,
        help: &str,
        metric: impl Metric,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register(name, "", metric);
        Self { name: name.to_owned(), suffix, kind, help: help.to_owned(), registry }
    }

    /// Returns the name as it was registered: without the suffix.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the suffix that `prometheus_client` appends to the name.
    pub(crate) fn suffix(&self) -> &'static str {
        self.suffix
    }

    /// Returns the name that the Prometheus formats print.
    pub(crate) fn full_name(&self) -> String {
        format!("{}{}", self.name, self.suffix)
    }

    /// Returns the kind of the metric.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the help text, unescaped.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }

    /// Returns the registry that has only this metric.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Foreign").field(&self.name).finish()
    }
}
