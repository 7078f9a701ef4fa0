//! Every object of every profile against a schema that refuses unknown keys:
//! Kubernetes' own, those of the custom resources' definitions, and, for the kinds
//! of GKE that are published nowhere as a file, ours in `schemas/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::deploy::{DEFINITIONS, kind, module, objects, profiles, render, run, succeed};

/// The module that has Kubernetes' own schemas.
const KUBERNETES: &str = "k8s.io/kubernetes@v1.36.3";

#[test]
#[ignore = "needs go, helm and kubeconform; cargo xtask test --only deploy"]
fn every_object_fits_its_schema_and_none_with_another_key_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let schemas = dir.path().join("schemas");
    fs::create_dir(&schemas).expect("made");
    let mut kinds = BTreeSet::new();
    let mut manifests = Vec::new();
    for profile in profiles() {
        let manifest = render("helm", &profile);
        for object in objects(&manifest) {
            let version = object["apiVersion"].as_str().expect("a version").to_owned();
            kinds.insert((version, kind(&object).to_owned()));
        }
        let path = dir.path().join(format!("{profile}.yaml"));
        fs::write(&path, manifest).expect("written");
        manifests.push(path);
    }
    write_schemas(&kinds, &schemas);

    let said = succeed(kubeconform(&schemas).args(&manifests));
    assert!(said.contains("Invalid: 0, Errors: 0, Skipped: 0"), "{said}");

    // A schema that takes anything would have said the same.
    let mut spoilt = 0;
    for path in &manifests {
        for mut object in objects(&fs::read_to_string(path).expect("text")) {
            let place = if object.get("spec").is_some() { "/spec" } else { "" };
            let map = object.pointer_mut(place).and_then(Value::as_object_mut).expect("a map");
            map.insert("colour".to_owned(), json!("green"));
            let file = dir.path().join(format!("spoilt-{spoilt}.json"));
            fs::write(&file, object.to_string()).expect("written");
            spoilt += 1;
        }
    }
    let files = (0..spoilt).map(|n| dir.path().join(format!("spoilt-{n}.json")));
    let output = run(kubeconform(&schemas).args(files));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("Valid: 0, Invalid: {spoilt}, Errors: 0")), "{said}");
}

pub(crate) fn kubeconform(schemas: &Path) -> Command {
    let mut command = Command::new("kubeconform");
    let file = "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json";
    command.args(["-strict", "-summary", "-schema-location"]).arg(schemas.join(file));
    command
}

pub(crate) fn write_schemas(kinds: &BTreeSet<(String, String)>, dir: &Path) {
    let swagger = module(KUBERNETES).join("api/openapi-spec/swagger.json");
    let swagger: Value =
        serde_json::from_str(&fs::read_to_string(swagger).expect("text")).expect("JSON");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let custom = definitions();
    for (version, kind) in kinds {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        // kubeconform takes the version for the group where there is none.
        let shown = if group.is_empty() { version } else { group };
        let name = format!("{}-{shown}-{version}.json", kind.to_lowercase());
        let ours = own.join(&name);
        if ours.is_file() {
            fs::copy(ours, dir.join(&name)).expect("copied");
            continue;
        }
        let found = custom.iter().find(|(id, _)| *id == name).map(|(_, schema)| schema.clone());
        let schema = found
            .map(|mut schema| {
                // Definitions say nothing about metadata, since all have the same.
                schema["properties"]["metadata"] = resolved(&swagger, &object_meta());
                schema
            })
            .or_else(|| built_in(&swagger, group, version, kind))
            .unwrap_or_else(|| panic!("no schema for {kind} of {group}/{version}"));
        fs::write(dir.join(name), strict(schema).to_string()).expect("written");
    }
}

fn object_meta() -> Value {
    json!({"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"})
}

/// The schemas of all definitions, by the name of their file.
fn definitions() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, folder) in DEFINITIONS {
        for entry in fs::read_dir(module(name).join(folder)).expect("definitions") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            for object in objects(&fs::read_to_string(path).expect("text")) {
                let kind = object["spec"]["names"]["kind"].as_str().unwrap_or_default();
                let group = object["spec"]["group"].as_str().unwrap_or_default();
                for version in object["spec"]["versions"].as_array().into_iter().flatten() {
                    let name = version["name"].as_str().expect("a name");
                    let file = format!("{}-{group}-{name}.json", kind.to_lowercase());
                    all.push((file, version["schema"]["openAPIV3Schema"].clone()));
                }
            }
        }
    }
    all
}

fn built_in(swagger: &Value, group: &str, version: &str, kind: &str) -> Option<Value> {
    let wanted = json!({"group": group, "kind": kind, "version": version});
    let definitions = swagger["definitions"].as_object()?;
    let definition = definitions.values().find(|definition| {
        definition["x-kubernetes-group-version-kind"]
            .as_array()
            .is_some_and(|kinds| kinds.contains(&wanted))
    })?;
    Some(resolved(swagger, definition))
}

/// With what it refers to in its place.
fn resolved(swagger: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str) {
                let name = name.trim_start_matches("#/definitions/");
                return resolved(swagger, &swagger["definitions"][name]);
            }
            map.iter().map(|(key, value)| (key.clone(), resolved(swagger, value))).collect()
        }
        Value::Array(list) => list.iter().map(|value| resolved(swagger, value)).collect(),
        other => other.clone(),
    }
}

/// No key beyond those that are named, wherever some are.
fn strict(schema: Value) -> Value {
    let Value::Object(map) = schema else { return schema };
    if map.get("x-kubernetes-int-or-string") == Some(&json!(true))
        || map.get("format") == Some(&json!("int-or-string"))
    {
        return json!({"type": ["integer", "string"]});
    }
    let keeps = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let mut out = Map::new();
    for (key, value) in map {
        let value = match key.as_str() {
            // Names of fields, which may be those of keywords.
            "properties" => match value {
                Value::Object(fields) => {
                    fields.into_iter().map(|(name, field)| (name, strict(field))).collect()
                }
                other => other,
            },
            "items" | "additionalProperties" => strict(value),
            // Refinements of what stands beside them; a key named there is named above.
            "allOf" | "anyOf" | "oneOf" | "not" | "required" | "enum" | "type" | "pattern"
            | "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => value,
            _ => continue,
        };
        out.insert(key, value);
    }
    if out.contains_key("properties") && !out.contains_key("additionalProperties") && !keeps {
        out.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(out)
}
