//! The chart, installed by Helm 4 on a real Kubernetes.

use crate::cluster::Namespace;
use crate::cluster::chart::{deploy, helm, history, pods, ready, said, upgrade};
use crate::cluster::image;
use serde_json::json;

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable and helm; cargo xtask test --only cluster"]
fn helm_installs_it_and_takes_back_a_release_that_does_not_start() {
    let namespace = Namespace::new("chart");
    let image = image::demo();
    deploy(&namespace, &json!({}));
    let before = ready(&namespace);
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0].1, image);

    // What the chart says of the account's token and of the probes holds in the pod.
    let container = &pods(&namespace)[0]["spec"]["containers"][0];
    let mounts = container["volumeMounts"].to_string();
    assert!(!mounts.contains("serviceaccount"), "{mounts}");
    for (probe, path) in
        [("startupProbe", "/startupz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")]
    {
        let asked = &container[probe]["httpGet"];
        assert_eq!((&asked["path"], &asked["port"]), (&json!(path), &json!("admin")), "{probe}");
    }

    // An image that is not there: the release fails, and the old pod stays.
    let never = "localhost/demo-app:never-built";
    let out = upgrade(&namespace, never, &json!({}), &["--wait", "--timeout", "20s"]);
    assert!(!out.status.success(), "{}", said(&out));
    assert_eq!(ready(&namespace), before);

    let out = helm(&namespace, &["rollback"], &["1", "--wait", "--timeout", "180s"]);
    assert!(out.status.success(), "{}", said(&out));
    namespace.rolled_out("deployment/demo");
    assert_eq!(ready(&namespace), before);
    assert_eq!(history(&namespace), ["superseded", "failed", "deployed"]);

    let out = helm(&namespace, &["test"], &["--timeout", "120s"]);
    assert!(out.status.success(), "{}", said(&out));
}
