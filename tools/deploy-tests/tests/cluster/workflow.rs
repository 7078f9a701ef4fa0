//! The steps of `deploy.yml` on a real Kubernetes, by a user who has the rights of
//! `charts/cluster-access` and no others, with a stand-in for k6 alone: a canary with synthetic
//! traffic is promoted, a bad image goes back, a Service that is missing is said at once.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use tempfile::TempDir;

use crate::cluster::chart::{pods, said};
use crate::cluster::postgres::Postgres;
use crate::cluster::{Namespace, command, image, merged, root};
use crate::monitoring::Stack;
use crate::monitoring::inbox::Inbox;

const USER: &str = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/subject/42-dev";

const NAMESPACE: &str = "workflow";

const START: &str = "Migrate, and start the first pod";

/// Sends as k6 does, and faster, so that the gate has seen enough sooner.
const K6: &str = r#"#!/bin/bash
for word; do case $word in BASE_URL=*) url=${word#BASE_URL=} ;; esac; done
while true; do
    for _ in $(seq 20); do curl --silent --output /dev/null "$url/" & done
    wait
done
"#;

/// The runner: the clone, the user's kubeconfig, and what the jobs' steps left before.
struct Runner {
    dir: TempDir,
    base_url: String,
}

impl Runner {
    /// A runner whose releases have these values.
    fn new(values: &Value) -> Self {
        let runner =
            Self { dir: tempfile::tempdir().expect("a directory"), base_url: String::new() };
        symlink(root().join("charts"), runner.path("charts")).expect("linked");
        fs::create_dir_all(runner.path("target/release")).expect("made");
        symlink(image::demo_program(), runner.path("target/release/demo-app")).expect("linked");
        fs::create_dir(runner.path("bin")).expect("made");
        fs::write(runner.path("bin/k6"), K6).expect("written");
        fs::write(runner.path("values.json"), values.to_string()).expect("written");
        let out = command("sh", &["-c", "chmod +x \"$1\" && cat \"$KUBECONFIG\"", "sh"])
            .arg(runner.path("bin/k6"))
            .output();
        let out = out.expect("sh runs");
        assert!(out.status.success(), "{}", said(&out));
        let mut config: Value = serde_yaml_ng::from_slice(&out.stdout).expect("YAML");
        // Every right is the user's, and none is the administrator's.
        config["users"][0]["user"]["as"] = json!(USER);
        fs::write(runner.path("kubeconfig"), config.to_string()).expect("written");
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a step with the outputs of the step that started the first pod. A pod is waited for
    /// one minute instead of five, and the gate compares for three instead of fifteen.
    fn run(&self, step: &str, env: &[(&str, &str)]) -> Output {
        let script = script(step).replace("--timeout 5m", "--timeout 60s");
        let script = script.replace("--for 900", "--for 180");
        fs::write(self.path("step.sh"), format!("export PATH=\"$PWD/bin:$PATH\"\n{script}"))
            .expect("written");
        let canary = fs::read_to_string(self.path("github.output")).unwrap_or_default();
        let output = |name: &str| {
            let found = canary.lines().rev().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().to_owned()
        };
        let mut all = vec![
            format!("KUBECONFIG={}", self.path("kubeconfig").display()),
            format!("GITHUB_OUTPUT={}", self.path("github.output").display()),
            format!("GITHUB_STEP_SUMMARY={}", self.path("github.summary").display()),
            format!("NAMESPACE={NAMESPACE}"),
            "RELEASE=demo-app".to_owned(),
            "ENVIRONMENT=local".to_owned(),
            "REPOSITORY=localhost/demo-app".to_owned(),
            "PROMETHEUS_NAMESPACE=observability".to_owned(),
            "PROMETHEUS_SERVICE=kube-prometheus-stack-prometheus".to_owned(),
            "TRAFFIC=synthetic".to_owned(),
            format!("BASE_URL={}", self.base_url),
            format!("HASH={}", output("hash=")),
            format!("FLEET={}", output("fleet=")),
        ];
        all.extend(env.iter().map(|(name, value)| format!("{name}={value}")));
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        let bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"];
        let out = command("env", &[&all[..], &bash].concat()).current_dir(self.dir.path()).output();
        out.expect("bash runs")
    }

    fn passes(&self, step: &str, env: &[(&str, &str)]) {
        let out = self.run(step, env);
        assert!(out.status.success(), "{step}: {}", said(&out));
    }

    /// Starts the first pod of a version.
    fn start(&self, digest: &str) {
        let _ = fs::remove_file(self.path("github.output"));
        self.passes(START, &[("DIGEST", digest)]);
    }
}

/// The script of a step of `deploy.yml`.
fn script(name: &str) -> String {
    let text = fs::read_to_string(root().join(".github/workflows/deploy.yml")).expect("text");
    let workflow: Yaml = serde_yaml_ng::from_str(&text).expect("YAML");
    let steps = workflow["jobs"]["rollout"]["steps"].as_sequence().expect("steps");
    let step = steps.iter().find(|step| step["name"] == name);
    let script = step.and_then(|step| step["run"].as_str());
    script.unwrap_or_else(|| panic!("deploy.yml has no step {name}")).to_owned()
}

fn digest(of: char) -> String {
    format!("sha256:{}", of.to_string().repeat(64))
}

/// The images that the service's pods are of.
fn images(namespace: &Namespace) -> BTreeSet<String> {
    let pods = pods(namespace);
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().map(str::to_owned);
    pods.iter().filter_map(image).collect()
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, jq, go, postgres, initdb, prometheus-3, prometheus-alertmanager and prometheus-operator; cargo xtask test --only cluster"]
fn a_canary_is_promoted_a_bad_image_goes_back_and_a_missing_service_is_said() {
    let stack = Stack::start(&Inbox::open());
    let namespace = Namespace::new(NAMESPACE);
    let prometheus = json!({"namespace": "observability", "pods": ["prometheus-stack-0"]});
    let rights = json!({"deployers": [USER], "prometheus": prometheus});
    let chart = root().join("charts/cluster-access").display().to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rights.json");
    fs::write(&file, rights.to_string()).expect("written");
    let args = ["upgrade", "--install", "cluster-access", &chart, "--namespace", NAMESPACE, "-f"];
    let out = command("helm", &args).arg(&file).output().expect("helm is there");
    assert!(out.status.success(), "{}", said(&out));

    let [first, second, bad] = ['a', 'b', 'c'].map(digest);
    let named = |digest: &str| format!("localhost/demo-app@{digest}");
    image::demo_by_digest(&first, false);
    image::demo_by_digest(&second, false);
    image::demo_by_digest(&bad, true);
    let database = Postgres::start();
    let local = fs::read_to_string(root().join("charts/demo-app/ci/local-values.yaml"));
    let local: Value = serde_yaml_ng::from_str(&local.expect("there")).expect("YAML");
    let own = json!({
        "image": {"pullPolicy": "Never"}, "tracing": {"enabled": false},
        "monitoring": {"intervalSeconds": 5},
    });
    let mut runner = Runner::new(&merged(&merged(&local, &own), &database.values(&namespace)));

    // The first release has no fleet beside it.
    runner.start(&first);
    runner.passes("Run the smoke test", &[]);
    let address = namespace.get("service/demo-app")["spec"]["clusterIP"].clone();
    runner.base_url = format!("http://{}", address.as_str().expect("an address"));
    runner.passes("Promote", &[]);

    // The second is held beside the first until the gate has compared what k6 sends to both.
    runner.start(&second);
    runner.passes("Run the smoke test", &[]);
    assert_eq!(images(&namespace), BTreeSet::from([named(&first), named(&second)]));
    let gate = "Compare the burn rates of the new pod with the fleet's";
    runner.passes(gate, &[]);
    runner.passes("Promote", &[]);
    namespace.until("the first is gone", || {
        (images(&namespace) == BTreeSet::from([named(&second)])).then_some(())
    });

    // Without a Prometheus the gate ends at once.
    let out = runner.run(gate, &[("PROMETHEUS_SERVICE", "missing")]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("there is no Service missing in observability"), "{}", said(&out));

    // A bad image does not even migrate, and what was there before comes back.
    let out = runner.run(START, &[("DIGEST", &bad)]);
    assert!(!out.status.success(), "{}", said(&out));
    runner.passes("Roll back", &[]);
    namespace.until("the second is alone again", || {
        (images(&namespace) == BTreeSet::from([named(&second)])).then_some(())
    });
    drop(stack);
}
