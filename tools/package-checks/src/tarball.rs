//! What stands in the tarball of a published package beside its code.

use anyhow::Result;
use shell::{Cmd, Workspace};

/// Files without which a package is not published.
const FILES: &[&str] = &["README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Finds published packages that lack one of them.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in workspace.published()? {
        let list = Cmd::cargo("package --list --offline --allow-dirty --package").arg(&member.name);
        findings.extend(missing(&member.name, &list.dir(workspace.root()).read()?));
    }
    Ok(findings)
}

fn missing(name: &str, list: &str) -> Vec<String> {
    let missing = FILES.iter().filter(|file| !list.lines().any(|line| line == **file));
    missing
        .map(|file| {
            format!(
                "{name} would be published without {file}; name the README in its Cargo.toml, and \
                 link the licences into its folder"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn a_file_in_a_folder_is_not_the_package_s_own() {
        assert!(missing("a", "Cargo.toml\nLICENSE-APACHE\nLICENSE-MIT\nREADME.md\n").is_empty());
        let found = missing("a", "LICENSE-APACHE\nassets/LICENSE-MIT\nREADME.md\nsrc/lib.rs\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a would be published without LICENSE-MIT;"), "{found:?}");
    }
}
