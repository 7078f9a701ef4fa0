//! What Kubernetes does to pods of the demo, and what becomes of the service.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::cluster::Namespace;
use crate::cluster::demo::Demo;
use crate::cluster::http::{self, ip};
use serde_json::Value;

/// The body of an answer that is fine.
fn get(address: &str, path: &str) -> String {
    let (status, body) = http::get(address, path);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("has a name").to_owned()
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn the_node_is_ready_and_cluster_up_is_done_at_once_the_second_time() {
    let namespace = Namespace::new("node");
    let nodes: Vec<_> = namespace.list("nodes", "");
    assert_eq!(nodes.len(), 1);
    let conditions = nodes[0]["status"]["conditions"].as_array().expect("conditions");
    let ready = conditions.iter().find(|c| c["type"] == "Ready").expect("a condition");
    assert_eq!(ready["status"], "True");
    assert_eq!(nodes[0]["status"]["nodeInfo"]["kubeletVersion"], "v1.36.3");
    let again = crate::cluster::xtask(&["cluster", "up"]);
    assert!(again.contains("up already"), "{again}");
    let status = crate::cluster::xtask(&["cluster", "status"]);
    assert!(!status.contains("DOES NOT RUN") && status.contains("coredns"), "{status}");
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn a_service_balances_over_pods_and_has_a_name() {
    let namespace = Namespace::new("balance");
    let service = Demo::default().deploy(&namespace);
    let pods = namespace.list("pods", "app=demo");
    let visits = |pod: &Value| {
        let metrics = get(&format!("{}:9464", ip(pod)), "/metrics");
        let line = metrics
            .lines()
            .find(|line| line.starts_with("sre_kit_http_server_requests_started_total"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    // A connection goes to one of two at random, as soon as both are in the node's
    // tables, which is a moment after they are ready.
    let mut sent = 0.0;
    let counts: Vec<_> = namespace.until("both have had some", || {
        get(&service.to_string(), "/");
        sent += 1.0;
        let counts: Vec<_> = pods.iter().map(visits).collect();
        counts.iter().all(|count| *count > 0.0).then_some(counts)
    });
    assert!((counts.iter().sum::<f64>() - sent).abs() < 0.5, "{counts:?} of {sent}");

    namespace.apply(&busybox(
        "ask",
        &["wget", "-q", "-O-", "http://demo.balance.svc.cluster.local/"],
        "32Mi",
    ));
    let ended = namespace.until("the pod that asks by name ends", || ended(&namespace, "ask"));
    assert_eq!(ended["exitCode"], 0, "{}", namespace.kubectl(&["logs", "ask"]));
    assert!(namespace.kubectl(&["logs", "ask"]).contains("Welcome, you are visitor"));
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn a_pod_sees_its_own_limits_and_not_the_machines() {
    let namespace = Namespace::new("limits");
    Demo { replicas: 1, memory: "96Mi", ..Demo::default() }.deploy(&namespace);
    let pod = &namespace.list("pods", "app=demo")[0];
    let metrics = get(&format!("{}:9464", ip(pod)), "/metrics");
    let limit = metrics.lines().find(|line| line.starts_with("cgroup_memory_max_bytes"));
    let bytes: f64 = limit.and_then(|l| l.rsplit(' ').next()?.parse().ok()).expect("a limit");
    assert!((bytes - 96.0 * 1024.0 * 1024.0).abs() < 1.0, "{bytes}");
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn a_pod_that_takes_too_much_memory_is_killed_and_takes_no_other_with_it() {
    let namespace = Namespace::new("memory");
    Demo::default().deploy(&namespace);
    namespace.apply(&busybox("hog", &["tail", "/dev/zero"], "24Mi"));
    let ended = namespace.until("the pod is killed", || ended(&namespace, "hog"));
    assert_eq!(ended["reason"], "OOMKilled", "{ended:#}");
    assert_eq!(ended["exitCode"], 137);
    for pod in namespace.list("pods", "app=demo") {
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0);
        assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true);
    }
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn a_pod_that_is_killed_starts_again_and_the_other_serves_meanwhile() {
    let namespace = Namespace::new("killed");
    let service = Demo::default().deploy(&namespace);
    let pods = namespace.list("pods", "app=demo");
    let (killed, other) = (name(&pods[0]), name(&pods[1]));
    let container = pods[0]["status"]["containerStatuses"][0]["containerID"].as_str();
    let container = container.and_then(|id| id.rsplit('/').next()).expect("has an ID");
    let pid = process_of(container).expect("it runs");
    let sent = Command::new("kill").args(["-KILL", &pid]).status();
    assert!(sent.expect("kill runs").success());

    let restarts = |pod: &str| {
        let pod = namespace.get(&format!("pod/{pod}"));
        let status = &pod["status"]["containerStatuses"][0];
        (status["restartCount"].as_u64(), status["ready"] == true)
    };
    let killed_how = namespace.until("it runs again", || {
        let pod = namespace.get(&format!("pod/{killed}"));
        let last = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"];
        (restarts(&killed) == (Some(1), true)).then(|| last.clone())
    });
    assert_eq!(killed_how, 137);
    assert_eq!(restarts(&other), (Some(0), true));
    for _ in 0..20 {
        get(&service.to_string(), "/");
    }
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn a_disruption_budget_holds_an_eviction_until_the_next_pod_is_ready() {
    let namespace = Namespace::new("budget");
    Demo::default().deploy(&namespace);
    namespace.apply(
        "apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: demo}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: demo}}}
",
    );
    namespace.until("the budget is known", || {
        (namespace.get("pdb/demo")["status"]["disruptionsAllowed"] == 1).then_some(())
    });
    let before: BTreeSet<_> = namespace.list("pods", "app=demo").iter().map(name).collect();
    let (first, second) = (before.first().expect("two pods"), before.last().expect("two pods"));
    let evict = |pod: &str| {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", namespace.name());
        let eviction = serde_json::json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod},
        });
        namespace.try_kubectl(&["create", "--raw", &path, "-f", "-"], &eviction.to_string())
    };
    assert!(evict(first).status.success());
    let refused = evict(second);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("disruption budget"), "{said}");
    namespace.until("it is let go when another is ready", || {
        evict(second).status.success().then_some(())
    });
    namespace.until("both were replaced", || {
        let pods = namespace.list("pods", "app=demo");
        let ready =
            pods.iter().filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true);
        (ready.filter(|pod| !before.contains(&name(pod))).count() == 2).then_some(())
    });
}

/// A pod that runs one of busybox's programs, once.
fn busybox(name: &str, args: &[&str], memory: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
    - name: {name}
      image: localhost/busybox:1
      imagePullPolicy: Never
      args: {}
      resources: {{limits: {{memory: {memory}}}}}
      securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
",
        serde_json::json!(args)
    )
}

/// The first process of a container, by its control group.
fn process_of(container: &str) -> Option<String> {
    let all = fs::read_dir("/proc").expect("readable").flatten();
    let mut ours: Vec<u32> = all
        .filter_map(|entry| {
            let group = fs::read_to_string(entry.path().join("cgroup")).ok()?;
            group.contains(container).then(|| entry.file_name().to_str()?.parse().ok())?
        })
        .collect();
    ours.sort_unstable();
    ours.first().map(u32::to_string)
}

/// How a pod's container ended.
fn ended(namespace: &Namespace, pod: &str) -> Option<Value> {
    let pod = namespace.get(&format!("pod/{pod}"));
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    (!ended.is_null()).then(|| ended.clone())
}
