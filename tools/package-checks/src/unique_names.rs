//! No public name stands for two items of one package: a service imports several modules at once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;
use shell::{Member, Workspace};

use super::rustdoc;

/// Finds names of public items that two modules of a package give to different items.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in workspace.published()?.iter().filter(|member| member.library.is_some()) {
        findings.extend(find(member, &rustdoc::read(workspace, member)?)?);
    }
    Ok(findings)
}

fn find(member: &Member, docs: &Value) -> Result<Vec<String>> {
    let root = docs["root"].as_u64().context("rustdoc's JSON has a root")?;
    let mut names = BTreeMap::new();
    collect(docs, root, &member.crate_name(), &mut names);
    let twice = names.iter().filter(|(_, items)| items.len() > 1);
    Ok(twice
        .map(|(name, items)| {
            let modules: Vec<_> = items.values().map(String::as_str).collect();
            format!(
                "{}: `{name}` is the name of different items in {}; rename one",
                member.name,
                modules.join(" and ")
            )
        })
        .collect())
}

/// The items that have a name, with a module that shows each.
type Names = BTreeMap<String, BTreeMap<u64, String>>;

fn collect(docs: &Value, module: u64, path: &str, names: &mut Names) {
    let kinds = BTreeSet::from(["struct", "enum", "trait", "function", "type_alias", "constant"]);
    let items = &docs["index"][module.to_string()]["inner"]["module"]["items"];
    for id in items.as_array().into_iter().flatten().filter_map(Value::as_u64) {
        let item = &docs["index"][id.to_string()];
        if item["visibility"] != "public" || is_hidden(item) {
            continue;
        }
        let reexport = &item["inner"]["use"];
        let (id, name) = match reexport["id"].as_u64() {
            Some(target) if reexport["is_glob"] != true => (target, &reexport["name"]),
            _ => (id, &item["name"]),
        };
        let Some(name) = name.as_str() else { continue };
        let target = &docs["index"][id.to_string()];
        // What another crate defines is in `paths` only.
        let kind = target["inner"]
            .as_object()
            .and_then(|inner| inner.keys().next().map(String::as_str))
            .or(docs["paths"][id.to_string()]["kind"].as_str());
        match kind {
            Some("module") => collect(docs, id, &format!("{path}::{name}"), names),
            Some(kind) if kinds.contains(kind) => {
                names.entry(name.to_owned()).or_default().entry(id).or_insert(path.to_owned());
            }
            _ => {}
        }
    }
}

fn is_hidden(item: &Value) -> bool {
    item["attrs"].to_string().contains("hidden")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shell::Member;

    use super::find;

    fn module(name: &str, items: &[u64]) -> Value {
        json!({"name": name, "visibility": "public", "inner": {"module": {"items": items}}})
    }

    fn item(name: &str) -> Value {
        json!({"name": name, "visibility": "public", "inner": {"struct": {}}})
    }

    fn reexport(name: &str, id: u64) -> Value {
        json!({"name": null, "visibility": "public",
            "inner": {"use": {"name": name, "id": id, "is_glob": false}}})
    }

    fn found(second: &Value) -> Vec<String> {
        let docs = json!({"root": 0, "paths": {}, "index": {
            "0": module("a", &[1, 2]), "1": module("x", &[3]), "2": module("y", &[4]),
            "3": item("Outcome"), "4": second,
        }});
        let member = Member { name: "a".to_owned(), ..Member::default() };
        find(&member, &docs).expect("well formed")
    }

    #[test]
    fn a_name_of_two_items_is_found_and_a_reexport_of_one_is_not() {
        assert!(found(&item("Report")).is_empty());
        assert!(found(&reexport("Outcome", 3)).is_empty());
        let found = found(&item("Outcome"));
        assert_eq!(
            found,
            ["a: `Outcome` is the name of different items in a::x and a::y; rename one"]
        );
    }

    #[test]
    fn what_is_hidden_or_private_does_not_count() {
        let mut hidden = item("Outcome");
        hidden["attrs"] = json!([{"other": "#[doc(hidden)]"}]);
        assert!(found(&hidden).is_empty());
        let mut private = item("Outcome");
        private["visibility"] = json!("crate");
        assert!(found(&private).is_empty());
    }
}
