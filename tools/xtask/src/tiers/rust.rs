//! What needs Rust and nothing else, cargo-deny aside, which is built from its crate.

use anyhow::{Context, Result, bail};
use shell::{Cmd, Member, Workspace};

use crate::lint;
use crate::steps::Step;

/// The member that pulls every peer's dependency tree. It is linted with the others, but its
/// documentation is not built.
const BENCHES: &str = "sre-kit-benches";

/// Returns the steps of the tier: the tests, and the lints and other shapes of the packages if
/// `all` of it is wanted. What fails fastest comes first.
pub(crate) fn steps(workspace: &Workspace, all: bool) -> Result<Vec<Step>> {
    let mut steps = vec![
        structure(),
        Step::tests("tests, all features", Cmd::cargo("test --no-fail-fast --all-features")),
    ];
    if !all {
        return Ok(steps);
    }
    let members = workspace.members()?;
    let lints = lint_steps(workspace)?;
    steps.extend(lints.into_iter().filter(|step| step.name != STRUCTURE));
    // The members of a workspace share their features, so only a member by
    // itself is built with its default ones. The demo's are what `cargo run` builds.
    let with_defaults = |member: &&Member| member.published || member.name == "demo-app";
    steps.extend(members.iter().filter(with_defaults).map(|member| {
        let cmd = Cmd::cargo("test --no-fail-fast --package").arg(&member.name);
        Step::tests(format!("tests, default features of {}", member.name), cmd)
    }));
    steps.extend(docs_without_examples());
    steps.push(features_alone(&members));
    steps.extend(oldest_rust(workspace, &members)?);
    Ok(steps)
}

const STRUCTURE: &str = "structure";

fn structure() -> Step {
    Step::check(STRUCTURE, lint::STRUCTURE, "cargo xtask lint")
}

/// Returns the steps of `cargo xtask lint`.
pub(crate) fn lint_steps(workspace: &Workspace) -> Result<Vec<Step>> {
    let published = workspace.published()?;
    let steps = vec![
        Step::run("format", Cmd::cargo("fmt --all --check")),
        structure(),
        Step::run(
            "clippy",
            Cmd::cargo("clippy --workspace --all-features --all-targets -- -D warnings"),
        ),
        Step::run("dependencies", Cmd::cargo("deny --all-features check bans licenses sources"))
            .needs(toolbox::by_name("cargo-deny")),
        Step::run("published packages", Cmd::cargo("run --quiet --package package-checks")),
        Step::run("tarballs", package(&published)),
    ];
    Ok(steps.into_iter().chain(super::other_systems::steps()).collect())
}

/// Builds each published package from its own tarball, below those that need it. The
/// tarballs of the others stand in for the registry, where they may not be yet.
fn package(published: &[Member]) -> Cmd {
    let names = published.iter().flat_map(|member| ["--package", &member.name]);
    Cmd::cargo("package --offline --allow-dirty --quiet").args(names)
}

/// Returns the steps of `cargo xtask docs`. The tier runs the examples with the other tests.
pub(crate) fn docs_steps() -> Vec<Step> {
    let examples =
        Step::tests("examples in the docs", Cmd::cargo("test --no-fail-fast --doc --all-features"));
    docs_without_examples().into_iter().chain([examples]).collect()
}

fn docs_without_examples() -> Vec<Step> {
    vec![
        Step::run(
            "documentation",
            Cmd::cargo("doc --workspace --exclude")
                .arg(BENCHES)
                .args(["--all-features", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        ),
        Step::check("links in Markdown", [&lint::LINKS], "cargo xtask docs"),
    ]
}

/// Returns the step that builds each feature without the others. A loop over clippy shares
/// every dependency with the steps before it; cargo-hack would first have to be built.
fn features_alone(members: &[Member]) -> Step {
    let mut cmds = Vec::new();
    for member in members.iter().filter(|member| !member.features.is_empty()) {
        let alone =
            || Cmd::cargo("clippy --package").arg(&member.name).arg("--no-default-features");
        let deny = ["--", "-D", "warnings"];
        cmds.push(alone().args(deny));
        for feature in &member.features {
            cmds.push(alone().arg("--features").arg(feature).args(deny));
        }
    }
    Step::all("each feature alone", cmds)
}

/// Returns the step that builds everything with the oldest toolchain that `rust-version`
/// allows, unless that is the one in use: then the steps before have done it.
fn oldest_rust(workspace: &Workspace, members: &[Member]) -> Result<Option<Step>> {
    let oldest = oldest_for_all(members)?;
    let rustc = Cmd::new("rustc").arg("--version").dir(workspace.root()).read()?;
    let installed = Cmd::new("rustup").args(["toolchain", "list"]).read().unwrap_or_default();
    Ok(oldest_rust_step(&oldest, &rustc, &installed))
}

/// Returns the newest of the members' `rust-version`, which the whole workspace needs. For a
/// member that allows an older one, clippy's `incompatible_msrv` checks what it calls.
fn oldest_for_all(members: &[Member]) -> Result<String> {
    let minor = |version: &String| version.split('.').nth(1).and_then(|n| n.parse::<u32>().ok());
    if let Some(member) = members.iter().find(|member| member.rust_version.is_none()) {
        bail!("{} states no rust-version; inherit it", member.name);
    }
    let versions = members.iter().filter_map(|member| member.rust_version.clone());
    versions.max_by_key(minor).context("there are members")
}

fn oldest_rust_step(oldest: &str, rustc: &str, installed: &str) -> Option<Step> {
    let in_use = rustc.split_whitespace().nth(1).unwrap_or_default();
    let is_oldest = |version: &str| {
        version
            .strip_prefix(oldest)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    if is_oldest(in_use) {
        return None;
    }
    // `1.95.0-x86_64-unknown-linux-gnu (active)`
    let toolchain = installed.split_whitespace().find(|name| is_oldest(name));
    let version = toolchain.and_then(|name| name.split('-').next());
    let check = Cmd::new("cargo")
        .arg(format!("+{}", version.unwrap_or(oldest)))
        .args("check --workspace --all-features --all-targets".split(' '))
        .args(["--target-dir", "target/oldest-rust"]);
    let install = Cmd::new("rustup").args(["toolchain", "install", "--profile", "minimal", oldest]);
    let cmds = if version.is_some() { vec![check] } else { vec![install, check] };
    Some(Step::all(format!("oldest Rust, {oldest}"), cmds))
}

#[cfg(test)]
mod tests {
    use super::{features_alone, oldest_for_all, oldest_rust_step, package};
    use crate::steps::{Action, Step};
    use shell::Member;

    fn commands(step: &Step) -> Vec<String> {
        let Action::Run(run) = &step.action else { panic!("{} runs nothing", step.name) };
        run.cmds.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_feature_and_none_at_all_is_a_command() {
        let member = |name: &str, features: &[&str]| Member {
            name: name.to_owned(),
            features: features.iter().map(ToString::to_string).collect(),
            ..Member::default()
        };
        let step = features_alone(&[member("a", &["x", "y"]), member("b", &[])]);
        let Action::Run(run) = step.action else { panic!("runs commands") };
        let lines: Vec<_> = run.cmds.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "cargo clippy --package a --no-default-features -- -D warnings",
                "cargo clippy --package a --no-default-features --features x -- -D warnings",
                "cargo clippy --package a --no-default-features --features y -- -D warnings",
            ]
        );
    }

    #[test]
    fn all_members_together_need_the_newest_of_their_oldest_rusts() {
        let member = |version: Option<&str>| Member {
            rust_version: version.map(str::to_owned),
            ..Member::default()
        };
        let members = [member(Some("1.95")), member(Some("1.100")), member(Some("1.9.1"))];
        assert_eq!(oldest_for_all(&members).expect("all state one"), "1.100");
        assert!(oldest_for_all(&[member(Some("1.95")), member(None)]).is_err());
    }

    #[test]
    fn published_packages_are_packed_together() {
        let member = |name: &str| Member { name: name.to_owned(), ..Member::default() };
        assert_eq!(
            package(&[member("a"), member("b")]).to_string(),
            "cargo package --offline --allow-dirty --quiet --package a --package b"
        );
    }

    #[test]
    fn the_oldest_rust_is_the_one_in_use_or_installed_or_fetched() {
        let step = |rustc: &str, installed: &str| {
            oldest_rust_step("1.95", rustc, installed).map(|step| commands(&step))
        };
        let list =
            "stable-x86_64-unknown-linux-gnu (active, default)\n1.95.0-x86_64-unknown-linux-gnu\n";
        assert_eq!(step("rustc 1.95.3 (abc 2026-01-01)", ""), None);
        let found = step("rustc 1.97.0 (abc)", list).expect("a step");
        assert!(found[0].starts_with("cargo +1.95.0 check"), "{found:?}");
        let found = step("rustc 1.950.0 (abc)", "stable-x (active)").expect("a step");
        assert_eq!(found[0], "rustup toolchain install --profile minimal 1.95");
        assert!(found[1].starts_with("cargo +1.95 check"), "{found:?}");
    }
}
