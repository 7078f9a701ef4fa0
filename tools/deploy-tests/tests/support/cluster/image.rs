//! Images that a test puts into the cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::docker::Dockerfile;
use super::{sandbox, setting, succeeded, xtask};

const DEMO: &str = "localhost/demo-app:cluster-test";

/// The demo as its Dockerfile builds and starts it.
pub(crate) fn demo() -> &'static str {
    static LOADED: OnceLock<()> = OnceLock::new();
    LOADED.get_or_init(|| load(DEMO, &config(&Dockerfile::read()), &sandbox::built()));
    DEMO
}

/// The demo as `localhost/demo-app@DIGEST`, as a pipeline names it. With `broken`, nothing in it
/// can be started.
pub(crate) fn demo_by_digest(digest: &str, broken: bool) {
    let mut config = config(&Dockerfile::read());
    if broken {
        config["Entrypoint"] = json!(["/no-such-program"]);
    }
    load(&format!("localhost/demo-app@{digest}"), &config, &sandbox::built());
}

/// The demo's program, which is static and runs on this machine too.
pub(crate) fn demo_program() -> PathBuf {
    let entrypoint = &config(&Dockerfile::read())["Entrypoint"][0];
    let path = entrypoint.as_str().expect("the program comes first").trim_start_matches('/');
    sandbox::built().join(path)
}

/// How the Dockerfile starts it.
fn config(file: &Dockerfile) -> Value {
    let variables: Vec<_> =
        file.env(true).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let list =
        |word: &str| -> Value { serde_json::from_str(file.last(word)).expect("a list of words") };
    json!({
        "Entrypoint": list("ENTRYPOINT"), "Cmd": list("CMD"), "Env": variables,
        "User": file.last("USER"),
    })
}

/// A program from `PATH`, with the libraries that its loader would find here and
/// other files of this machine, as `localhost/NAME:1`.
pub(crate) fn program(name: &str, files: &[&str]) {
    let program = found(name);
    let root = tempfile::tempdir().expect("a directory");
    let place = root.path().to_str().expect("text");
    let out = Command::new("ldd").arg(&program).output().expect("ldd runs");
    // A static program has none, which ldd takes for a failure.
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let libraries = said.split_whitespace().filter(|word| word.starts_with('/'));
    // Not at its own path, of which not everybody may see every folder.
    let inside = root.path().join("bin");
    for dir in [&inside, &root.path().join("tmp"), &root.path().join("etc")] {
        fs::create_dir_all(dir).expect("made");
    }
    let copy = |args: &[&str], files: &[&str]| {
        let out = Command::new("cp").arg("--dereference").args(args).args(files).output();
        succeeded("cp", out.expect("cp runs"));
    };
    let beside: Vec<_> = libraries.chain(files.iter().copied()).collect();
    if !beside.is_empty() {
        copy(&["--parents", "--target-directory", place], &beside);
    }
    copy(&["--target-directory", inside.to_str().expect("text")], &[&program]);
    let config = json!({"Entrypoint": [format!("/bin/{name}")], "User": "65532:65532"});
    load(&format!("localhost/{name}:1"), &config, root.path());
}

fn load(name: &str, config: &Value, folder: &Path) {
    let folder = folder.to_str().expect("text");
    // Up, if nothing before this has needed it.
    setting();
    xtask(&["cluster", "load-image", "--name", name, "--config", &config.to_string(), folder]);
}

fn found(program: &str) -> String {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|f| f.is_file());
    let found = found.unwrap_or_else(|| panic!("{program} is nowhere in PATH"));
    found.into_os_string().into_string().expect("text")
}
