//! The template of `cargo generate`: each service builds against this tree, passes its own tests,
//! which send a request and drain it, and generates rules that promtool accepts.

#[allow(dead_code, reason = "each tier uses its part")]
#[path = "support/deploy.rs"]
mod deploy;
#[path = "support/template.rs"]
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use deploy::{root, run, succeed};
use template::{FRAMEWORKS, generate};

/// Runs cargo in a generated service, with the library of this tree. The three services share what
/// they build.
fn cargo(service: &Path, arguments: &[&str]) -> Command {
    let library = root().join("sre-kit");
    let patch = format!("patch.crates-io.sre-kit.path={:?}", library.to_str().expect("text"));
    let mut command = Command::new(env!("CARGO"));
    command
        // Before the arguments, of which some are the program's.
        .args(["--config", &patch])
        .args(arguments)
        .current_dir(service)
        // As for the service of the manual's first hour, whose crates are the same.
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"))
        .envs([("CARGO_PROFILE_DEV_DEBUG", "none"), ("CARGO_INCREMENTAL", "0")]);
    command
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("one").path());
    all.filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending))).collect()
}

#[test]
#[ignore = "needs cargo-generate and promtool; cargo xtask test --only servers"]
fn each_service_of_the_template_counts_a_request_drains_and_generates_good_rules() {
    let dir = tempfile::tempdir().expect("a directory");
    for framework in FRAMEWORKS {
        let service = generate(framework, dir.path());
        // The versions that this tree is tested with, which are downloaded already.
        fs::copy(root().join("Cargo.lock"), service.join("Cargo.lock")).expect("copied");

        let stale = run(&mut cargo(&service, &["run", "--quiet", "--", "generate", "--check"]));
        let said = String::from_utf8_lossy(&stale.stdout);
        assert!(said.contains("cargo run -- generate"), "{framework}: {stale:?}");
        succeed(&mut cargo(&service, &["run", "--quiet", "--", "generate"]));

        // The tests of the service: a request, the probes, a drain, and the files are current.
        let tested = succeed(&mut cargo(&service, &["test", "--quiet"]));
        assert!(tested.contains("3 passed"), "{framework}: {tested}");
        succeed(Command::new("cargo").args(["fmt", "--check"]).current_dir(&service));

        let prometheus = service.join("chart/files/prometheus");
        succeed(
            Command::new("promtool")
                .args(["check", "rules"])
                .args(files(&prometheus, ".rules.yaml")),
        );
        let mut tests = Command::new("promtool");
        succeed(tests.args(["test", "rules"]).args(files(&prometheus, ".test.yaml")));
        let rules = fs::read_to_string(prometheus.join("availability.rules.yaml")).expect("text");
        assert!(rules.contains(&format!("my-{framework}")), "the rules name the service");
    }
}
