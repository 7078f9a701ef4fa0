//! The template of `examples/template`, generated.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::deploy::{root, succeed};

pub(crate) const FRAMEWORKS: [&str; 3] = ["axum", "hyper", "tonic"];

/// Generates the service `my-FRAMEWORK` inside of `inside` and returns its folder.
pub(crate) fn generate(framework: &str, inside: &Path) -> PathBuf {
    let name = format!("my-{framework}");
    succeed(
        Command::new("cargo-generate")
            .args(["generate", "--silent", "--vcs", "none", "--name", &name])
            .args(["--define", &format!("framework={framework}"), "--define", "objective=99.9"])
            .arg("--path")
            .arg(root().join("examples/template"))
            .arg("--destination")
            .arg(inside)
            // Not the settings of the user who runs the test.
            .env("CARGO_HOME", inside),
    );
    inside.join(name)
}
