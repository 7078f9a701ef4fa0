//! Rule files for Prometheus, the Prometheus Operator and Google Cloud Managed Service for
//! Prometheus.
//!
//! There is one file per SLO. It is small enough to review, far below the size limits of Kubernetes
//! objects and ConfigMaps, and its tests run in a quarter of a minute.

use super::plan::Plan;
use super::rules::Group;
use super::yaml::{Yaml, map, texts};

/// Renders a file for `rule_files` of Prometheus.
pub(super) fn plain(plan: &Plan<'_>, groups: &[Group]) -> String {
    map([("groups", list(groups))]).document(&header(plan, "Rules for Prometheus"))
}

/// Renders a `PrometheusRule` of the Prometheus Operator.
pub(super) fn operator(plan: &Plan<'_>, groups: &[Group]) -> String {
    object(plan, groups, "monitoring.coreos.com/v1", "PrometheusRule")
        .document(&header(plan, "Rules for the Prometheus Operator"))
}

/// Renders `Rules` of Google Cloud Managed Service for Prometheus. They read and write only series of
/// their own project, cluster and namespace.
pub(super) fn managed(plan: &Plan<'_>, groups: &[Group]) -> String {
    object(plan, groups, "monitoring.googleapis.com/v1", "Rules")
        .document(&header(plan, "Rules for Google Cloud Managed Service for Prometheus"))
}

fn object(plan: &Plan<'_>, groups: &[Group], version: &str, kind: &str) -> Yaml {
    let mut metadata = map([("name", Yaml::from(format!("slo-{}", plan.id())))]);
    if let Some(namespace) = &plan.options.kubernetes_namespace {
        metadata = metadata.with("namespace", namespace.into());
    }
    let labels = [
        ("app.kubernetes.io/name", plan.service),
        ("app.kubernetes.io/managed-by", "sre-kit"),
        ("sre-kit/slo", plan.slo.name()),
    ];
    map([
        ("apiVersion", Yaml::from(version)),
        ("kind", Yaml::from(kind)),
        ("metadata", metadata.with("labels", texts(labels))),
        ("spec", map([("groups", list(groups))])),
    ])
}

fn list(groups: &[Group]) -> Yaml {
    Yaml::List(groups.iter().map(Group::yaml).collect())
}

/// Returns the comment at the beginning of a file.
pub(super) fn header(plan: &Plan<'_>, what: &str) -> String {
    format!(
        "{what}: the SLO `{}` of `{}`, {} % over {}.\n{}",
        plan.slo.name(),
        plan.service,
        plan.slo.objective(),
        plan.slo.period(),
        super::HEADER,
    )
}
