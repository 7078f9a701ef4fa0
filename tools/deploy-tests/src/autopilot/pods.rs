//! Rules about pods.

use serde_json::Value;

use super::documents::{Object, Pod};
use super::quantity::parse;
use super::{Findings, is_true, list, text};

/// Capabilities that may be added.
const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_PTRACE",
];

/// The label by which a pod says which of Google's allowlists admits it.
const ALLOWLIST: &str = "/labels/cloud.google.com~1matching-allowlist";

/// Longest grace period that survives a node being taken away, seconds.
const LONGEST_GRACE: u64 = 600;

/// The same on a Spot node.
const LONGEST_SPOT_GRACE: u64 = 15;

const GIB: f64 = 1_073_741_824.0;

pub(super) fn check(pod: &Pod<'_>, object: &Object, findings: &mut Findings<'_>) {
    let allowlist = text(pod.metadata, ALLOWLIST);
    if allowlist.is_empty() {
        host(pod.spec, findings);
    } else if object.kind() != "DaemonSet" && object.kind() != "Deployment" {
        findings.change(format!(
            "it names the allowlist {allowlist}, which has to be synchronized into the cluster; \
             add an AllowlistSynchronizer"
        ));
    }
    grace(pod.spec, findings);
    resources(pod.spec, findings);
}

/// What reaches beyond the pod into the node.
fn host(spec: &Value, findings: &mut Findings<'_>) {
    for (field, advice) in
        [("hostNetwork", "turn it off"), ("hostPID", "turn it off"), ("hostIPC", "turn it off")]
    {
        if is_true(spec, &format!("/{field}")) {
            findings.refuse(format!("it has {field}, and nodes are not yours; {advice}"));
        }
    }
    if !text(spec, "/nodeName").is_empty() {
        findings.refuse("it names its node, and nodes come and go; leave it to the scheduler");
    }
    for sysctl in list(spec, "/securityContext/sysctls") {
        findings.refuse(format!("it sets the sysctl {}; leave it out", text(sysctl, "/name")));
    }
    for volume in list(spec, "/volumes") {
        if let Some(path) = volume.pointer("/hostPath/path").and_then(Value::as_str) {
            host_path(spec, text(volume, "/name"), path, findings);
        }
    }
    for container in containers(spec) {
        self::container(container, findings);
    }
}

/// `/var/log` and what is below may be read, and nothing else.
fn host_path(spec: &Value, volume: &str, path: &str, findings: &mut Findings<'_>) {
    let path = path.trim_end_matches('/');
    let below = path == "/var/log" || path.starts_with("/var/log/");
    if !below || path.contains("..") {
        findings.refuse(format!(
            "its volume {volume} is the node's {path}, and only /var/log may be mounted; turn what \
             needs it off"
        ));
        return;
    }
    for container in containers(spec) {
        for mount in list(container, "/volumeMounts") {
            if text(mount, "/name") == volume && !is_true(mount, "/readOnly") {
                findings.refuse(format!(
                    "container {} may write to the node's {path}; mount it readOnly",
                    text(container, "/name")
                ));
            }
        }
    }
}

fn container(container: &Value, findings: &mut Findings<'_>) {
    let name = text(container, "/name");
    if is_true(container, "/securityContext/privileged") {
        findings.refuse(format!("container {name} is privileged; turn it off"));
    }
    if text(container, "/securityContext/procMount") == "Unmasked" {
        findings.refuse(format!("container {name} has an unmasked /proc; leave procMount out"));
    }
    for capability in list(container, "/securityContext/capabilities/add") {
        let capability = capability.as_str().unwrap_or_default();
        if !CAPABILITIES.contains(&capability.trim_start_matches("CAP_")) {
            findings.refuse(format!("container {name} adds the capability {capability}; drop it"));
        }
    }
    for port in list(container, "/ports") {
        if let Some(host_port) = port.get("hostPort").and_then(Value::as_u64).filter(|p| *p > 0) {
            findings.refuse(format!(
                "container {name} wants the node's port {host_port}; use a Service"
            ));
        }
    }
}

fn grace(spec: &Value, findings: &mut Findings<'_>) {
    let Some(grace) = spec.get("terminationGracePeriodSeconds").and_then(Value::as_u64) else {
        return;
    };
    let spot = text(spec, "/nodeSelector/cloud.google.com~1gke-spot") == "true";
    if spot && grace > LONGEST_SPOT_GRACE {
        findings.change(format!(
            "it asks for {grace} s to end, and a Spot node has {LONGEST_SPOT_GRACE}; leave Spot, or \
             be done by then"
        ));
    } else if grace > LONGEST_GRACE {
        findings.change(format!(
            "it asks for {grace} s to end, and a node is taken away after {LONGEST_GRACE}; lower it"
        ));
    }
}

/// Requests that are missing are set, and those out of proportion are raised.
fn resources(spec: &Value, findings: &mut Findings<'_>) {
    let (mut cpu, mut memory, mut complete) = (0.0, 0.0, true);
    for container in list(spec, "/containers") {
        let name = text(container, "/name");
        // A limit alone is the request as well.
        let request = |resource: &str| {
            ["requests", "limits"].iter().find_map(|part| {
                container.pointer(&format!("/resources/{part}/{resource}")).and_then(amount)
            })
        };
        let missing: Vec<_> =
            ["cpu", "memory"].into_iter().filter(|r| request(r).is_none()).collect();
        if !missing.is_empty() {
            findings.change(format!(
                "container {name} requests no {}, and gets half a CPU and 2 GiB; request what it \
                 needs",
                missing.join(" and no ")
            ));
            complete = false;
        }
        cpu += request("cpu").unwrap_or(0.0);
        memory += request("memory").unwrap_or(0.0);
        if request("ephemeral-storage").is_some_and(|bytes| bytes > 10.0 * GIB) {
            findings.refuse(format!(
                "container {name} requests more than 10 GiB of ephemeral storage; claim a volume"
            ));
        }
    }
    if !complete || cpu <= 0.0 {
        return;
    }
    let ratio = memory / GIB / cpu;
    // A little slack: 0.1 CPU has no exact binary fraction.
    if !(0.999..=6.501).contains(&ratio) {
        let what = if ratio < 1.0 { "memory" } else { "CPU" };
        findings.change(format!(
            "it requests {ratio:.2} GiB per CPU, and {what} is raised until there are 1 to 6.5; \
             request what you will pay for"
        ));
    }
}

fn amount(value: &Value) -> Option<f64> {
    value.as_str().map_or_else(|| value.as_f64(), parse)
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["/containers", "/initContainers", "/ephemeralContainers"]
        .into_iter()
        .flat_map(|part| list(spec, part))
}
