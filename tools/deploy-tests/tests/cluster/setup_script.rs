//! `charts/setup_cluster.sh` with the real helm and kubectl on a real Kubernetes.
//!
//! Left out: every release of `observability/releases.lock`. Their charts and
//! images come from registries, which nothing here reaches. `setup_cluster.rs` has
//! the script's handling of them, with stand-ins.

use std::fs;
use std::process::{Command, Output};

use crate::cluster::chart::{pods, said};
use crate::cluster::{Namespace, command, image, root};
use serde_json::json;

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable and helm; cargo xtask test --only cluster"]
fn the_script_installs_the_demo_finds_nothing_to_change_and_takes_it_away() {
    let namespace = Namespace::new("setup");
    let dir = tempfile::tempdir().expect("a directory");
    let charts = dir.path().join("charts");
    let copied = Command::new("cp").arg("-r").arg(root().join("charts")).arg(&charts).status();
    assert!(copied.expect("cp runs").success());
    let lock = charts.join("observability/releases.lock");
    let releases = fs::read_to_string(&lock).expect("the lock");
    let releases = releases.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for release in releases {
        println!("left out: {release}");
    }
    fs::write(&lock, "# none that can be had\n").expect("written");

    let (repository, tag) = image::demo().rsplit_once(':').expect("has a tag");
    let image = json!({
        "repository": repository, "tag": tag, "digest": "", "pullPolicy": "Never",
    });
    let values = json!({
        "image": image, "monitoring": {"flavor": "none"}, "tracing": {"enabled": false},
    });
    let file = dir.path().join("values.yaml");
    fs::write(&file, values.to_string()).expect("written");
    let local = root().join("charts/demo-app/ci/local-values.yaml");
    let [script, local, file] = [charts.join("setup_cluster.sh"), local, file]
        .map(|path| path.to_str().expect("text").to_owned());
    let setup = |more: &[&str]| -> Output {
        let args =
            [&[script.as_str(), "--profile", "local", "--app-namespace", "setup"], more].concat();
        command("bash", &args).output().expect("bash is there")
    };
    let install = ["--app-values", &local, "--app-values", &file, "--no-verify"];

    let out = setup(&[&install[..], &["--dry-run"]].concat());
    assert!(out.status.success() && said(&out).contains("would run: helm upgrade"), "{out:?}");
    assert_eq!(pods(&namespace).len(), 0, "a dry run changes nothing");

    let out = setup(&install);
    assert!(out.status.success(), "{}", said(&out));
    let first = pods(&namespace);
    assert_eq!(first.len(), 1);
    let out = setup(&install);
    assert!(out.status.success(), "{}", said(&out));
    let names = |pods: &[serde_json::Value]| {
        pods.iter().map(|pod| pod["metadata"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&pods(&namespace)), names(&first), "the second time changes nothing");

    // The stack is not there, and the script says so and does not say done.
    let out = setup(&["--verify", "--timeout", "1"]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("every target of the demo is up"), "{}", said(&out));

    let out = setup(&["--teardown"]);
    assert!(out.status.success(), "{}", said(&out));
    namespace.until("it is gone", || pods(&namespace).is_empty().then_some(()));
}
