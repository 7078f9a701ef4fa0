//! Rules about this tree that no compiler knows.
//!
//! Each rule is a function from the workspace to a list of findings, each one
//! line: where, what, and what to do.

pub(crate) mod binaries;
pub(crate) mod length;
pub(crate) mod links;
pub(crate) mod outside;
pub(crate) mod places;
pub(crate) mod source;

use anyhow::Result;
use shell::Workspace;

/// A rule: its name, and what finds where it is broken.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Workspace) -> Result<Vec<String>>,
}

/// The rules, in the order in which they run.
pub(crate) const STRUCTURE: &[Rule] = &[
    Rule { name: "length of files", check: length::check },
    Rule { name: "test binaries", check: binaries::check },
    Rule { name: "tests from outside Rust", check: outside::check },
    Rule { name: "places and hosts", check: places::check },
];

/// Checked with the documentation.
pub(crate) const LINKS: Rule = Rule { name: "links in Markdown", check: links::check };

/// Finds entries of a list of exceptions that nothing needs any more: an exception that
/// outlives its reason hides the next mistake.
fn stale(list: &str, allowed: &[&str], used: &[String]) -> Vec<String> {
    allowed
        .iter()
        .filter(|entry| !used.iter().any(|name| name == *entry))
        .map(|entry| format!("{list} still allows {entry}, which needs it no more; remove it"))
        .collect()
}
