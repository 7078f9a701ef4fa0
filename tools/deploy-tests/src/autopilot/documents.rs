//! Manifests, and the pods in them.

use anyhow::{Context, Result, bail};
use serde::Deserialize as _;
use serde_json::Value;

use super::text;

/// A Kubernetes object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) value: Value,
}

/// What a workload makes pods from.
pub(super) struct Pod<'a> {
    pub(super) metadata: &'a Value,
    pub(super) spec: &'a Value,
}

impl Object {
    pub(super) fn kind(&self) -> &str {
        text(&self.value, "/kind")
    }

    /// `Deployment shop/demo`.
    pub(super) fn place(&self) -> String {
        let name = text(&self.value, "/metadata/name");
        match text(&self.value, "/metadata/namespace") {
            "" => format!("{} {name}", self.kind()),
            namespace => format!("{} {namespace}/{name}", self.kind()),
        }
    }

    /// Returns the pod, or the template of pods, that the object has.
    pub(super) fn pod(&self) -> Option<Pod<'_>> {
        let at = match self.kind() {
            "Pod" => "",
            "CronJob" => "/spec/jobTemplate/spec/template",
            // Also kinds of others that carry one where Deployments do.
            _ => "/spec/template",
        };
        let template = if at.is_empty() { &self.value } else { self.value.pointer(at)? };
        let spec = template.get("spec")?;
        spec.get("containers")?;
        Some(Pod { metadata: template.get("metadata").unwrap_or(&Value::Null), spec })
    }
}

/// Returns every object, also those inside lists.
pub(super) fn read(text: &str) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for (number, document) in serde_yaml_ng::Deserializer::from_str(text).enumerate() {
        let value = Value::deserialize(document)
            .with_context(|| format!("document {} is no YAML", number + 1))?;
        add(value, number + 1, &mut objects)?;
    }
    Ok(objects)
}

fn add(value: Value, number: usize, objects: &mut Vec<Object>) -> Result<()> {
    if value.is_null() {
        return Ok(());
    }
    let kind = text(&value, "/kind");
    if kind.is_empty() || text(&value, "/apiVersion").is_empty() {
        bail!("document {number} has no kind and apiVersion; give the output of helm template");
    }
    if let (true, Some(Value::Array(items))) = (kind.ends_with("List"), value.get("items")) {
        for item in items {
            add(item.clone(), number, objects)?;
        }
        return Ok(());
    }
    objects.push(Object { value });
    Ok(())
}
