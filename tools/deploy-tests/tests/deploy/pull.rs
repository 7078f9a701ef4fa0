//! `cargo xtask charts pull` against a chart that a server on this machine gives out.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use crate::deploy::{run, succeed};

/// A clone with one release, whose chart is served until the test ends.
struct Clone {
    dir: TempDir,
}

const TEMPLATE: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostNetwork: \
    {{ .Values.onNode }}\n  containers: [{name: c, resources: {requests: {cpu: 1, memory: 2Gi}}}]\n";

impl Clone {
    fn new() -> Self {
        let clone = Self { dir: tempfile::tempdir().expect("a directory") };
        clone.write("tools/xtask/Cargo.toml", "");
        clone.write("theirs/Chart.yaml", "apiVersion: v2\nname: theirs\nversion: 1.2.3\n");
        clone.write("theirs/values.yaml", "onNode: true\nfree: {}\n");
        clone.write("theirs/templates/pod.yaml", TEMPLATE);
        succeed(Command::new("helm").arg("package").arg("theirs").current_dir(clone.dir.path()));
        let archive = fs::read(clone.path("theirs-1.2.3.tgz")).expect("packed");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a visitor");
                let _ = stream.read(&mut [0; 4096]);
                let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", archive.len());
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&archive);
            }
        });
        let chart = format!("http://{address}/theirs-1.2.3.tgz");
        let lock = format!("# a comment\ntheirs {chart} 1.2.3 - spaces autopilot,standard\n");
        clone.write("charts/observability/releases.lock", &lock);
        clone.write("charts/observability/theirs/values.yaml", "free: {a: 1}\n");
        clone.write("charts/observability/theirs/autopilot.yaml", "onNode: false\n");
        clone
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("made");
        fs::write(path, text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("text")
    }

    fn pull(&self, args: &[&str]) -> (bool, String) {
        let xtask = env!("CARGO_BIN_EXE_deploy-tests");
        let output = run(Command::new(xtask)
            .args(["charts", "pull"])
            .args(args)
            .current_dir(self.dir.path()));
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn what_is_not_pinned_is_said_and_written_once() {
    let clone = Clone::new();
    let (passed, said) = clone.pull(&[]);
    assert!(!passed && said.contains("is not pinned; --write does"), "{said}");
    let (passed, said) = clone.pull(&["--write"]);
    assert!(passed, "{said}");
    assert!(clone.read("charts/observability/releases.lock").contains(" 1.2.3 sha256:"));
    assert_eq!(
        clone.read("charts/observability/theirs/keys"),
        "# theirs 1.2.3\nfree\nfree.*\nonNode\n"
    );
    let (passed, said) = clone.pull(&[]);
    assert!(passed, "now it is known: {said}");
    assert!(clone.read("target/charts/theirs.standard.yaml").contains("hostNetwork: true"));
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn another_archive_than_the_pinned_one_is_said() {
    let clone = Clone::new();
    let lock = clone.read("charts/observability/releases.lock");
    let other = format!(" sha256:{} ", "0".repeat(64));
    clone.write("charts/observability/releases.lock", &lock.replace(" - ", &other));
    let (passed, said) = clone.pull(&["--write"]);
    assert!(!passed && said.contains("is pinned"), "{said}");
    assert!(!clone.path("target/charts/theirs.standard.yaml").exists(), "nothing of it is used");
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn a_key_of_ours_that_the_chart_does_not_have_is_said() {
    let clone = Clone::new();
    clone.write("charts/observability/theirs/values.yaml", "fre: {a: 1}\n");
    let (passed, said) = clone.pull(&["--write"]);
    assert!(!passed && said.contains("has fre, which theirs 1.2.3 does not document"), "{said}");
}

#[test]
#[ignore = "needs helm; cargo xtask test --only deploy"]
fn what_autopilot_would_refuse_is_said_for_its_profiles_only() {
    let clone = Clone::new();
    clone.write("charts/observability/theirs/autopilot.yaml", "onNode: true\n");
    let (passed, said) = clone.pull(&["--write"]);
    assert!(!passed, "{said}");
    assert!(said.contains("theirs autopilot: Pod p: refused: it has hostNetwork"), "{said}");
    assert!(!said.contains("theirs standard: Pod"), "{said}");
}
