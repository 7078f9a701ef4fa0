//! The built-in pages that list the pages and show the version.

use std::fmt::Write;

use super::page::Page;
use crate::metrics::BuildInfo;

/// Returns the page `/version`.
pub(super) fn version(build: &BuildInfo) -> Page {
    let known = [
        ("service", Some(build.service())),
        ("version", Some(build.version())),
        ("revision", build.revision()),
        ("rustc", build.rustc()),
    ];
    let known: Vec<_> = known.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let mut plain = String::new();
    let mut json = serde_json::Map::new();
    for (name, value) in known {
        // Writing into a string cannot fail.
        let _ = writeln!(plain, "{name}: {value}");
        json.insert(name.to_owned(), value.into());
    }
    let json = serde_json::Value::Object(json).to_string();
    let (json, plain) = (move || json.clone(), move || plain.clone());
    Page::text_or_json("/version", "Which build runs.", json, plain).public()
}

/// Returns the list of pages as text.
pub(super) fn list<'a>(pages: impl Iterator<Item = &'a Page>) -> String {
    let mut out = String::new();
    for page in pages.filter(|page| page.is_listed()) {
        let _ = writeln!(out, "{:<5} {:<20} {}", page.method().as_str(), page.path(), page.about());
    }
    out
}
