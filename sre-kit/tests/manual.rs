//! The manual's list of metrics is the list of metrics.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use promql_parser::parser;

/// How the names of the kit's families begin.
const BEGINNINGS: [&str; 10] = [
    "build_info",
    "cgroup_",
    "db_client_",
    "health_",
    "http_server_",
    "lifecycle_",
    "process_",
    "saturation_",
    "sre_kit_",
    "tokio_runtime_",
];

/// The rows of `manual::metrics`: a name and a query.
fn rows() -> Vec<(String, String)> {
    let page = include_str!("../src/manual/metrics.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.map(|row| {
        let (name, rest) = row.split_once('`').expect("a name in backticks");
        let (_, query) = rest.trim_end_matches("` |").rsplit_once('`').expect("a query");
        (name.to_owned(), query.replace("\\|", "|"))
    })
    .collect()
}

/// Every text in quotes, in the crate's sources, that is the whole name of a family.
fn sources(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable")) {
        let path = entry.path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("text").to_owned();
        if path.is_dir() {
            // What renders for a cluster names the same families again, and recorded ones.
            if !["manual", "render", "tests"].contains(&name.as_str()) {
                sources(&path, names);
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            names.extend(code.split('"').filter(|text| is_family(text)).map(str::to_owned));
        }
    }
}

fn is_family(text: &str) -> bool {
    // Labels and beginnings of names look alike.
    let other = ["db_client_connection_pool_name", "slo_tier"];
    let known = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || (text.starts_with("slo_") && text != "slo_");
    known
        && !other.contains(&text)
        && !text.ends_with('_')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && text.matches('_').count() > 0
}

#[test]
fn every_family_is_in_the_list_and_nothing_else_is() {
    let mut names = BTreeSet::new();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    sources(&workspace.join("sre-kit/src"), &mut names);
    for name in ["metrics", "slo", "telemetry", "db"] {
        sources(&workspace.join(format!("crates/sre-kit-{name}/src")), &mut names);
    }
    // A prefix that selects several is no family of its own.
    names.retain(|name| name != "db_client_connection");
    let listed: BTreeSet<_> = rows().into_iter().map(|(name, _)| name).collect();
    let missing: Vec<_> = names.difference(&listed).collect();
    assert!(missing.is_empty(), "add to manual/metrics.rs: {missing:?}");
    let gone: Vec<_> = listed.difference(&names).collect();
    assert!(gone.is_empty(), "no part of the kit has {gone:?}");
    assert!(listed.len() > 80);
}

#[test]
fn every_query_is_one_and_asks_for_its_metric() {
    for (name, query) in rows() {
        if let Err(error) = parser::parse(&query) {
            panic!("{name}: {query}: {error}");
        }
        let family = name.trim_end_matches("_limit").trim_end_matches("_max");
        assert!(query.contains(family), "{query} does not ask for {name}");
    }
}
