//! A check against the semantic conventions of OpenTelemetry.

mod facts;
mod reader;
mod violation;

pub use violation::{ConventionViolation, ValueType};

use self::facts::{Facts, namespace};
use self::reader::Reader;
use crate::metrics::Registry;
use sre_kit_metrics::internal::RegistryInternals as _;

/// The semantic conventions 1.44.0 of OpenTelemetry, and a check of metrics and attributes.
///
/// A name with dots that begins with a word of the conventions (`http`, `db`, `rpc`, `process`,
/// `messaging`, `container`, `otel`, and more for attributes) must be one of theirs, with their
/// instrument, unit and types, and a metric must have the attributes that they require. Names in
/// other namespaces, and names of one word, are yours. Deprecated attributes are violations.
///
/// ```
/// use sre_kit::metrics::Registry;
/// use sre_kit::testing::{Conventions, ValueType};
///
/// let conventions = Conventions::new();
/// let registry = Registry::new();
/// registry.counter("jobs_total", "Jobs done.")?;
/// assert_eq!(conventions.check_registry(&registry), []);
///
/// let found = conventions.check_attributes("span", [("http.status_code", ValueType::Int)]);
/// assert!(found[0].to_string().contains("`http.status_code`"));
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Conventions {
    facts: Facts,
}

impl Conventions {
    /// Reads the table of the conventions.
    pub fn new() -> Self {
        Self { facts: Facts::read() }
    }

    /// Returns what a push of this registry over OTLP would violate. It reads every family once.
    pub fn check_registry(&self, registry: &Registry) -> Vec<ConventionViolation> {
        let mut reader = Reader::new(self, registry);
        registry.visit(&mut reader);
        reader.found
    }

    /// Returns what the attributes of `owner`, a span, a resource or a log record, violate.
    pub fn check_attributes<'a>(
        &self,
        owner: &str,
        attributes: impl IntoIterator<Item = (&'a str, ValueType)>,
    ) -> Vec<ConventionViolation> {
        let attributes = attributes.into_iter();
        attributes.filter_map(|(key, of)| self.attribute(owner, key, of)).collect()
    }

    fn attribute(&self, owner: &str, key: &str, of: ValueType) -> Option<ConventionViolation> {
        let violation = |text: String| Some(ConventionViolation::new(owner, text));
        let Some(known) = self.facts.attribute(key) else {
            let namespace = namespace(key)?;
            return if self.facts.attribute_namespaces.contains(namespace) {
                violation(format!(
                    "the attribute `{key}` is in the namespace `{namespace}` of the conventions, \
                     which do not have it"
                ))
            } else {
                None
            };
        };
        if known.deprecated {
            return violation(format!("the attribute `{key}` is deprecated"));
        }
        if of.is(known.of) {
            return None;
        }
        violation(format!("the attribute `{key}` is {of}, and the conventions say {}", known.of))
    }
}

impl Default for Conventions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Conventions, ValueType};
    use crate::metrics::{Buckets, Registry};

    fn found(registry: &Registry) -> Vec<String> {
        Conventions::new().check_registry(registry).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_metric_of_the_kit_with_its_attributes_is_no_violation() {
        let registry = Registry::new();
        let buckets = Buckets::seconds([1.0]).expect("valid");
        let labels = ["http_request_method", "url_scheme", "http_response_status_code", "mine"];
        let name = "http_server_request_duration_seconds";
        let family = registry.histogram_family(name, "Time.", &buckets, &labels).expect("free");
        family.with(&["GET", "http", "200", "x"]).observe(0.1);
        assert_eq!(found(&registry), [""; 0]);
    }

    #[test]
    fn a_required_attribute_that_is_missing_is_found() {
        let registry = Registry::new();
        registry
            .gauge_fn("http_server_active_requests", "Requests.", &["url_scheme"], |samples| {
                samples.push(&["http"], 1.0);
            })
            .expect("free");
        assert_eq!(
            found(&registry),
            [
                "http.server.active_requests: the required attribute `http.request.method` is missing"
            ]
        );
    }

    #[cfg(feature = "opentelemetry-metrics")]
    #[test]
    fn instruments_of_others_are_compared_with_the_table() {
        use opentelemetry::KeyValue;
        use opentelemetry::metrics::MeterProvider as _;

        let registry = Registry::new();
        let meter = registry.meter_provider().meter("client");
        meter.u64_counter("http.client.calls").build().add(1, &[]);
        meter.u64_histogram("rpc.client.call.duration").with_unit("ms").build().record(
            1,
            &[
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", 7),
                KeyValue::new("rpc.system", "grpc"),
            ],
        );
        meter.u64_gauge("process.thread.count").with_unit("{thread}").build().record(1, &[]);
        let found = found(&registry);
        for part in [
            "http.client.calls: the name is in the namespace `http` of the conventions",
            "rpc.client.call.duration: the unit is `ms`, and the conventions say `s`",
            "rpc.client.call.duration: the attribute `rpc.method` is int",
            "rpc.client.call.duration: the attribute `rpc.system` is deprecated",
            "process.thread.count: the instrument is Gauge, and the conventions say UpDownCounter",
        ] {
            assert!(found.iter().any(|text| text.starts_with(part)), "{part}: {found:?}");
        }
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn attributes_of_spans_are_compared_with_the_table() {
        let conventions = Conventions::new();
        let fine = [
            ("http.request.method", ValueType::String),
            ("server.port", ValueType::Int),
            ("mine", ValueType::Bool),
            ("shop.cart", ValueType::String),
            ("http.request.header.accept", ValueType::Strings),
        ];
        assert_eq!(conventions.check_attributes("span", fine), []);
        let wrong = [
            ("server.port", ValueType::String),
            ("http.made_up", ValueType::String),
            ("code.function", ValueType::String),
        ];
        assert_eq!(conventions.check_attributes("span", wrong).len(), 3);
    }
}
