//! The programs that make up the cluster, and how each is configured.

use super::layout::{DNS_SERVICE, Layout, NODE, NODE_IP, PAUSE_IMAGE, PODS, SERVICES};

/// A program that runs as long as the cluster does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<String>,
    /// A file that it reads: path and text.
    pub(crate) files: Vec<(String, String)>,
}

impl Component {
    fn new(name: &'static str, args: &[(&str, &str)]) -> Self {
        let args = args.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        Self { name, args, files: Vec::new() }
    }

    fn with_file(mut self, path: String, text: String) -> Self {
        self.files.push((path, text));
        self
    }
}

/// Where the cluster's state is. Loses what is not yet written when the machine
/// loses power, which a cluster for tests may.
pub(crate) fn etcd(layout: &Layout) -> Component {
    let client = "http://127.0.0.1:2379";
    let peer = "http://127.0.0.1:2380";
    Component::new(
        "etcd",
        &[
            ("name", NODE),
            ("data-dir", &layout.of("etcd")),
            ("listen-client-urls", client),
            ("advertise-client-urls", client),
            ("listen-peer-urls", peer),
            ("initial-advertise-peer-urls", peer),
            ("initial-cluster", &format!("{NODE}={peer}")),
            ("unsafe-no-fsync", "true"),
            ("log-level", "warn"),
        ],
    )
}

/// The API. Ordinary authorization: a role that a chart forgot is forgotten here too.
pub(crate) fn apiserver(layout: &Layout) -> Component {
    Component::new(
        "kube-apiserver",
        &[
            ("etcd-servers", "http://127.0.0.1:2379"),
            ("advertise-address", NODE_IP),
            ("bind-address", "0.0.0.0"),
            ("secure-port", "6443"),
            ("service-cluster-ip-range", SERVICES),
            ("authorization-mode", "Node,RBAC"),
            ("anonymous-auth", "false"),
            ("enable-admission-plugins", "NodeRestriction"),
            ("client-ca-file", &layout.cert("ca")),
            ("tls-cert-file", &layout.cert("apiserver")),
            ("tls-private-key-file", &layout.key("apiserver")),
            ("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
            ("service-account-key-file", &layout.cert("service-accounts")),
            ("service-account-signing-key-file", &layout.key("service-accounts")),
            ("kubelet-client-certificate", &layout.cert("apiserver-to-kubelet")),
            ("kubelet-client-key", &layout.key("apiserver-to-kubelet")),
            ("kubelet-preferred-address-types", "InternalIP"),
            ("requestheader-client-ca-file", &layout.cert("front-proxy-ca")),
            ("requestheader-allowed-names", "front-proxy"),
            ("requestheader-username-headers", "X-Remote-User"),
            ("requestheader-group-headers", "X-Remote-Group"),
            ("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
            ("proxy-client-cert-file", &layout.cert("front-proxy")),
            ("proxy-client-key-file", &layout.key("front-proxy")),
        ],
    )
}

/// Controllers. The autoscaler looks every 5 s instead of every 15 s: a test
/// waits for it.
pub(crate) fn controller_manager(layout: &Layout) -> Component {
    Component::new(
        "kube-controller-manager",
        &[
            ("kubeconfig", &layout.kubeconfig_of("controller-manager")),
            ("leader-elect", "false"),
            ("use-service-account-credentials", "true"),
            ("service-account-private-key-file", &layout.key("service-accounts")),
            ("root-ca-file", &layout.cert("ca")),
            ("allocate-node-cidrs", "true"),
            ("cluster-cidr", PODS),
            ("service-cluster-ip-range", SERVICES),
            ("horizontal-pod-autoscaler-sync-period", "5s"),
            ("horizontal-pod-autoscaler-initial-readiness-delay", "5s"),
            ("horizontal-pod-autoscaler-cpu-initialization-period", "10s"),
        ],
    )
}

/// Puts pods on the node.
pub(crate) fn scheduler(layout: &Layout) -> Component {
    Component::new(
        "kube-scheduler",
        &[("kubeconfig", &layout.kubeconfig_of("scheduler")), ("leader-elect", "false")],
    )
}

/// Runs containers.
pub(crate) fn containerd(layout: &Layout) -> Component {
    let config = layout.of("containerd.toml");
    let cni = layout.of("cni/10-bridge.conflist");
    Component { name: "containerd", args: vec!["--config".into(), config.clone()], files: vec![] }
        .with_file(config, containerd_config(layout))
        .with_file(cni, cni_config(layout))
}

fn containerd_config(layout: &Layout) -> String {
    // `restrict_oom_score_adj`: without CAP_SYS_RESOURCE, as in most sandboxes,
    // runc cannot lower a score, and dies of it.
    // `netns_mounts_under_state_dir`: `down` unmounts what is below the state.
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni_bin}"
conf_dir = "{cni}"
"#,
        root = layout.of("containerd"),
        state = layout.of("containerd-run"),
        socket = layout.containerd(),
        cni_bin = CNI_PLUGINS,
        cni = layout.of("cni"),
    )
}

/// Where Debian puts them.
pub(crate) const CNI_PLUGINS: &str = "/usr/lib/cni";

/// A bridge and addresses from a file. Its pods' packets leave with the pods'
/// own addresses, as they do where pods are first-class in the network.
fn cni_config(layout: &Layout) -> String {
    let subnet = PODS.replace("/16", "/24");
    serde_json::json!({
        "cniVersion": "0.4.0",
        "name": NODE,
        "plugins": [
            {
                "type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": false,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local", "dataDir": layout.of("addresses"),
                    "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
        ],
    })
    .to_string()
}

/// Runs pods.
pub(crate) fn kubelet(layout: &Layout) -> Component {
    let config = layout.of("kubelet.yaml");
    let text = serde_json::json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.cert("ca")},
        },
        "authorization": {"mode": "Webhook"},
        "address": NODE_IP,
        "cgroupDriver": "cgroupfs",
        // Sandboxes and older machines have cgroup v1 and swap.
        "failCgroupV1": false,
        "failSwapOn": false,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd()),
        // A test's machine is often short of disk, and that is not what is tested.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "5s",
        "shutdownGracePeriod": "0s",
    });
    Component::new(
        "kubelet",
        &[
            ("config", &config),
            ("kubeconfig", &layout.kubeconfig_of("kubelet")),
            ("hostname-override", NODE),
            ("node-ip", NODE_IP),
            ("root-dir", &layout.of("kubelet")),
            ("cert-dir", &layout.of("kubelet-pki")),
        ],
    )
    .with_file(config.clone(), text.to_string())
}

/// Makes Services reachable, on the node and from the machine.
pub(crate) fn proxy(layout: &Layout) -> Component {
    let config = layout.of("kube-proxy.yaml");
    let text = serde_json::json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        "clientConnection": {"kubeconfig": layout.kubeconfig_of("proxy")},
        // The machine's table of connections is not this cluster's to size.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"syncPeriod": "10s", "minSyncPeriod": "200ms"},
    });
    Component::new("kube-proxy", &[("config", &config)]).with_file(config.clone(), text.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CNI_PLUGINS, Layout, apiserver, containerd, kubelet, proxy};
    use crate::layout::{API_SERVICE, PODS, SERVICES};

    fn layout() -> Layout {
        Layout::at(Path::new("/x"))
    }

    #[test]
    fn nothing_is_kept_outside_the_state() {
        for component in [apiserver, containerd, kubelet, proxy].map(|make| make(&layout())) {
            let texts = component.args.iter().chain(component.files.iter().map(|(_, text)| text));
            for word in texts.flat_map(|text| text.split(['"', '=', ' ', '\n', ','])) {
                let path = word.trim_start_matches("unix://");
                let fine = !path.starts_with('/')
                    || path.starts_with("/x/state/")
                    || [CNI_PLUGINS, "/dev/null"].contains(&path);
                assert!(fine, "{} names {path}", component.name);
            }
        }
    }

    #[test]
    fn the_first_service_is_the_api() {
        let network = SERVICES.split_once(".0/").expect("ends in 0").0;
        assert_eq!(API_SERVICE, format!("{network}.1"));
        assert!(!PODS.starts_with(network));
    }
}
