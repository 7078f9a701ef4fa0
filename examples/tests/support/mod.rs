//! Builds the examples and finds their programs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Returns the path of an example's program, after building it.
///
/// Cargo builds the examples for `cargo test`, but not for `cargo test --test NAME`, and has no
/// variable with their paths.
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
