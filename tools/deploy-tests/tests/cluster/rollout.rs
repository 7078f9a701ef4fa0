//! Rolling restarts on a real Kubernetes, under load through its Service.
//!
//! kubelet sends SIGTERM to a pod and, at the same moment, its address starts on
//! its way out of the Service: to the API, to the slices of endpoints, to
//! kube-proxy's tables. Until it has arrived, new connections still go to the pod
//! (<https://kubernetes.io/docs/tutorials/services/pods-and-endpoint-termination-flow/>).
//! Nothing here retries. The spans go to an OpenTelemetry Collector, which counts: a
//! request that was served and has no span is a loss too.

use std::collections::BTreeMap;

use crate::cluster::demo::Demo;
use crate::cluster::load::Load;
use crate::cluster::{HOST, Namespace};
use crate::collector::{Collector, Ports};

fn by_kind(failures: &[String]) -> BTreeMap<&str, usize> {
    let mut kinds = BTreeMap::new();
    for failure in failures {
        *kinds.entry(failure.as_str()).or_default() += 1;
    }
    kinds
}

fn restart(namespace: &Namespace) {
    namespace.kubectl(&["rollout", "restart", "deployment/demo"]);
    namespace.rolled_out("deployment/demo");
    // The rollout is over when the new pods are ready; the old ones still drain.
    namespace.until("the old pods are gone", || {
        (namespace.list("pods", "app=demo").len() == 2).then_some(())
    });
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable and otelcol; cargo xtask test --only cluster"]
fn ten_rolling_restarts_lose_no_request_and_no_span() {
    let namespace = Namespace::new("rollout");
    let ports = Ports::free_on(HOST);
    let collector = Collector::start(ports);
    let demo = Demo { variables: ports.traces(), ..Demo::default() };
    let service = demo.deploy(&namespace);
    let load = Load::start(service);
    for _ in 0..10 {
        restart(&namespace);
    }
    let (sent, failures) = load.stop();
    println!("{} of {sent} requests failed in 10 restarts", failures.len());
    assert!(failures.is_empty(), "{} of {sent}: {:?}", failures.len(), by_kind(&failures));
    let spans = || collector.spans("GET /") + collector.spans("GET /slow");
    let sent = usize::try_from(sent).expect("fits");
    // The pods that run now keep some for a moment.
    namespace.until("there is a span for each request", || (spans() >= sent).then_some(()));
    assert_eq!(spans(), sent, "a span for each request, and no other");
    for pod in namespace.list("pods", "app=demo") {
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "{pod:#}");
    }
}

/// The test above would also pass if the load could not see a loss.
#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn without_the_drain_delay_restarts_lose_requests() {
    let namespace = Namespace::new("rollout-no-delay");
    let service = Demo { drain_delay: "0", ..Demo::default() }.deploy(&namespace);
    let load = Load::start(service);
    let mut restarts = 0;
    while load.failed() == 0 && restarts < 20 {
        restart(&namespace);
        restarts += 1;
    }
    let (sent, failures) = load.stop();
    println!("{} of {sent} requests failed in {restarts} restarts", failures.len());
    assert!(!failures.is_empty(), "{restarts} restarts lost none of {sent} requests");
}
