//! Nothing in the tree may name the machine it was written on, or a registry
//! that only that machine can reach.

use std::env;
use std::path::Path;

use anyhow::Result;
use shell::Workspace;

use super::source::line_of;

/// Where crates come from; Cargo.lock must name nothing else.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Where npm's lock files must point.
const NPM: &str = "https://registry.npmjs.org/";

/// Files that may name such a place, each with its reason.
const ALLOWED: &[(&str, &str)] = &[("tools/xtask/src/lint/places.rs", "says what to look for")];

/// Finds directories and hosts that mean nothing on another machine.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut own = vec![workspace.root().display().to_string()];
    // A home such as /root is in many an image; only one that names a person counts.
    own.extend(env::var("HOME").ok().filter(|home| home.matches('/').count() > 1));
    let mut findings = Vec::new();
    for path in workspace.files()? {
        if ALLOWED.iter().any(|(allowed, _)| path == Path::new(allowed)) {
            continue;
        }
        let Some(text) = workspace.text(&path)? else { continue };
        findings.extend(check_text(&path, &text, &own));
    }
    Ok(findings)
}

fn check_text(path: &Path, text: &str, own: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut report = |at: usize, what: &str, advice: &str| {
        findings.push(format!("{}:{}: {what}; {advice}", path.display(), line_of(text, at)));
    };
    for place in own {
        for (at, _) in text.match_indices(place.as_str()) {
            report(at, "names a directory of this machine", "write it relative to the clone");
        }
    }
    for home in ["/home/", "/Users/"] {
        for (at, _) in text.match_indices(home) {
            if is_a_person(&text[at + home.len()..]) {
                report(at, "names somebody's home directory", "use $HOME or a relative path");
            }
        }
    }
    for (key, fine) in [("source = \"", CRATES_IO), ("\"resolved\": \"", NPM)] {
        if !path.file_name().is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json")
        {
            continue;
        }
        for (at, _) in text.match_indices(key) {
            if !text[at + key.len()..].starts_with(fine) {
                report(at, "comes from another place than the public registry", "lock it again");
            }
        }
    }
    for setting in
        ["GOPROXY=http", "index-url=http", "index-url = http", "replace-with = ", "registry=http"]
    {
        for (at, _) in text.match_indices(setting) {
            report(at, "names a registry of one machine", "leave it to that machine's settings");
        }
    }
    findings
}

/// Returns whether a path goes on with a user's name, not with a variable or the user of an
/// image.
fn is_a_person(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    let name = &rest[..end.unwrap_or(rest.len())];
    !name.is_empty() && !["nonroot", "user", "runner"].contains(&name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CRATES_IO, check_text};

    fn found(file: &str, text: &str) -> usize {
        check_text(Path::new(file), text, &["/src/clone-of-mine".to_owned()]).len()
    }

    #[test]
    fn finds_this_clone_and_a_persons_home() {
        assert_eq!(found("a.md", "cd /src/clone-of-mine/x"), 1);
        assert_eq!(found("a.md", "ls /home/ada/x and /Users/ada"), 2);
        assert_eq!(found("a.md", "ls $HOME, /home/$USER, /home/nonroot, /root/.cargo"), 0);
    }

    #[test]
    fn lock_files_name_the_public_registry_only() {
        assert_eq!(found("Cargo.lock", &format!("source = \"{CRATES_IO}\"")), 0);
        assert_eq!(found("Cargo.lock", "source = \"registry+https://mirror.example/index\""), 1);
        assert_eq!(
            found("a/package-lock.json", "\"resolved\": \"http://mirror.example/x.tgz\""),
            1
        );
        assert_eq!(found("a.rs", "source = \"x\""), 0);
    }

    #[test]
    fn settings_of_one_machine_stay_there() {
        assert_eq!(found(".npmrc", "registry=https://mirror.example"), 1);
        assert_eq!(found("run.sh", "GOPROXY=https://mirror.example go build"), 1);
        assert_eq!(found("run.sh", "GOPROXY=off go build"), 0);
    }
}
