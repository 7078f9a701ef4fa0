//! The user of the pipeline, with the rights of `charts/cluster-access` and no others, on a
//! real Kubernetes: it deploys, tests, holds a rollout and goes back, and reaches nothing else.

use std::fs;

use crate::cluster::chart::{helm, ready, said};
use crate::cluster::{Namespace, command, image, root};
use serde_json::json;

const USER: &str = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/subject/42-dev";

/// Where the gate's queries go to.
const PROMETHEUS: &str =
    "pods/prometheus-kube-prometheus-stack-prometheus-0 --subresource=portforward";

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable and helm; cargo xtask test --only cluster"]
fn the_pipelines_user_deploys_goes_back_and_reaches_nothing_else() {
    let namespace = Namespace::new("access");
    let prometheus = Namespace::new("access-prometheus");
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, values: serde_json::Value| {
        let file = dir.path().join(name);
        fs::write(&file, values.to_string()).expect("written");
        file.display().to_string()
    };

    // Before anything is granted, the first command of the workflow is refused.
    let may = |namespace: &str, verb: &str, what: &str| {
        let args = ["auth", "can-i", verb, "--namespace", namespace, "--as", USER];
        let what = what.split(' ');
        let out = command("kubectl", &args).args(what).output().expect("kubectl is there");
        String::from_utf8_lossy(&out.stdout).trim() == "yes"
    };
    assert!(!may("access", "get", "deployments"));

    let rights = json!({"deployers": [USER], "prometheus": {"namespace": prometheus.name()}});
    let rights = write("rights.json", rights);
    let chart = root().join("charts/cluster-access").display().to_string();
    let args = ["upgrade", "--install", "cluster-access", &chart, "--namespace", "access"];
    let out = command("helm", &[&args[..], &["--values", &rights]].concat());
    let out = { out }.output().expect("helm is there");
    assert!(out.status.success(), "{}", said(&out));

    // What the workflow's steps do, as that user.
    let (repository, tag) = image::demo().rsplit_once(':').expect("has a tag");
    let values = json!({
        "image": {"repository": repository, "tag": tag, "digest": "", "pullPolicy": "Never"},
        "monitoring": {"flavor": "none"},
        "tracing": {"enabled": false},
        "fullnameOverride": "demo",
    });
    let values = write("values.json", values);
    let as_user = |verb: &[&str], rest: &[&str]| {
        let out = helm(&namespace, verb, &[rest, &["--kube-as-user", USER]].concat());
        assert!(out.status.success(), "{verb:?}: {}", said(&out));
    };
    let local = root().join("charts/demo-app/ci/local-values.yaml").display().to_string();
    let demo = root().join("charts/demo-app").display().to_string();
    let install =
        [demo.as_str(), "--values", &local, "--values", &values, "--wait", "--timeout", "180s"];
    as_user(&["upgrade", "--install"], &install);
    assert_eq!(ready(&namespace).len(), 1);
    as_user(&["test"], &["--timeout", "120s"]);
    as_user(&["upgrade"], &[&install[..], &["--set", "logLevel=debug"]].concat());
    for rollout in ["pause", "resume", "status"] {
        namespace.kubectl(&["rollout", rollout, "deployment/demo", "--as", USER]);
    }
    as_user(&["history"], &[]);
    as_user(&["rollback"], &["1", "--wait", "--timeout", "180s"]);

    for (place, verb, what) in [
        ("access", "get", "deployments"),
        ("access", "create", "secrets"),
        ("access-prometheus", "list", "pods"),
        ("access-prometheus", "create", PROMETHEUS),
        ("access-prometheus", "get", "services/kube-prometheus-stack-prometheus"),
    ] {
        assert!(may(place, verb, what), "{verb} {what} in {place}");
    }
    for (place, verb, what) in [
        ("access", "create", "pods --subresource=exec"),
        ("access", "create", "roles"),
        ("access", "create", "rolebindings"),
        ("access", "delete", "namespaces"),
        ("access-prometheus", "get", "secrets"),
        ("access-prometheus", "create", "pods"),
        ("access-prometheus", "create", "pods/grafana-0 --subresource=portforward"),
        ("access-prometheus", "get", "services/grafana"),
        ("default", "get", "pods"),
        ("kube-system", "get", "secrets"),
        ("default", "create", "clusterrolebindings"),
        ("default", "list", "nodes"),
    ] {
        assert!(!may(place, verb, what), "{verb} {what} in {place}");
    }
}
