//! As much of a Dockerfile, and of .dockerignore, as ours use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Instructions with their continued lines joined.
pub(crate) struct Dockerfile(Vec<(String, String)>);

impl Dockerfile {
    pub(crate) fn text() -> String {
        fs::read_to_string(Path::new(ROOT).join("Dockerfile")).expect("there is a Dockerfile")
    }

    pub(crate) fn read() -> Self {
        let mut joined = String::new();
        let mut instructions = Vec::new();
        for line in Self::text().lines().filter(|line| !line.trim_start().starts_with('#')) {
            let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
            joined.push_str(part);
            if !more && !joined.trim().is_empty() {
                let (word, rest) = joined.trim().split_once(' ').expect("an instruction");
                instructions.push((word.to_owned(), rest.trim().to_owned()));
                joined.clear();
            }
        }
        Self(instructions)
    }

    pub(crate) fn all(&self, word: &str) -> impl Iterator<Item = &str> {
        let word = word.to_owned();
        self.0.iter().filter(move |(found, _)| *found == word).map(|(_, rest)| rest.as_str())
    }

    pub(crate) fn last(&self, word: &str) -> &str {
        self.all(word).last().unwrap_or_else(|| panic!("there is no {word}"))
    }

    /// The commands of the build, without their mounts.
    pub(crate) fn runs(&self) -> Vec<String> {
        let command = |run: &str| {
            let words: Vec<_> = run.split(' ').collect();
            let first = words.iter().position(|word| !word.is_empty() && !word.starts_with("--"));
            words[first.expect("a command")..].join(" ")
        };
        self.all("RUN").map(command).collect()
    }

    /// The variables of the first stage, or of the last.
    pub(crate) fn env(&self, last: bool) -> Vec<(String, String)> {
        let env = if last { self.all("ENV").last() } else { self.all("ENV").next() };
        env.expect("there is one")
            .split_whitespace()
            .map(|pair| pair.split_once('=').expect("a pair"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub(crate) fn entrypoint(&self) -> Vec<String> {
        [self.last("ENTRYPOINT"), self.last("CMD")]
            .iter()
            .flat_map(|list| serde_json::from_str::<Vec<String>>(list).expect("a list"))
            .collect()
    }
}

/// The files of the tree that .dockerignore lets in.
pub(crate) fn context() -> Vec<PathBuf> {
    let ignore = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).expect("there is one");
    let rules: Vec<(bool, &str)> = ignore
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.strip_prefix('!').map_or((false, line), |line| (true, line)))
        .collect();
    // What is new counts as well; what git ignores is not there on another machine.
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(ROOT)
        .output()
        .expect("git runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let lets_in = |path: &str| {
        let last = rules.iter().rev().find(|(_, pattern)| covers(pattern, path));
        last.is_none_or(|(lets_in, _)| *lets_in)
    };
    listed
        .lines()
        .filter(|path| lets_in(path) && Path::new(ROOT).join(path).is_file())
        .map(PathBuf::from)
        .collect()
}

/// Whether a pattern names the path, or a folder above it.
fn covers(pattern: &str, path: &str) -> bool {
    let pattern: Vec<_> = pattern.split('/').collect();
    let path: Vec<_> = path.split('/').collect();
    (1..=path.len()).any(|depth| names(&pattern, &path[..depth]))
}

fn names(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            names(rest, path)
                || path.split_first().is_some_and(|(_, deeper)| names(pattern, deeper))
        }
        (Some((first, rest)), Some((name, deeper))) => word(first, name) && names(rest, deeper),
        _ => false,
    }
}

/// `*` is any text in a name.
fn word(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && word(after, &rest[at..]))
        }),
    }
}

#[test]
fn patterns_are_read_as_docker_reads_them() {
    for (pattern, path, expected) in [
        ("*", "a/b", true),
        ("demo-app", "demo-app/src/main.rs", true),
        ("demo-app", "demo-app2/x", false),
        ("benches/**/*.rs", "benches/src/bin/a.rs", true),
        ("benches/**/*.rs", "benches/a.rs", true),
        ("benches/**/*.rs", "benches/a.md", false),
        ("**/*.sqlite*", "x/y.sqlite-wal", true),
        ("tools/*/src", "tools/xtask/src/cmd/a.rs", true),
        ("tools/*/src", "tools/xtask/tests/a.rs", false),
    ] {
        assert_eq!(covers(pattern, path), expected, "{pattern} and {path}");
    }
}
