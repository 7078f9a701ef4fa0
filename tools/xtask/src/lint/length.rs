//! Files stay short: one concept each, readable in one sitting.

use std::path::Path;

use anyhow::{Context, Result};
use proc_macro2::TokenTree;
use shell::Workspace;

use super::source::{attribute, is_word, line, tokens};
use super::stale;

/// How many lines a file may have without its tests and its documentation, which may be as long
/// as they need to be. The goal is 300.
const LIMIT: usize = 320;

/// Files that are longer for a reason, and how long they may be.
const ALLOWED: &[(&str, usize, &str)] = &[];

/// Finds Rust files that are too long.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for path in workspace.files_with("rs")? {
        let Some(text) = workspace.text(&path)? else { continue };
        let lines = counted(&path, &text).with_context(|| path.display().to_string())?;
        if lines <= LIMIT {
            continue;
        }
        let name = path.display().to_string();
        let limit = ALLOWED.iter().find(|(p, ..)| *p == name).map_or(LIMIT, |(_, limit, _)| *limit);
        if lines > limit {
            findings.push(format!(
                "{name} has {lines} lines without tests and documentation, more than {limit}; split it by concept"
            ));
        }
        used.push(name);
    }
    let allowed: Vec<_> = ALLOWED.iter().map(|(path, ..)| *path).collect();
    findings.extend(stale("tools/xtask/src/lint/length.rs", &allowed, &used));
    Ok(findings)
}

/// Counts the lines of a file without its tests and without what rustdoc reads.
fn counted(path: &Path, text: &str) -> Result<usize> {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| stem == "tests");
    if in_tests {
        return Ok(0);
    }
    let kept = tests_begin(&tokens(text)?).map_or(usize::MAX, |line| line - 1);
    let documents = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("//!")
    };
    Ok(text.lines().take(kept).filter(|line| !documents(line)).count())
}

/// Returns the line of the first `#[cfg(test)]` that opens a module.
fn tests_begin(tokens: &[TokenTree]) -> Option<usize> {
    let opens_tests = |at: &usize| {
        let Some(inside) = attribute(&tokens[*at..]) else { return false };
        let condition = matches!(inside.get(1), Some(TokenTree::Group(group))
            if group.stream().to_string() == "test");
        let mut rest = &tokens[*at..];
        while attribute(rest).is_some() {
            rest = &rest[2..];
        }
        is_word(inside.first(), "cfg") && condition && is_word(rest.first(), "mod")
    };
    (0..tokens.len()).find(opens_tests).map(|at| line(&tokens[at]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::counted as try_counted;

    fn counted(path: &Path, text: &str) -> usize {
        try_counted(path, text).expect("is Rust")
    }

    #[test]
    fn tests_and_documentation_do_not_count_and_comments_do() {
        let text = "//! Doc.\n/// Doc.\nfn a() {}\n// Why.\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(counted(Path::new("sre-kit/src/a.rs"), text), 3);
        assert_eq!(counted(Path::new("sre-kit/tests/a.rs"), text), 0);
        assert_eq!(counted(Path::new("sre-kit/src/a/tests.rs"), text), 0);
        assert_eq!(counted(Path::new("sre-kit/src/tests_of.rs"), text), 3);
    }

    #[test]
    fn a_test_module_inside_a_string_does_not_hide_what_follows() {
        let text = "const A: &str = \"\n#[cfg(test)]\nmod x {\n\";\nfn b() {}\n";
        assert_eq!(counted(Path::new("sre-kit/src/a.rs"), text), 5);
    }

    #[test]
    fn a_helper_for_tests_ends_nothing_and_other_attributes_may_stand_between() {
        let text =
            "fn a() {}\n#[cfg(test)]\nfn b() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n}\n";
        assert_eq!(counted(Path::new("sre-kit/src/a.rs"), text), 3);
    }
}
