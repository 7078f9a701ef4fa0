//! Tests that need something from outside Rust, and say so.
//!
//! Plain `cargo test` leaves them out by `#[ignore = "needs promtool; …"]`. The
//! name of the binary says which tier runs them: `tests/servers/rules.rs` and
//! `tests/rules_servers.rs` belong to tier `servers`. What comes after `needs` is what
//! the tier installs, so the test is the only file that says it.

use std::path::Path;

use anyhow::{Context, Result};
use proc_macro2::TokenTree;
use shell::Workspace;

use super::source::{attribute, is_word, line, tokens, walk};

/// Endings of the names of test files, each a tier.
pub(crate) const ENDINGS: &[&str] = &["servers", "browser", "deploy", "cluster"];

/// An ignored test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutsideTest {
    /// `file:line`.
    pub(crate) location: String,
    /// The function's name.
    pub(crate) function: String,
    /// The modules that it is in, such as `slo` and `rules` in `tests/servers/slo/rules.rs`.
    pub(crate) modules: Vec<String>,
    /// The test target, such as `servers`; empty outside `tests/`.
    pub(crate) target: String,
    /// The ending of the target's name, such as `servers`.
    pub(crate) ending: Option<String>,
    /// The tools it needs.
    pub(crate) needs: Vec<String>,
    /// The whole reason.
    reason: Option<String>,
}

impl OutsideTest {
    /// Returns the name that the test has in its binary, such as `slo::rules::promtool_accepts`.
    pub(crate) fn path(&self) -> String {
        let names = self.modules.iter().chain([&self.function]);
        names.map(String::as_str).collect::<Vec<_>>().join("::")
    }
}

/// Returns every ignored test of the workspace.
pub(crate) fn find(workspace: &Workspace) -> Result<Vec<OutsideTest>> {
    let mut tests = Vec::new();
    for path in workspace.files_with("rs")? {
        if let Some(text) = workspace.text(&path)? {
            let found = find_in(&path, &text).with_context(|| path.display().to_string())?;
            tests.extend(found);
        }
    }
    Ok(tests)
}

/// Finds ignored tests that no tier runs.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(find(workspace)?.iter().flat_map(problems).collect())
}

fn problems(test: &OutsideTest) -> Vec<String> {
    let OutsideTest { location, function, ending, needs, reason, .. } = test;
    // A command that writes a file of this repository, in the shape of a test: a person runs it.
    if reason.as_deref().is_some_and(|reason| reason.starts_with("writes ")) {
        return Vec::new();
    }
    if reason.is_none() || needs.is_empty() {
        return vec![format!(
            "{location}: {function} is ignored and does not say what it needs; \
             write #[ignore = \"needs promtool; cargo xtask test --only servers\"]"
        )];
    }
    let mut found = Vec::new();
    if ending.is_none() {
        found.push(format!(
            "{location}: {function} is ignored, and no tier runs it here; \
             move it to tests/servers/ (or {})",
            ENDINGS[1..].join(", ")
        ));
    }
    for need in needs.iter().filter(|need| toolbox::by_name(need).is_none()) {
        found.push(format!(
            "{location}: {function} needs {need}, which xtask cannot install; add it to \
             tools/toolbox/src/tools.rs or use one of {}",
            toolbox::names()
        ));
    }
    found
}

/// Returns the ignored tests of one file.
pub(crate) fn find_in(path: &Path, text: &str) -> Result<Vec<OutsideTest>> {
    let (target, modules) = target(path).unwrap_or_default();
    let last = target.rsplit('_').next().unwrap_or_default();
    let ending = ENDINGS.contains(&last).then(|| last.to_owned());
    let mut tests = Vec::new();
    walk(&tokens(text)?, &mut |rest| {
        let Some(inside) = attribute(rest).filter(|inside| is_word(inside.first(), "ignore"))
        else {
            return;
        };
        let name = rest.iter().skip_while(|token| !is_word(Some(token), "fn")).nth(1);
        let reason = inside.get(2).map(reason);
        tests.push(OutsideTest {
            location: format!("{}:{}", path.display(), line(&rest[0])),
            function: name.map(ToString::to_string).unwrap_or_default(),
            modules: modules.clone(),
            target: target.clone(),
            ending: ending.clone(),
            needs: reason.as_deref().map(needs).unwrap_or_default(),
            reason,
        });
    });
    Ok(tests)
}

/// Reads a literal, which may go on in the next line after a backslash.
fn reason(literal: &TokenTree) -> String {
    let text = literal.to_string();
    let words = text.trim_matches('"').split_whitespace().filter(|word| *word != "\\");
    words.collect::<Vec<_>>().join(" ")
}

/// Reads `promtool` and `haproxy` from `needs promtool and haproxy; cargo xtask …`.
fn needs(reason: &str) -> Vec<String> {
    let Some(list) = reason.strip_prefix("needs ") else { return Vec::new() };
    let list = list.split(';').next().unwrap_or_default().replace(" and ", ",");
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Returns the test target that a file belongs to, `x` for `tests/x.rs` and `tests/x/y.rs`, and
/// the modules that it is in.
fn target(path: &Path) -> Option<(String, Vec<String>)> {
    let parts = path.iter().skip_while(|part| *part != "tests").skip(1);
    let mut names: Vec<_> =
        parts.map(|part| Path::new(part).file_stem()?.to_str()).collect::<Option<_>>()?;
    if names.len() > 1 && names.last().is_some_and(|last| ["main", "mod"].contains(last)) {
        names.pop();
    }
    let mut names = names.into_iter().map(str::to_owned);
    Some((names.next()?, names.collect()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{OutsideTest, problems};

    fn find_in(path: &Path, text: &str) -> Vec<OutsideTest> {
        super::find_in(path, text).expect("is Rust")
    }

    const GOOD: &str = "#[tokio::test]\n#[ignore = \"needs promtool, haproxy and promtool-3; \\\n    \
                        cargo xtask test --only servers\"]\nasync fn rules_pass() {}\n";

    #[test]
    fn reads_what_a_test_needs_and_which_tier_runs_it() {
        for (file, path) in [
            ("sre-kit/tests/rules_servers.rs", "rules_pass"),
            ("sre-kit/tests/servers/main.rs", "rules_pass"),
            ("sre-kit/tests/servers/rules.rs", "rules::rules_pass"),
            ("sre-kit/tests/servers/slo/mod.rs", "slo::rules_pass"),
            ("sre-kit/tests/servers/slo/rules.rs", "slo::rules::rules_pass"),
        ] {
            let found = find_in(Path::new(file), GOOD);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].path(), path);
            assert_eq!(found[0].needs, ["promtool", "haproxy", "promtool-3"]);
            assert_eq!(found[0].ending.as_deref(), Some("servers"));
            assert_eq!(found[0].location, format!("{file}:2"));
            assert!(problems(&found[0]).is_empty());
        }
    }

    #[test]
    fn an_ignored_test_that_no_tier_runs_is_a_problem() {
        let found = find_in(Path::new("sre-kit/tests/rules.rs"), GOOD);
        assert!(problems(&found[0])[0].contains("no tier runs it"));
        let found = find_in(Path::new("sre-kit/src/slo/servers.rs"), GOOD);
        assert!(problems(&found[0])[0].contains("no tier runs it"));
    }

    #[test]
    fn a_reason_without_a_tool_and_a_tool_nobody_knows_are_problems() {
        let file = Path::new("sre-kit/tests/a_servers.rs");
        for text in ["#[ignore]\nfn a() {}", "#[ignore = \"slow\"]\nfn a() {}"] {
            assert!(problems(&find_in(file, text)[0])[0].contains("does not say what it needs"));
        }
        let found = find_in(file, "#[ignore = \"needs frobnicator; x\"]\nfn a() {}");
        let problems = problems(&found[0]);
        assert!(problems[0].contains("frobnicator") && problems[0].contains("haproxy"));
    }

    #[test]
    fn a_command_that_writes_a_file_belongs_to_no_tier() {
        let text = "#[ignore = \"writes contracts.yaml; see its first lines\"]\nfn a() {}";
        assert!(problems(&find_in(Path::new("tests/contracts.rs"), text)[0]).is_empty());
    }

    #[test]
    fn doc_comments_and_texts_are_no_tests() {
        let text = "//! #[ignore = \"needs x\"]\nconst A: &str = \"#[ignore]\";\nfn a() {}";
        assert!(find_in(Path::new("sre-kit/tests/a_servers.rs"), text).is_empty());
    }
}
