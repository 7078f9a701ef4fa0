//! The reader of a registry.

use std::sync::Arc;

use super::facts::namespace;
use super::{ConventionViolation, Conventions, ValueType};
use crate::metrics::{Buckets, Registry};
use sre_kit_metrics::internal::{
    AttributeValue, Desc, Exemplars, Kind, OtlpFamily, RegistryInternals as _, Visitor,
};

/// Reads the families of a registry as a push does.
pub(super) struct Reader<'a> {
    conventions: &'a Conventions,
    registry: &'a Registry,
    family: Arc<OtlpFamily>,
    pub(super) found: Vec<ConventionViolation>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(conventions: &'a Conventions, registry: &'a Registry) -> Self {
        Self { conventions, registry, family: Arc::default(), found: Vec::new() }
    }

    /// Keeps a violation, unless another sample has it too.
    fn push(&mut self, text: String) {
        let violation = ConventionViolation::new(&self.family.name, text);
        if !self.found.contains(&violation) {
            self.found.push(violation);
        }
    }

    fn sample(&mut self, labels: &str) {
        let family = Arc::clone(&self.family);
        let attributes: Vec<_> = family
            .attributes(labels)
            .map(|(key, value)| {
                let of = match value {
                    AttributeValue::String(_) => ValueType::String,
                    AttributeValue::Int(_) => ValueType::Int,
                    AttributeValue::Double(_) => ValueType::Double,
                    AttributeValue::Bool(_) => ValueType::Bool,
                };
                (key, of)
            })
            .collect();
        // The scope of a meter is no attribute of its metrics.
        let own = attributes.iter().filter(|(key, _)| !key.starts_with("otel_scope_"));
        let pairs = own.map(|(key, of)| (&**key, *of));
        for violation in self.conventions.check_attributes(&family.name, pairs) {
            if !self.found.contains(&violation) {
                self.found.push(violation);
            }
        }
        let Some(known) = self.conventions.facts.metrics.get(&*family.name) else { return };
        if attributes.iter().any(|(key, _)| key == "otel.metric.overflow") {
            return;
        }
        for required in &known.required {
            if !attributes.iter().any(|(key, _)| key == required) {
                self.push(format!("the required attribute `{required}` is missing"));
            }
        }
    }
}

impl Visitor for Reader<'_> {
    fn is_opentelemetry(&self) -> bool {
        true
    }

    fn family(&mut self, desc: &Desc) {
        self.family = self.registry.otlp_family(desc);
        let family = Arc::clone(&self.family);
        let facts = &self.conventions.facts;
        let Some(known) = facts.metrics.get(&*family.name) else {
            if let Some(namespace) = namespace(&family.name)
                && facts.metric_namespaces.contains(namespace)
            {
                self.push(format!(
                    "the name is in the namespace `{namespace}` of the conventions, which do not \
                     have it"
                ));
            }
            return;
        };
        if family.kind != known.kind {
            let (is, says) = (family.kind, known.kind);
            self.push(format!("the instrument is {is:?}, and the conventions say {says:?}"));
        }
        if family.unit != known.unit {
            let (is, says) = (&family.unit, known.unit);
            self.push(format!("the unit is `{is}`, and the conventions say `{says}`"));
        }
        if family.integers != known.integers && family.kind != Kind::Histogram {
            let name = |integers| if integers { "integers" } else { "floats" };
            let (is, says) = (name(family.integers), name(known.integers));
            self.push(format!("the values are {is}, and the conventions say {says}"));
        }
    }

    fn integer(&mut self, labels: &str, _value: u64) {
        self.sample(labels);
    }

    fn float(&mut self, labels: &str, _value: f64) {
        self.sample(labels);
    }

    fn histogram(
        &mut self,
        labels: &str,
        _buckets: &Buckets,
        _cells: &[u64],
        _exemplars: Option<&Exemplars>,
    ) {
        self.sample(labels);
    }
}
