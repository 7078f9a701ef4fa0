//! Files stay short: one concept each, readable in one sitting.

use std::path::Path;

use anyhow::Result;

use super::source::{before_tests, code_only};
use super::stale;
use crate::workspace::Workspace;

/// Lines a file may have, its tests and its documentation aside, since nobody
/// should have to write less of either. About three hundred: the rest is slack.
const LIMIT: usize = 320;

/// Files that are longer for a reason, and how long they may be.
const ALLOWED: &[(&str, usize, &str)] =
    &[("sre-kit/src/slo/render/dashboard/golden.rs", 340, "a dashboard, one panel after another")];

/// Rust files that are longer than they should be.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for path in workspace.files_with("rs")? {
        let Some(text) = workspace.text(&path)? else { continue };
        let lines = counted(&path, &text);
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
    findings.extend(stale("xtask/src/lint/length.rs", &allowed, &used));
    Ok(findings)
}

/// Lines that count: tests do not, wherever they are, nor does what rustdoc reads.
fn counted(path: &Path, text: &str) -> usize {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| stem == "tests");
    if in_tests {
        return 0;
    }
    let code = code_only(text);
    let kept = before_tests(&code).len();
    let documents = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("//!")
    };
    text[..kept].lines().filter(|line| !documents(line)).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::counted;

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
}
