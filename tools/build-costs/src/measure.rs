//! Builds a case from nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use shell::{Cmd, Workspace};

use crate::cases::Case;

/// What a build took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// The packages that are compiled, build scripts' and macros' included, the user's own not.
    pub(crate) packages: usize,
    /// Processor seconds, user and system, of cargo and all that it started.
    pub(crate) seconds: f64,
}

/// Builds the case once and returns what it took. What it left is removed.
pub(crate) fn measure(workspace: &Workspace, case: &Case) -> Result<Cost> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("src"))?;
    fs::write(folder.path().join("src/main.rs"), "fn main() {}\n")?;
    fs::write(folder.path().join("Cargo.toml"), manifest(case, &workspace.root().join("sre-kit")))?;
    // The versions that this workspace is tested with.
    fs::copy(workspace.root().join("Cargo.lock"), folder.path().join("Cargo.lock"))?;

    let tree = Cmd::cargo("tree --edges normal,build --prefix none --format {p}");
    let packages = count(&tree.dir(folder.path()).read()?);
    Cmd::cargo("fetch --quiet").dir(folder.path()).read()?;
    let before = processor_seconds()?;
    let build = Cmd::cargo("build --quiet")
        .dir(folder.path())
        .env("CARGO_TARGET_DIR", folder.path().join("target").display().to_string())
        // As it is for a user, whatever the environment of this run says.
        .unset("CARGO_INCREMENTAL")
        .unset("RUSTFLAGS");
    build.read()?;
    Ok(Cost { packages, seconds: processor_seconds()? - before })
}

fn manifest(case: &Case, library: &Path) -> String {
    let mut text = String::from(
        "[package]\nname = \"service\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n",
    );
    text.push_str(case.others);
    if let Some(features) = case.features {
        let features: Vec<_> =
            features.split(',').filter(|f| !f.is_empty()).map(|f| format!("{f:?}")).collect();
        let _ = writeln!(
            text,
            "sre-kit = {{ path = {:?}, default-features = false, features = [{}] }}",
            library.display().to_string(),
            features.join(", ")
        );
    }
    text
}

/// Counts the packages of a tree, without its root. One that was shown before ends in `(*)`.
fn count(tree: &str) -> usize {
    let packages = tree.lines().skip(1).map(|line| line.trim_end_matches(" (*)"));
    // The headings of the sections are in brackets.
    let packages = packages.filter(|line| !line.is_empty() && !line.starts_with('['));
    packages.collect::<BTreeSet<_>>().len()
}

/// Returns the processor time of all children that ended, from the kernel's count.
fn processor_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")
        .context("processor time is read from /proc, so run this on Linux")?;
    children_seconds(&stat).with_context(|| format!("/proc/self/stat has no such fields: {stat}"))
}

/// Reads `cutime` and `cstime`, see proc_pid_stat(5). Linux counts them in hundredths of a second
/// on every architecture that has `/proc`, whatever its own tick is.
fn children_seconds(stat: &str) -> Option<f64> {
    // The name of the program, in parentheses, may contain spaces.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    // Fields 16 and 17 of the file, of which the first two are cut off.
    Some(f64::from(ticks(13)? + ticks(14)?) / 100.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{children_seconds, count, manifest};
    use crate::cases::all;

    #[test]
    fn a_package_counts_once_and_the_users_own_does_not() {
        let tree = "service v0.0.0 (/x)\nsyn v2.0.1\nsyn v3.0.0\nsyn v2.0.1 (*)\n\
                    [build-dependencies]\ncc v1.0.0\n";
        assert_eq!(count(tree), 3);
    }

    #[test]
    fn the_time_of_the_children_is_read_whatever_the_program_is_called() {
        let stat = "7 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 11 12 1250 250 20 0 1 0";
        assert_eq!(children_seconds(stat), Some(15.0));
        assert_eq!(children_seconds("7 (a) R 1"), None);
    }

    #[test]
    fn a_case_is_a_package_with_what_it_names() {
        let cases = all();
        let layer = cases.iter().find(|case| case.name == "sre-kit's layer").expect("a case");
        let text = manifest(layer, Path::new("/clone/sre-kit"));
        assert!(text.ends_with(
            "sre-kit = { path = \"/clone/sre-kit\", default-features = false, \
             features = [\"axum\"] }\n"
        ));
        assert!(text.contains("axum = \"0.8\"\n"), "{text}");
    }
}
