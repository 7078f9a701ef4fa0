//! The chart's autoscaler, by the CPU that metrics-server reports.

use crate::cluster::chart::{address, deploy};
use crate::cluster::load::Load;
use crate::cluster::postgres::Postgres;
use crate::cluster::{Namespace, merged};
use serde_json::json;

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, postgres and initdb; cargo xtask test --only cluster"]
fn pods_come_with_load_and_go_after_it() {
    let namespace = Namespace::new("autoscale");
    let database = Postgres::start();
    // As the chart has it, with windows that a test can wait for and a request
    // that little load exceeds.
    let scaling = json!({
        "autoscaling": {
            "by": "hpa", "minReplicas": 1, "maxReplicas": 3, "cpu": {"targetUtilization": 65},
            "behavior": {
                "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 5}]},
                "scaleDown": {
                    "stabilizationWindowSeconds": 0,
                    "policies": [{"type": "Pods", "value": 2, "periodSeconds": 5}],
                },
            },
        },
        "resources": {"requests": {"cpu": "40m"}},
    });
    deploy(&namespace, &merged(&database.values(&namespace), &scaling));
    let replicas = |field: &str| namespace.get("deployment/demo")["status"][field].as_u64();
    assert_eq!(replicas("readyReplicas"), Some(1));
    namespace.until("the autoscaler sees the CPU", || {
        let hpa = namespace.get("hpa/demo");
        let seen = &hpa["status"]["currentMetrics"][0]["containerResource"]["current"];
        seen["averageUtilization"].is_u64().then_some(())
    });

    let load = Load::start(address(&namespace).parse().expect("an address"));
    let what = || namespace.kubectl(&["describe", "hpa/demo"]);
    namespace.until("there are more pods under load", || {
        (replicas("readyReplicas") >= Some(2)).then_some(())
    });
    let (sent, failures) = load.stop();
    println!("{} of {sent} requests failed while pods came", failures.len());

    namespace.until("there is one pod without", || (replicas("replicas") == Some(1)).then_some(()));
    println!("{}", what());
}
