//! Integration tests are linked into few binaries, and each file is in one.
//!
//! Linking takes longer than compiling most of these files, so a package has one binary per
//! tier: `tests/rust/main.rs`, `tests/servers/main.rs`. A file that no `main.rs` reaches
//! would be compiled by nothing, and its tests would never run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::TokenTree;
use shell::Workspace;

use super::outside::ENDINGS;
use super::source::{attribute, is_word, tokens};

/// What the first lines of a further binary say, with the reason.
const REASON: &str = "binary of ";

/// Finds test files that no binary includes, and binaries that could be one.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    for path in workspace.files_with("rs")? {
        if let Some(text) = workspace.text(&path)? {
            files.insert(path, text);
        }
    }
    find_in(&files)
}

fn find_in(files: &BTreeMap<PathBuf, String>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut reached = BTreeSet::new();
    let mut binaries: BTreeMap<(&Path, &str), Vec<&Path>> = BTreeMap::new();
    for (path, text) in files {
        match within_tests(path) {
            // The library's modules may include a file of tests by its path.
            None => {
                for lent in modules(path, text, false)? {
                    if within_tests(&lent).is_some() {
                        reach(&lent, false, files, &mut reached)?;
                    }
                }
            }
            Some((package, inside)) if is_root(inside) => {
                reach(path, true, files, &mut reached)?;
                binaries.entry((package, tier(inside))).or_default().push(path);
            }
            Some(_) => {}
        }
    }
    for path in files.keys().filter(|path| within_tests(path).is_some()) {
        if !reached.contains(path) {
            findings.push(format!(
                "{}: no test binary includes this file; name it by `mod` in the main.rs beside it",
                path.display()
            ));
        }
    }
    for ((package, tier), mut roots) in binaries {
        roots.retain(|root| !files[*root].lines().take(4).any(|line| line.contains(REASON)));
        // The folder is the one to keep.
        roots.sort_by_key(|root| !root.ends_with("main.rs"));
        for root in roots.iter().skip(1) {
            findings.push(format!(
                "{}: {} has more than one test binary of tier {tier}; move this into \
                 tests/{tier}/ and name it in its main.rs, or say in its first line why it is a \
                 binary of its own",
                root.display(),
                package.display(),
            ));
        }
    }
    Ok(findings)
}

/// Returns the package and the path below its `tests/`.
fn within_tests(path: &Path) -> Option<(&Path, &Path)> {
    path.ancestors()
        .find(|dir| dir.file_name().is_some_and(|name| name == "tests"))
        .filter(|dir| !dir.iter().any(|part| part == "src"))
        .and_then(|dir| Some((dir.parent()?, path.strip_prefix(dir).ok()?)))
}

/// Returns whether cargo makes a binary of it.
fn is_root(inside: &Path) -> bool {
    match inside.components().count() {
        1 => true,
        2 => inside.ends_with("main.rs"),
        _ => false,
    }
}

fn tier(inside: &Path) -> &'static str {
    let name = Path::new(inside.iter().next().unwrap_or_default()).file_stem();
    let name = name.and_then(|name| name.to_str()).unwrap_or_default();
    let last = name.rsplit('_').next().unwrap_or_default();
    ENDINGS.iter().find(|ending| **ending == last).copied().unwrap_or("rust")
}

/// Adds a file and everything that it includes.
fn reach(
    first: &Path,
    is_root: bool,
    files: &BTreeMap<PathBuf, String>,
    reached: &mut BTreeSet<PathBuf>,
) -> Result<()> {
    let mut open = vec![(first.to_owned(), is_root)];
    while let Some((path, root)) = open.pop() {
        let Some(text) = files.get(&path) else { continue };
        let found = modules(&path, text, root)?;
        if reached.insert(path) {
            open.extend(found.into_iter().map(|path| (path, false)));
        }
    }
    Ok(())
}

/// Returns the files that the modules of one file may be in.
fn modules(path: &Path, text: &str, root: bool) -> Result<Vec<PathBuf>> {
    let tokens = tokens(text).with_context(|| path.display().to_string())?;
    let dir = path.parent().unwrap_or(Path::new(""));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let own =
        if root || ["mod", "main", "lib"].contains(&stem) { dir.into() } else { dir.join(stem) };
    let mut found = Vec::new();
    let mut named = None;
    for at in 0..tokens.len() {
        if let Some(inside) = attribute(&tokens[at..]) {
            if let (true, Some(TokenTree::Literal(text))) =
                (is_word(inside.first(), "path"), inside.get(2))
            {
                named = Some(dir.join(text.to_string().trim_matches('"')));
            }
            continue;
        }
        let [word, TokenTree::Ident(name), TokenTree::Punct(end), ..] = &tokens[at..] else {
            continue;
        };
        if is_word(Some(word), "mod") && end.as_char() == ';' {
            if let Some(path) = named.take() {
                found.push(normal(&path));
            } else {
                found.push(own.join(format!("{name}.rs")));
                found.push(own.join(name.to_string()).join("mod.rs"));
            }
        }
    }
    Ok(found)
}

/// Resolves `..` without looking at the disk.
fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            whole.pop();
        } else {
            whole.push(part);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::find_in;

    fn find(files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| ((*path).into(), (*text).to_owned()));
        find_in(&files.collect()).expect("is Rust")
    }

    #[test]
    fn a_file_that_no_binary_includes_is_found() {
        let files = [
            ("kit/tests/rust/main.rs", "mod a;\n#[path = \"../support/x.rs\"]\nmod x;"),
            ("kit/tests/rust/a.rs", "mod inner;"),
            ("kit/tests/rust/a/inner.rs", ""),
            ("kit/tests/support/x.rs", ""),
            ("kit/tests/servers/main.rs", "mod db;"),
            ("kit/tests/servers/db/mod.rs", "mod herd;"),
            ("kit/tests/servers/db/herd.rs", ""),
            ("kit/tests/shared/mod.rs", "mod lent;"),
            ("kit/tests/shared/lent.rs", ""),
            ("benches/src/a/b.rs", "#[path = \"../../../kit/tests/shared/mod.rs\"] mod lent;"),
            ("kit/src/tests/unit.rs", ""),
        ];
        assert_eq!(find(&files), [""; 0]);
        let mut more = files.to_vec();
        more.push(("kit/tests/servers/db/lost.rs", "#[test] fn f() {}"));
        let found = find(&more);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("kit/tests/servers/db/lost.rs: no test binary"), "{found:?}");
    }

    #[test]
    fn a_package_has_one_binary_per_tier_unless_it_says_why() {
        let found = find(&[
            ("kit/tests/rust/main.rs", ""),
            ("kit/tests/new.rs", "//! New."),
            ("kit/tests/drain_servers.rs", "//! Alone in its tier."),
            ("kit/tests/counts/main.rs", "//! They are a binary of their own because x."),
            ("app/tests/run.rs", ""),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("kit/tests/new.rs: kit has more"), "{found:?}");
        assert!(found[0].contains("tests/rust/"), "{found:?}");
    }
}
