//! Where the examples are that a test runs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The program of an example.
///
/// Cargo builds examples for `cargo test`, but not for `cargo test --test NAME`,
/// and tells no test where they are.
pub(crate) fn example(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(build).join(name)
}

fn build() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "sre-kit-examples", "--examples"])
        .status();
    assert!(status.expect("cargo runs").success());
    let this = std::env::current_exe().expect("known");
    let profile = this.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
    profile.join("examples")
}
