//! The chart's ServiceMonitor, rules and autoscaler by what is in flight, with the
//! real operator, Prometheus, Alertmanager and adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cluster::chart::{address, deploy, pods};
use crate::cluster::http::get;
use crate::cluster::postgres::Postgres;
use crate::cluster::{Namespace, merged};
use crate::monitoring::Stack;
use crate::monitoring::inbox::Inbox;
use serde_json::{Value, json};

/// As in the profile for a laptop, seen three times as often.
fn monitored() -> Value {
    json!({"monitoring": {
        "flavor": "operator", "intervalSeconds": 5, "labels": {"release": "kube-prometheus-stack"},
    }})
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, go, prometheus-3, prometheus-alertmanager and prometheus-operator; cargo xtask test --only cluster"]
fn a_fault_pages_and_resolves() {
    let inbox = Inbox::open();
    let stack = Stack::start(&inbox);
    let namespace = Namespace::new("monitored");
    deploy(&namespace, &monitored());

    namespace.until("Prometheus has found the pod and has the rules", || {
        let up = stack.query("up{namespace=\"monitored\"}");
        (up.len() == 1 && up[0]["value"][1] == "1" && !stack.rules().is_empty()).then_some(())
    });
    let service = address(&namespace);
    for _ in 0..40 {
        assert_eq!(get(&service, "/error?status=503&rate=1").0, 503);
    }
    let page = namespace.until("it pages", || inbox.pages("availability", "firing").pop());
    let labels = &page["labels"];
    assert_eq!(labels["alertname"], "SLOErrorBudgetBurn", "{page:#}");
    assert_eq!(labels["severity"], "page");
    assert_eq!(labels["service"], "demo-app");
    assert_eq!(labels["namespace"], "monitored");
    assert_eq!(labels["slo_tier"], "fast", "the steeper tier speaks for the others");

    // Of 2 000, 40 are 2 %, which neither page minds, of more than 7.2 % and 3 %: nobody
    // has to wait until they have left a window of an hour.
    for _ in 0..2_000 - 40 {
        assert_eq!(get(&service, "/").0, 200);
    }
    namespace.until("it is resolved", || inbox.pages("availability", "resolved").pop());
    // Those of the period are looked at every two minutes.
    let rules = namespace.until("each rule was evaluated", || {
        let rules = stack.rules();
        let evaluated = |rule: &Value| rule["health"] != "unknown";
        (!rules.is_empty() && rules.iter().all(evaluated)).then_some(rules)
    });
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
        assert_eq!(rule["labels"]["namespace"], "monitored", "{rule:#}");
    }
    println!("{} rules", rules.len());
    let burning = "ALERTS{namespace=\"monitored\",severity=\"page\",alertstate=\"firing\"}";
    assert_eq!(stack.query(burning), [Value::Null; 0]);
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, go, postgres, initdb, prometheus-3, prometheus-alertmanager, prometheus-operator and prometheus-adapter; cargo xtask test --only cluster"]
fn pods_come_with_requests_in_flight_and_go_after_them() {
    let mut stack = Stack::start(&Inbox::open());
    stack.add_adapter();
    let namespace = Namespace::new("in-flight");
    let database = Postgres::start();
    let scaling = json!({
        "autoscaling": {
            "by": "hpa", "minReplicas": 1, "maxReplicas": 3, "cpu": {"enabled": false},
            "inFlight": {"enabled": true, "target": "5"},
            "behavior": {"scaleDown": {
                "stabilizationWindowSeconds": 0,
                "policies": [{"type": "Pods", "value": 2, "periodSeconds": 5}],
            }},
        },
    });
    let values = merged(&merged(&database.values(&namespace), &monitored()), &scaling);
    deploy(&namespace, &values);
    let replicas = |field: &str| namespace.get("deployment/demo")["status"][field].as_u64();
    assert_eq!(replicas("readyReplicas"), Some(1));
    // A series is there from the first request on.
    let service = address(&namespace);
    assert_eq!(get(&service, "/").0, 200);
    namespace.until("the autoscaler sees what is in flight", || {
        let hpa = namespace.get("hpa/demo");
        let seen = &hpa["status"]["currentMetrics"][0]["pods"]["current"]["averageValue"];
        seen.is_string().then_some(())
    });

    // Twelve at a time, which cost next to no CPU: five fit a pod.
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..12)
        .map(|_| {
            let (service, stop) = (service.clone(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    get(&service, "/slow?ms=1000");
                }
            })
        })
        .collect();
    namespace
        .until("there are three pods", || (replicas("readyReplicas") == Some(3)).then_some(()));
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("every request is answered");
    }
    namespace.until("there is one pod without", || (replicas("replicas") == Some(1)).then_some(()));
    assert_eq!(pods(&namespace).len(), 1);
}
