//! An environment on GKE that stand-ins play: what is there is a file, what is called is written down.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::deploy::root;
use crate::stand_in::{Ended, StandIns};

/// Google: a project, a bucket of states, a cluster, and what is left of it.
const GCLOUD: &str = r#"
case "$*" in
    "projects describe"*) [ "${BROKEN:-}" = project ] && { echo "not found" >&2; exit 1; }; echo "123456789012 ${STATE:-ACTIVE}" ;;
    "auth "*) ;;
    "billing projects describe"*) echo "${BILLING:-True}" ;;
    "storage buckets describe"*) [ -f "$DIR/bucket" ] && echo "${OWNER:-123456789012}" ;;
    "storage objects describe"*/bootstrap/*) [ -f "$DIR/bootstrap.state" ] ;;
    "storage objects describe"*/environments/dev/*) [ -f "$DIR/dev.state" ] ;;
    "storage cat"*) cat "$DIR/dev.state" ;;
    "container clusters get-credentials"*) [ "$KUBECONFIG" != "$HOME/.kube/config" ] ;;
    "container clusters describe"*autopilot*) echo "${AUTOPILOT:-True}" ;;
    "container clusters describe"*) [ -f "$DIR/dev.state" ] ;;
    *" list "*) [ "${BROKEN:-}" = "$2" ] && { echo "permission denied" >&2; exit 1; }; cat "$DIR/left/$2" 2>/dev/null; true ;;
    *) exit 9 ;;
esac
"#;

/// Applies by making a state, and has nothing to change where there is one.
const TERRAFORM: &str = r#"
dir=${1#-chdir=} && name=${dir##*/}
shift
record=$dir/.terraform/terraform.tfstate
case "$*" in
    "init "*-backend-config*) mkdir -p "$dir/.terraform" && touch "$record" ;;
    "init "*) ;;
    *) [ "$name" = bootstrap ] && [ -f "$record" ] && [ ! -f "$dir/backend_override.tf" ] && {
        echo "Error: Backend initialization required" >&2
        exit 1
    } ;;
esac
case "$*" in
    *-migrate-state*) cp "$DIR/local.state" "$DIR/bootstrap.state" && touch "$DIR/bucket" ;;
    "init "*) ;;
    "plan "*-detailed-exitcode*)
        for argument; do case $argument in -var-file=*) cp "${argument#-var-file=}" "$DIR" ;; esac; done
        [ "${BROKEN:-}" = "plan $name" ] && exit 1
        if [ -f "$DIR/$name.state" ] || { [ "$name" = bootstrap ] && [ -f "$DIR/local.state" ]; }; then exit 0; fi
        exit 2
        ;;
    "plan "*) ;;
    "apply "*)
        [ "${BROKEN:-}" = "apply $name" ] && exit 1
        case $name in
            bootstrap) echo '{}' >"$DIR/local.state" ;;
            *) cp "$DIR/applied.json" "$DIR/$name.state" ;;
        esac
        ;;
    "destroy "*) [ "${BROKEN:-}" = destroy ] && exit 1; rm "$DIR/$name.state" ;;
    "output -json github") echo '{"dev": {"refs": ["refs/heads/main"], "variables": {"STATE_BUCKET": "s"}}}' ;;
    "output -json deployers") echo '{"dev": "principal://dev"}' ;;
    "output -json principal_sets") echo '{"dev": "principalSet://dev", "publish": "principalSet://publish"}' ;;
    "output "*) jq --raw-output ".outputs.$3.value" "$DIR/$name.state" ;;
    *) exit 9 ;;
esac
"#;

const GH: &str = r#"
case "$*" in
    *--method\ PUT*) cat >/dev/null ;;
    "api repos/"*--jq*owner*) echo "42 7" ;;
    "variable list"*) [ -f "$DIR/bootstrap.state" ] && printf 'GCP_WORKLOAD_IDENTITY_PROVIDER\nSTATE_BUCKET\nTFVARS\n' ;;
esac
"#;

const HELM: &str = r#"
case "$*" in
    *--pending*) cat "$DIR/pending.json" 2>/dev/null || echo '[]' ;;
    "list "*) cat "$DIR/releases.json" 2>/dev/null || echo '[]' ;;
esac
"#;

/// Forwards to ports of this machine, as `PORT_SERVICE` names them, and answers as the stack does.
const KUBECTL: &str = r#"
case "$*" in
    version) ;;
    *port-forward*)
        case "$*" in *alertmanager*) port=$ALERTMANAGER_PORT ;; *) port=1 ;; esac
        echo "Forwarding from 127.0.0.1:$port -> 9093"
        exec sleep 60
        ;;
    *"get secret"*) printf 'c2VjcmV0"' | tr -d '"' ;;
    *tempo:3200/proxy/api/traces/*) [ "${BROKEN:-}" = trace ] && exit 1; echo '{"batches": [{}]}' ;;
    *loki-gateway:80/*) [ "${BROKEN:-}" = log ] && echo '{"data": {"result": []}}' || echo '{"data": {"result": [{}]}}' ;;
    *custom.metrics.k8s.io*) [ "${BROKEN:-}" = metric ] && echo '{"items": []}' || echo '{"items": [{"value": "0"}]}' ;;
    *horizontalpodautoscalers*)
        [ "${BROKEN:-}" = autoscaler ] && status=False || status=True
        echo '{"items": [{"status": {"conditions": [{"type": "ScalingActive", "status": "'$status'"}]}}]}'
        ;;
    *persistentvolumes*) echo '{"items": []}' ;;
    *) exit 9 ;;
esac
"#;

/// The service from outside, and Grafana; Alertmanager is a real one.
const CURL: &str = r#"
out='' last=''
for argument; do
    [ "$last" = --output ] && out=$argument
    last=$argument
done
case "$*" in
    *https://*/error*) echo "Failed with 404, as requested." >"$out"; printf 404 ;;
    *https://*) [ "${BROKEN:-}" = https ] && { echo "curl: (60) SSL certificate problem" >&2; exit 60; }; printf 200 ;;
    *" http://demo."*) [ "${BROKEN:-}" = redirect ] && printf 200 || printf 301 ;;
    */api/datasources/*)
        [ "$(cat "$(printf '%s' "$*" | sed 's/.*--config \([^ ]*\) .*/\1/')")" = 'user = "admin:secret"' ] || exit 22
        [ "${BROKEN:-}" = datasource ] && case "$*" in */loki/*) exit 22 ;; esac
        echo '{"status": "OK"}'
        ;;
    *) exec /usr/bin/curl "$@" ;;
esac
"#;

const SETUP: &str = r#"#!/bin/bash
echo "setup $*" >>"$CALLS"
case "$*" in *--teardown*) rm -f "$DIR/releases.json" ;; *--verify) [ "${BROKEN:-}" != setup ] ;; esac
"#;

/// What the environment's state has once it is applied.
const APPLIED: &str = r#"{"outputs": {
    "namespace": {"value": "demo"},
    "base_url": {"value": "https://demo.dev.example.com"},
    "profile": {"value": "autopilot"},
    "registry": {"value": "europe-west1-docker.pkg.dev/demo-project/demo-dev"},
    "name_servers": {"value": ["ns-1.example."]},
    "stack_values": {"value": {"loki": "{\"loki\": {}}"}},
    "cluster": {"value": {"name": "demo-dev", "location": "europe-west1", "project": "demo-project",
        "credentials_command": "gcloud container clusters get-credentials demo-dev"}}},
  "resources": [{"mode": "managed", "type": "google_container_cluster", "name": "cluster",
    "instances": [{"attributes": {"deletion_protection": false}}]}]}"#;

/// `up` as one who says yes.
pub(crate) const UP: &[&str] = &[
    "up",
    "--project",
    "demo-project",
    "--repository",
    "owner/name",
    "--hostname",
    "demo.dev.example.com",
    "--zone",
    "dev.example.com",
    "--yes",
];

/// A copy of the scripts, in a world of stand-ins.
#[derive(Debug)]
pub(crate) struct Gke {
    pub(crate) all: StandIns,
}

impl Gke {
    /// A project in which nothing is yet.
    pub(crate) fn empty() -> Self {
        let all = StandIns::new(&[
            ("gcloud", GCLOUD),
            ("gke-gcloud-auth-plugin", ""),
            ("terraform", TERRAFORM),
            ("gh", GH),
            ("helm", HELM),
            ("kubectl", KUBECTL),
            ("curl", CURL),
        ]);
        for (from, to) in [
            ("tools/gke", "tools"),
            ("charts/setup", "charts"),
            ("terraform/environments/dev", "terraform/environments"),
            ("terraform/bootstrap/github.sh", "terraform/bootstrap"),
        ] {
            let to = all.path("tree").join(to);
            fs::create_dir_all(&to).expect("made");
            let copied = Command::new("cp").arg("-r").arg(root().join(from)).arg(to).status();
            assert!(copied.expect("cp runs").success());
        }
        // A person's own variables are no part of the test.
        drop(fs::remove_file(all.path("tree/terraform/environments/dev/terraform.tfvars")));
        let setup = PathBuf::from(all.write("tree/charts/setup_cluster.sh", SETUP));
        let mode = Command::new("chmod").arg("+x").arg(setup).status();
        assert!(mode.expect("chmod runs").success());
        all.write("applied.json", APPLIED);
        fs::create_dir(all.path("left")).expect("made");
        Self { all }
    }

    /// One in which everything is, the service too.
    pub(crate) fn installed() -> Self {
        let gke = Self::empty();
        let ended = gke.up(&[]);
        assert_eq!(ended.code, 0, "{}", ended.said);
        gke.all.write("releases.json", &Self::releases());
        fs::remove_file(gke.all.path("calls")).expect("removed");
        gke
    }

    /// What Helm lists where everything is installed.
    pub(crate) fn releases() -> String {
        let stack = [
            "kube-prometheus-stack",
            "loki",
            "tempo",
            "alloy",
            "keda",
            "cluster-access",
            "demo-app",
        ];
        let release = |name: &&str| {
            let namespace = if *name == "demo-app" { "demo" } else { "observability" };
            serde_json::json!({
                "name": name, "namespace": namespace, "status": "deployed", "revision": "1",
            })
        };
        serde_json::Value::from(stack.iter().map(release).collect::<Vec<_>>()).to_string()
    }

    pub(crate) fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut all = vec![
            ("SETUP_CLUSTER_PAUSE", "0.05"),
            ("PAGE_URL", "https://page.example.com/"),
            ("TICKET_URL", "https://ticket.example.com/"),
        ];
        all.extend(env);
        self.all.run(&self.all.path("tree/tools/gke/gke.sh"), args, &all)
    }

    /// Runs `up` as one who says yes, with an environment such as `BROKEN`.
    pub(crate) fn up(&self, env: &[(&str, &str)]) -> Ended {
        self.run(UP, env)
    }

    /// The calls that change something at Google, at GitHub or in the cluster.
    pub(crate) fn changes(&self) -> Vec<String> {
        let changing = ["terraform", "gh", "setup"];
        let mut calls = self.all.calls("");
        calls.retain(|call| {
            let words: Vec<_> = call.split(' ').collect();
            let reads = words
                .iter()
                .any(|word| ["output", "plan", "list", "--verify", "--dry-run"].contains(word))
                || (words[0] == "gh" && !call.contains("--method") && words[1] == "api")
                || (words[0] == "terraform"
                    && words.contains(&"init")
                    && !call.contains("-migrate-state"));
            changing.contains(&words[0]) && !reads
        });
        calls
    }
}
