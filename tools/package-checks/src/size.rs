//! How many packages a user of `sre-kit` builds.

use std::collections::BTreeSet;

use anyhow::Result;
use shell::{Cmd, Workspace};

/// What a user may ask for, and how many packages that builds at most, sre-kit included.
///
/// The goal for all features is 280. All features have both TLS providers, of which a service builds
/// one; sea-orm-migration turns sea-orm's default features on, the trace feature of
/// opentelemetry_sdk brings a second rand, google-cloud-auth a second darling, systemd two packages,
/// and the bridges from other metric APIs five: those are what is above it.
const BOUNDS: &[(&str, &str, usize)] = &[
    ("the layer alone", "--no-default-features", 45),
    ("default features", "", 70),
    ("all features", "--all-features", 304),
];

/// Prints each count, and finds those above their bound.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut counts = Vec::new();
    for (_, features, _) in BOUNDS {
        let tree = Cmd::cargo("tree --package sre-kit --edges normal --prefix none --format {p}");
        let tree = tree.args(features.split_whitespace()).dir(workspace.root()).read()?;
        counts.push(count(&tree));
    }
    for ((what, _, bound), count) in BOUNDS.iter().zip(&counts) {
        println!("  sre-kit, {what}: {count} packages, at most {bound}");
    }
    Ok(above(&counts))
}

/// A package that was shown before ends in `(*)`.
fn count(tree: &str) -> usize {
    let packages = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    packages.filter(|package| !package.is_empty()).collect::<BTreeSet<_>>().len()
}

fn above(counts: &[usize]) -> Vec<String> {
    let both = BOUNDS.iter().zip(counts);
    both.filter(|((_, _, bound), count)| *count > bound)
        .map(|((what, features, bound), count)| {
            let tree = format!("cargo tree --package sre-kit --edges normal {features}");
            format!(
                "sre-kit, {what}, builds {count} packages, more than {bound}; make a dependency \
                 optional, see {}",
                tree.trim_end()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{above, count};

    #[test]
    fn a_package_counts_once_and_each_of_its_versions_counts() {
        let tree = "sre-kit v0.1.0 (/x)\nsyn v2.0.1\nsyn v3.0.0\nsyn v2.0.1 (*)\n\n";
        assert_eq!(count(tree), 3);
    }

    #[test]
    fn each_bound_is_the_last_count_that_is_fine() {
        assert!(above(&[45, 70, 304]).is_empty());
        let found = above(&[46, 71, 305]);
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("sre-kit, the layer alone, builds 46 packages, more than 45"));
    }
}
