//! A test's part of the cluster that `cargo xtask cluster up` starts.
#![allow(dead_code, reason = "each test uses some of it")]
#![expect(clippy::disallowed_methods, reason = "waits for other processes, outside of a runtime")]

pub(crate) mod chart;
pub(crate) mod demo;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod load;
pub(crate) mod postgres;

#[path = "../image/docker.rs"]
mod docker;
#[path = "../image/sandbox.rs"]
mod sandbox;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes on a busy machine.
const EVER: Duration = Duration::from_mins(3);

/// This machine's end of the cluster's link: where pods reach what a test starts.
pub(crate) const HOST: &str = "198.18.0.1";

/// `export PATH=... KUBECONFIG=...`, as `cluster up` prints it.
fn setting() -> &'static str {
    static SETTING: OnceLock<String> = OnceLock::new();
    SETTING.get_or_init(|| {
        let up = xtask(&["cluster", "up"]);
        let line = up.lines().find(|line| line.trim_start().starts_with("export "));
        line.expect("it says how to use the cluster").trim().to_owned()
    })
}

/// Runs a command of `cargo xtask`, which must succeed, and gives what it prints.
pub(crate) fn xtask(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_deploy-tests")).args(args).output().expect("runs");
    succeeded(&format!("cargo xtask {}", args.join(" ")), out)
}

fn succeeded(what: &str, out: Output) -> String {
    let (said, complained) =
        (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{what}: {}\n{said}{complained}", out.status);
    String::from_utf8(out.stdout).expect("text")
}

/// A namespace of one test, under the strictest of Kubernetes' pod security
/// standards. Goes with the value.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Starts the cluster, if need be, and makes the namespace.
    pub(crate) fn new(name: &str) -> Self {
        // What an earlier run left, also one that was killed.
        let delete = ["delete", "namespace", name, "--ignore-not-found", "--timeout=120s"];
        succeeded("deleting", command("kubectl", &delete).output().expect("runs"));
        let namespace = Self { name: name.to_owned() };
        namespace.apply(&format!(
            "apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
"
        ));
        namespace.until("it has an account", || {
            namespace.try_kubectl(&["get", "sa/default"], "").status.success().then_some(())
        });
        namespace
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs kubectl in the namespace.
    pub(crate) fn try_kubectl(&self, args: &[&str], input: &str) -> Output {
        let mut child = command("kubectl", &[&["--namespace", &self.name], args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl is there");
        // One that fails early does not read all of it.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("ends")
    }

    /// Runs kubectl in the namespace, which must succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        succeeded(&args.join(" "), self.try_kubectl(args, ""))
    }

    /// Applies a manifest; a field that does not exist is a failure.
    pub(crate) fn apply(&self, manifest: &str) {
        let args = ["apply", "--server-side", "--validate=strict", "-f", "-"];
        succeeded(manifest, self.try_kubectl(&args, manifest));
    }

    /// Applies objects.
    pub(crate) fn apply_all(&self, objects: &[Value]) {
        let manifest: Vec<_> = objects.iter().map(ToString::to_string).collect();
        self.apply(&manifest.join("\n"));
    }

    /// An object.
    pub(crate) fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", what, "-o", "json"])).expect("JSON")
    }

    /// The items of a list.
    pub(crate) fn list(&self, kind: &str, selector: &str) -> Vec<Value> {
        let all = self.kubectl(&["get", kind, "--selector", selector, "-o", "json"]);
        let mut all: Value = serde_json::from_str(&all).expect("JSON");
        serde_json::from_value(all["items"].take()).expect("a list")
    }

    /// Waits until a rollout is over.
    pub(crate) fn rolled_out(&self, deployment: &str) {
        let status = ["rollout", "status", deployment, "--timeout=180s"];
        let out = self.try_kubectl(&status, "");
        if !out.status.success() {
            let pods = self.kubectl(&["describe", "pods"]);
            panic!("{deployment}: {}\n{pods}", String::from_utf8_lossy(&out.stderr));
        }
    }

    /// Waits until `look` gives something.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = look() {
                return value;
            }
            if began.elapsed() > EVER {
                let events = self.kubectl(&["get", "events,pods", "-o", "wide"]);
                panic!("{what}: not within {} s\n{events}", EVER.as_secs());
            }
            sleep(Duration::from_millis(250));
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let delete = ["delete", "namespace", &self.name, "--wait=false"];
        let _ = command("kubectl", &delete).output();
    }
}

/// A program with the cluster's settings.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{}; exec \"$0\" \"$@\"", setting()), program]).args(args);
    command
}

/// Values over others, as Helm takes several files: maps by key, all else as a whole.
pub(crate) fn merged(values: &Value, over: &Value) -> Value {
    let (Value::Object(values), Value::Object(over)) = (values, over) else {
        return over.clone();
    };
    let mut all = values.clone();
    for (key, value) in over {
        let value = all.get(key).map_or_else(|| value.clone(), |old| merged(old, value));
        all.insert(key.clone(), value);
    }
    Value::Object(all)
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("it is there")
}
