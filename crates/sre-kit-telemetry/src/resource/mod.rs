//! The OpenTelemetry resource: the attributes of the process.

mod instance_id;

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::resource::{ResourceDetector, TelemetryResourceDetector};

use crate::ignored::Effect;
use crate::vars::Vars;
use sre_kit_core::ConfigError;

/// The attributes of the process, named by the OpenTelemetry resource conventions.
///
/// The sources, in increasing precedence: the program (service and version), the downward API of
/// Kubernetes, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`. No source needs a network call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Resource {
    attributes: Vec<(String, Value)>,
}

/// The version of the semantic conventions that the attributes follow.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

const INSTANCE_ID: &str = "service.instance.id";

/// The variable that Kubernetes sets in every container.
const IN_KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";

/// The variables that the chart sets from the downward API, and their attributes.
const DOWNWARD: [(&str, &str); 7] = [
    ("POD_NAME", "k8s.pod.name"),
    ("POD_NAMESPACE", "k8s.namespace.name"),
    ("POD_UID", "k8s.pod.uid"),
    ("NODE_NAME", "k8s.node.name"),
    ("CONTAINER_NAME", "k8s.container.name"),
    ("DEPLOYMENT_NAME", "k8s.deployment.name"),
    ("CLUSTER_NAME", "k8s.cluster.name"),
];

const LIST: &str = "OTEL_RESOURCE_ATTRIBUTES";

impl Resource {
    pub(crate) fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        let mut resource = Self::default();
        // Other machines may have a `CONTAINER_NAME` or `NODE_NAME` that means something else.
        if vars.get(IN_KUBERNETES).is_some() {
            for (variable, attribute) in DOWNWARD {
                if let Some(value) = vars.get(variable) {
                    resource.set(attribute, value);
                }
            }
            if let Some(name) = container_name(vars) {
                resource.set(INSTANCE_ID, instance_id::of_name(&name));
            }
        }
        match parse_list(&vars.get(LIST).unwrap_or_default()) {
            Ok(attributes) => {
                for (key, value) in attributes {
                    resource.set(&key, value);
                }
            }
            Err(error) => vars.ignore(error, Effect::Default)?,
        }
        if let Some(service) = vars.get("OTEL_SERVICE_NAME") {
            resource.set("service.name", service);
        }
        Ok(resource)
    }

    /// Sets an attribute. Replaces an earlier value.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((key.to_owned(), value)),
        }
    }

    /// Sets an attribute if it is not set yet.
    pub(crate) fn set_default(&mut self, key: &str, value: impl Into<Value>) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// Sets the attributes of the SDK, this crate and the process that are not set yet, and the
    /// service name that the specification defines for a service without one.
    ///
    /// Neither the arguments of the process nor its user are among them: both can be secret.
    ///
    /// Sources: <https://opentelemetry.io/docs/specs/semconv/resource/#telemetry-sdk>,
    /// <https://opentelemetry.io/docs/specs/semconv/resource/process/>
    pub(crate) fn detect(&mut self) {
        let program = std::env::current_exe().ok();
        if let Some(name) = program.as_deref().and_then(|path| path.file_name()?.to_str()) {
            self.set_default("service.name", format!("unknown_service:{name}"));
            self.set_default("process.executable.name", name.to_owned());
        }
        self.set_default("service.name", "unknown_service");
        self.set_default(INSTANCE_ID, instance_id::random());
        self.set_default("process.pid", i64::from(std::process::id()));
        self.set_default("process.runtime.name", "rustc");
        for (key, value) in &TelemetryResourceDetector.detect() {
            self.set_default(key.as_str(), value.clone());
        }
        self.set_default("telemetry.distro.name", "sre-kit");
        self.set_default("telemetry.distro.version", env!("CARGO_PKG_VERSION"));
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the resource in the SDK's type.
    pub(crate) fn to_sdk(&self) -> opentelemetry_sdk::Resource {
        let attributes =
            self.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.clone()));
        let builder = opentelemetry_sdk::Resource::builder_empty();
        builder.with_schema_url(attributes, SCHEMA_URL).build()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attributes.iter().map(|(key, value)| (key.as_str(), value))
    }
}

/// Returns what identifies this container in the cluster, if the downward API has it. The id is
/// preferred: a pod of a StatefulSet has the name of the one before it.
fn container_name(vars: &Vars<'_>) -> Option<String> {
    let pod = match vars.get("POD_UID") {
        Some(uid) => uid,
        None => [vars.get("POD_NAMESPACE")?, vars.get("POD_NAME")?].join("."),
    };
    Some(match vars.get("CONTAINER_NAME") {
        Some(container) => format!("{pod}.{container}"),
        None => pod,
    })
}

/// Parses attributes as `key1=value1,key2=value2`. One that is malformed discards all of them, as
/// the specification has it.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable>
fn parse_list(list: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let decoded = |text: &str| {
        let text = percent_encoding::percent_decode_str(text.trim()).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    let pairs = list.split(',').filter(|pair| !pair.trim().is_empty()).map(|pair| {
        let parsed = pair.split_once('=').and_then(|(key, value)| {
            Some((decoded(key).filter(|key| !key.is_empty())?, decoded(value)?))
        });
        parsed.ok_or_else(|| {
            ConfigError::new(
                LIST,
                pair,
                "attributes are written `key=value`, with commas between and values \
                 percent-encoded",
                "write it like `service.namespace=shop,deployment.environment.name=prod`",
            )
        })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::{Resource, Vars, instance_id};

    fn text(resource: &Resource, key: &str) -> Option<String> {
        resource.get(key).map(|value| value.as_str().into_owned())
    }

    #[test]
    fn the_environment_wins_over_kubernetes_and_both_over_defaults() {
        let lookup = |name: &str| {
            let value = match name {
                "KUBERNETES_SERVICE_HOST" => "10.0.0.1",
                "POD_NAME" => "demo-7f",
                "POD_UID" => "1234",
                "OTEL_SERVICE_NAME" => "checkout",
                "OTEL_RESOURCE_ATTRIBUTES" => "service.name=ignored, k8s.pod.name=other,team=a%2Cb",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let mut resource = Resource::from_vars(&Vars::new(&lookup)).expect("valid");
        resource.set_default("service.name", "demo-app");
        resource.set_default("service.version", "1.2.3");
        for (key, value) in [
            ("service.name", "checkout"),
            ("service.version", "1.2.3"),
            ("service.instance.id", &instance_id::of_name("1234")),
            ("k8s.pod.name", "other"),
            ("team", "a,b"),
        ] {
            assert_eq!(text(&resource, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(resource.iter().count(), 6);
    }

    #[test]
    fn the_sdk_this_crate_and_the_process_are_named_and_an_earlier_value_stays() {
        let mut resource = Resource::default();
        resource.set("service.instance.id", "mine");
        resource.set("service.name", "checkout");
        resource.detect();
        for (key, value) in [
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.distro.name", "sre-kit"),
            ("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
            ("process.runtime.name", "rustc"),
            ("service.instance.id", "mine"),
            ("service.name", "checkout"),
        ] {
            assert_eq!(text(&resource, key).as_deref(), Some(value), "{key}");
        }
        assert!(text(&resource, "telemetry.sdk.version").is_some_and(|v| v.starts_with("0.")));
        assert_eq!(resource.get("process.pid"), Some(&i64::from(std::process::id()).into()));
        let sdk = resource.to_sdk();
        assert_eq!(sdk.schema_url(), Some("https://opentelemetry.io/schemas/1.44.0"));
        assert_eq!(sdk.len(), resource.iter().count());
    }

    #[test]
    fn two_containers_of_a_pod_are_two_instances() {
        let id = |container: &str, uid: Option<&str>| {
            let lookup = |name: &str| match name {
                "KUBERNETES_SERVICE_HOST" => Some("10.0.0.1".to_owned()),
                "POD_UID" => uid.map(str::to_owned),
                "POD_NAMESPACE" => Some("shop".to_owned()),
                "POD_NAME" => Some("web-1".to_owned()),
                "CONTAINER_NAME" => Some(container.to_owned()),
                _ => None,
            };
            let resource = Resource::from_vars(&Vars::new(&lookup)).expect("valid");
            text(&resource, "service.instance.id").expect("set")
        };
        assert_eq!(id("app", Some("7f")), instance_id::of_name("7f.app"));
        assert_eq!(id("app", None), instance_id::of_name("shop.web-1.app"));
        assert_ne!(id("app", Some("7f")), id("proxy", Some("7f")));
    }

    #[test]
    fn one_malformed_attribute_discards_the_whole_list() {
        for list in ["team=a,broken", "team=a,=b", "team=a,b=%ff"] {
            let lookup = |name: &str| (name == super::LIST).then(|| list.to_owned());
            let vars = Vars::new(&lookup);
            let resource = Resource::from_vars(&vars).expect("lenient");
            assert_eq!(resource.get("team"), None, "{list}");
            assert_eq!(vars.into_ignored().len(), 1, "{list}");
        }
        let lookup = |name: &str| (name == super::LIST).then(|| "a%3Db=c%20d".to_owned());
        let resource = Resource::from_vars(&Vars::new(&lookup)).expect("valid");
        assert_eq!(text(&resource, "a=b").as_deref(), Some("c d"));
    }

    #[test]
    fn outside_of_kubernetes_the_names_of_its_variables_mean_nothing() {
        let lookup = |name: &str| {
            let known = ["CONTAINER_NAME", "NODE_NAME", "POD_NAME", "POD_UID"];
            known.contains(&name).then(|| "buildbox".to_owned())
        };
        let resource = Resource::from_vars(&Vars::new(&lookup)).expect("valid");
        assert_eq!(resource.iter().collect::<Vec<_>>(), []);
    }
}
