//! Which crates' types stand in the public API: a new major version of one of them is a
//! breaking change of the package.
//!
//! The list stands in each package's Cargo.toml, where cargo-check-external-types
//! reads it too; that one needs a nightly toolchain of one day, and this does not.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use shell::{Member, Workspace};

use super::rustdoc;

/// What comes with Rust.
const RUST: &[&str] = &["alloc", "core", "std"];

/// An item that names the type, by the path of the type.
type Named = BTreeMap<String, String>;

/// Finds types that are not on the list, and entries that nothing needs.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let ours: Vec<_> = workspace.members()?.iter().map(Member::crate_name).collect();
    let mut findings = Vec::new();
    for member in workspace.published()?.iter().filter(|member| member.library.is_some()) {
        let mut named = foreign(&rustdoc::read(workspace, member)?)?;
        named.retain(|path, _| !ours.iter().any(|name| is_of(path, name)));
        findings.extend(compare(member, &named));
    }
    Ok(findings)
}

fn is_of(path: &str, name: &str) -> bool {
    path.split("::").next() == Some(name)
}

/// Returns the types and traits of other crates that public items name.
fn foreign(docs: &Value) -> Result<Named> {
    let index = docs["index"].as_object().context("rustdoc's JSON has an index")?;
    let mut named = Named::new();
    for item in index.values() {
        let ours = item["crate_id"] == 0;
        let public = item["visibility"] == "public" || item["visibility"] == "default";
        let implementation = &item["inner"]["impl"];
        let written =
            implementation["is_synthetic"] != true && implementation["blanket_impl"].is_null();
        if ours && public && written {
            let name = item["name"].as_str().unwrap_or("an impl");
            paths(&item["inner"], &mut |id| {
                let path = path_of(docs, id);
                named.extend(path.map(|path| (path, name.to_owned())));
            });
        }
    }
    named.retain(|path, _| {
        !RUST.iter().any(|name| is_of(path, name)) && !path.contains("::__private")
    });
    Ok(named)
}

/// Calls `each` with the id of every type and trait that a signature names: a path stands
/// beside it.
fn paths(value: &Value, each: &mut impl FnMut(u64)) {
    match value {
        Value::Object(fields) => {
            if let (Some(id), Some(Value::String(_))) = (
                fields.get("id").and_then(Value::as_u64),
                fields.get("path").or(fields.get("source")),
            ) {
                each(id);
            }
            fields.values().for_each(|value| paths(value, each));
        }
        Value::Array(values) => values.iter().for_each(|value| paths(value, each)),
        _ => {}
    }
}

/// Returns where a type of another crate is defined.
fn path_of(docs: &Value, id: u64) -> Option<String> {
    let summary = &docs["paths"][id.to_string()];
    let path: Vec<_> = summary["path"].as_array()?.iter().filter_map(Value::as_str).collect();
    (summary["crate_id"] != 0).then(|| path.join("::"))
}

fn compare(member: &Member, named: &Named) -> Vec<String> {
    let allowed = &member.metadata["cargo_check_external_types"]["allowed_external_types"];
    let allowed: Vec<_> =
        allowed.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let allows = |entry: &str, path: &str| match entry.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == entry,
    };
    let name = &member.name;
    let unknown = named.iter().filter(|(path, _)| !allowed.iter().any(|entry| allows(entry, path)));
    let unknown = unknown.map(|(path, item)| {
        format!("{name}: {item} names {path}, which allowed_external_types of its Cargo.toml does not allow; hide the type, or add it")
    });
    let stale = allowed.iter().filter(|entry| !named.keys().any(|path| allows(entry, path)));
    unknown
        .chain(stale.map(|entry| {
            format!("{name}: its Cargo.toml allows {entry}, which the public API does not name; remove it")
        }))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shell::Member;

    use super::{Named, compare, foreign};

    /// A function that takes what is at `id`.
    fn function(crate_id: u64, visibility: &str, id: u64) -> Value {
        let arguments = json!([["x", {"resolved_path": {"path": "X", "id": id, "args": null}}]]);
        json!({"crate_id": crate_id, "visibility": visibility, "name": "f",
            "inner": {"function": {"sig": {"inputs": arguments}}}})
    }

    fn docs(index: &Value) -> Value {
        json!({"index": index, "paths": {
            "1": {"crate_id": 0, "path": ["ours", "X"]},
            "2": {"crate_id": 7, "path": ["http", "request", "Request"]},
            "3": {"crate_id": 1, "path": ["core", "option", "Option"]},
            "4": {"crate_id": 8, "path": ["pin_project_lite", "__private", "P"]},
        }})
    }

    #[test]
    fn a_type_of_another_crate_is_found_in_what_is_public_and_written() {
        let blanket = json!({"crate_id": 0, "visibility": "default", "name": null, "inner": {
            "impl": {"is_synthetic": false, "blanket_impl": {"generic": "T"},
                "trait": {"path": "Request", "id": 2}}}});
        let nothing = json!({"1": function(0, "public", 1), "2": function(9, "public", 2),
            "3": function(0, "crate", 2), "4": blanket, "5": function(0, "public", 3),
            "6": function(0, "default", 4)});
        assert_eq!(foreign(&docs(&nothing)).expect("well formed"), Named::new());
        let implementation = json!({"crate_id": 0, "visibility": "default", "name": null, "inner": {
            "impl": {"is_synthetic": false, "blanket_impl": null,
                "trait": {"path": "Request", "id": 2}}}});
        let exported = json!({"crate_id": 0, "visibility": "public", "name": null,
            "inner": {"use": {"source": "http::Request", "name": "Request", "id": 2}}});
        for item in [function(0, "public", 2), implementation, exported] {
            let found = foreign(&docs(&json!({"1": item}))).expect("well formed");
            assert_eq!(found.keys().collect::<Vec<_>>(), ["http::request::Request"]);
        }
        assert!(foreign(&json!({})).is_err());
    }

    #[test]
    fn a_type_that_is_not_allowed_and_an_entry_that_nothing_needs_are_found() {
        let with = |allowed: &[&str]| {
            let list = json!({"cargo_check_external_types": {"allowed_external_types": allowed}});
            let member = Member { name: "a".to_owned(), metadata: list, ..Member::default() };
            compare(&member, &Named::from([("http::request::Request".to_owned(), "f".to_owned())]))
        };
        assert!(with(&["http::*"]).is_empty() && with(&["http::request::Request"]).is_empty());
        let found = with(&["http_body::*"]);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("a: f names http::request::Request, which"), "{found:?}");
        assert!(found[1].contains("allows http_body::*, which"), "{found:?}");
    }
}
