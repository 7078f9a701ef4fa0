//! A real API server takes every object of every profile, as a dry run: fields by
//! their schemas, the rules in CEL of custom resources, and Pod Security.
//!
//! The definitions are the projects' own where their Go modules have them. Those of
//! GKE's kinds are published nowhere as a file: made here of the schemas in
//! `schemas/`, they hold the fields and no rule of Google's own controllers.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use crate::cluster::Namespace;
use crate::deploy::{DEFINITIONS, kind, module, objects, profiles, render, root};
use serde_json::{Map, Value, json};

/// GKE's controller still takes an Ingress by this annotation and by nothing else
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/ingress>), of which
/// Kubernetes warns.
const INGRESS_CLASS: &str = "annotation \"kubernetes.io/ingress.class\" is deprecated";

#[test]
#[ignore = "needs cluster, go and helm; cargo xtask test --only cluster"]
fn every_profile_is_taken_and_no_object_with_another_key_is() {
    // As in the renders.
    let namespace = Namespace::new("shop");
    let renders: Vec<_> = profiles()
        .into_iter()
        .map(|profile| (objects(&render("helm", &profile)), profile))
        .collect();
    define(&namespace, &renders.iter().flat_map(|(all, _)| all).map(named).collect());

    let mut taken = 0;
    for (all, profile) in &renders {
        let out = dry_run(&namespace, all);
        assert!(out.status.success(), "{profile}: {}", complained(&out));
        // Pod Security warns of what a Deployment's and a Job's pods would be refused for.
        let said = complained(&out);
        let unexpected: Vec<_> =
            said.lines().filter(|line| !line.contains(INGRESS_CLASS)).collect();
        assert!(unexpected.is_empty(), "{profile}: {unexpected:#?}");
        taken += all.len();

        let mut spoilt = all.clone();
        for object in &mut spoilt {
            let place = if object.get("spec").is_some() { "/spec" } else { "" };
            let map = object.pointer_mut(place).and_then(Value::as_object_mut).expect("a map");
            map.insert("colour".to_owned(), json!("green"));
        }
        let out = dry_run(&namespace, &spoilt);
        let said = complained(&out);
        let refused = said.lines().filter(|line| line.contains("colour")).count();
        assert_eq!(refused, all.len(), "{profile}: {said}");
    }
    println!("{taken} objects of {} profiles", renders.len());

    // Neither Pod Security nor CEL would let anything pass.
    let all: Vec<_> = renders.iter().flat_map(|(all, _)| all).collect();
    let first = |wanted: &str| {
        let found = all.iter().find(|object| kind(object) == wanted);
        Value::clone(found.unwrap_or_else(|| panic!("no profile has a {wanted}")))
    };
    for (wanted, pod) in
        [("Deployment", "/spec/template/spec"), ("Job", "/spec/template/spec"), ("Pod", "/spec")]
    {
        let mut object = first(wanted);
        object.pointer_mut(pod).expect("a pod")["hostNetwork"] = json!(true);
        let said = complained(&dry_run(&namespace, &[object]));
        assert!(said.contains("restricted") && said.contains("hostNetwork"), "{wanted}: {said}");
    }
    let mut route = all
        .iter()
        .find(|object| object.pointer("/spec/rules/0/backendRefs").is_some())
        .map(|route| Value::clone(route))
        .expect("a route with a backend");
    route["spec"]["rules"][0]["filters"] =
        json!([{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]);
    let said = complained(&dry_run(&namespace, &[route]));
    assert!(said.contains("must not be used together with backendRefs"), "{said}");
}

fn dry_run(namespace: &Namespace, objects: &[Value]) -> Output {
    let manifest: Vec<_> = objects.iter().map(ToString::to_string).collect();
    let args = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];
    namespace.try_kubectl(&args, &manifest.join("\n"))
}

fn complained(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Group and kind.
fn named(object: &Value) -> (String, String) {
    let version = object["apiVersion"].as_str().expect("a version");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), kind(object).to_owned())
}

/// Defines those of the kinds that are custom resources.
fn define(namespace: &Namespace, kinds: &BTreeSet<(String, String)>) {
    let mut definitions = ours();
    for (name, folder) in DEFINITIONS {
        for entry in fs::read_dir(module(name).join(folder)).expect("definitions") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                definitions.extend(objects(&fs::read_to_string(path).expect("text")));
            }
        }
    }
    definitions.retain(|definition| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (spec, names) = (&definition["spec"], &definition["spec"]["names"]);
        kind(definition) == "CustomResourceDefinition"
            && kinds.contains(&(text(&spec["group"]), text(&names["kind"])))
    });
    for definition in &definitions {
        namespace.apply(&definition.to_string());
    }
    namespace.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=120s"]);
}

/// Definitions of the kinds whose schemas are ours.
fn ours() -> Vec<Value> {
    let folder = root().join("tools/deploy-tests/tests/schemas");
    let files = fs::read_dir(folder).expect("schemas").map(|entry| entry.expect("an entry").path());
    files
        .map(|path| {
            let text = fs::read_to_string(path).expect("text");
            let schema: Value = serde_json::from_str(&text).expect("JSON");
            let constant = |name: &str| schema["properties"][name]["const"].as_str().expect("text");
            let (group, version) = constant("apiVersion").split_once('/').expect("a group");
            let kind = constant("kind");
            let singular = kind.to_lowercase();
            let plural = match singular.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None if singular.ends_with('s') => singular.clone(),
                None => format!("{singular}s"),
            };
            let mut structural = structural(&schema);
            structural["properties"]["metadata"] = json!({"type": "object"});
            json!({
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.{group}")},
                "spec": {
                    "group": group, "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": singular},
                    "versions": [{
                        "name": version, "served": true, "storage": true,
                        "schema": {"openAPIV3Schema": structural},
                    }],
                },
            })
        })
        .collect()
}

/// A schema as a definition may have it: unknown keys are refused where they are
/// not kept, a constant is a choice of one, and of alternatives all fields are
/// there (which of them belong together, `deploy/schema.rs` checks).
fn structural(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    if map.get("type").is_some_and(Value::is_array) {
        return json!({"x-kubernetes-int-or-string": true});
    }
    let mut out = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "properties" => {
                let fields = value.as_object().expect("a map").iter();
                let fields = fields.map(|(name, field)| (name.clone(), structural(field)));
                out.insert(key.clone(), fields.collect());
            }
            "items" => drop(out.insert(key.clone(), structural(value))),
            "additionalProperties" if value.is_object() => {
                out.insert(key.clone(), structural(value));
            }
            "const" => {
                out.insert("type".to_owned(), json!("string"));
                out.insert("enum".to_owned(), json!([value]));
            }
            "oneOf" | "anyOf" => {
                let alternatives = value.as_array().expect("a list");
                if alternatives.iter().any(|one| one["type"] != alternatives[0]["type"]) {
                    return json!({"x-kubernetes-int-or-string": true});
                }
                let mut all = json!({});
                for alternative in alternatives {
                    let mut alternative = structural(alternative);
                    // What only some of them require, and what tells them apart.
                    alternative.as_object_mut().expect("a map").remove("required");
                    all = either(&all, &alternative);
                }
                out.extend(all.as_object().expect("a map").clone());
            }
            "type" | "required" | "enum" | "pattern" | "minimum" | "maximum" | "minLength"
            | "maxLength" | "minItems" | "maxItems" => drop(out.insert(key.clone(), value.clone())),
            _ => {}
        }
    }
    Value::Object(out)
}

/// What fits one of two schemas fits it.
fn either(one: &Value, other: &Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let mut all = one.clone();
            for (key, value) in other {
                let both = all.get(key).map(|old| either(old, value));
                all.insert(key.clone(), both.unwrap_or_else(|| value.clone()));
            }
            Value::Object(all)
        }
        (Value::Array(one), Value::Array(other)) => one.iter().chain(other).cloned().collect(),
        _ => other.clone(),
    }
}
