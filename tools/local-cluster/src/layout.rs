//! Where the cluster keeps what it needs, and its addresses.

use std::path::{Path, PathBuf};

/// The network namespace of the node, which is also what there can be one of.
pub(crate) const NAMESPACE: &str = "sre-kit";

/// The node's name.
pub(crate) const NODE: &str = "sre-kit";

/// The two ends of the link between this machine and the node.
pub(crate) const HOST_LINK: &str = "sre-kit-host";
pub(crate) const NODE_LINK: &str = "sre-kit-node";

// All from 198.18.0.0/15, which RFC 2544 sets apart for tests: no machine that
// runs this has anything of its own there.

/// What the machine reaches through the link.
pub(crate) const EVERYTHING: &str = "198.18.0.0/15";
/// This machine, as pods see it.
pub(crate) const HOST: &str = "198.18.0.1";
/// The node.
pub(crate) const NODE_IP: &str = "198.18.0.2";
/// The length of the link's prefix.
pub(crate) const LINK_BITS: u8 = 30;
/// Services.
pub(crate) const SERVICES: &str = "198.18.64.0/20";
/// The API, as pods see it: always the first of the Services.
pub(crate) const API_SERVICE: &str = "198.18.64.1";
/// CoreDNS.
pub(crate) const DNS_SERVICE: &str = "198.18.64.10";
/// Pods.
pub(crate) const PODS: &str = "198.19.0.0/16";
/// The API, as this machine sees it.
pub(crate) const API: &str = "https://198.18.0.2:6443";

/// The image under every pod.
pub(crate) const PAUSE_IMAGE: &str = "localhost/busybox:pause";

/// Files and directories.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Not in a clone or a cache: it belongs to root, and the machine has one.
    pub(crate) fn of_this_machine() -> Self {
        Self::at(Path::new("/var/lib/sre-kit-cluster"))
    }

    /// Somewhere else.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Everything but the logs is below this directory and goes with the cluster.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// A file or directory of the state.
    pub(crate) fn of(&self, name: &str) -> String {
        self.state().join(name).display().to_string()
    }

    /// What each component wrote. Stays when the cluster goes.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What one component wrote.
    pub(crate) fn log(&self, component: &str) -> PathBuf {
        self.logs().join(format!("{component}.log"))
    }

    /// Held while a cluster is started or stopped.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// For `kubectl` and `helm`.
    pub(crate) fn kubeconfig(&self) -> String {
        self.kubeconfig_of("admin")
    }

    /// For one component.
    pub(crate) fn kubeconfig_of(&self, user: &str) -> String {
        self.of(&format!("{user}.kubeconfig"))
    }

    /// A certificate.
    pub(crate) fn cert(&self, name: &str) -> String {
        self.of(&format!("pki/{name}.crt"))
    }

    /// A private key.
    pub(crate) fn key(&self, name: &str) -> String {
        self.of(&format!("pki/{name}.key"))
    }

    /// containerd's socket. Short: the path of a socket has at most 107 bytes.
    pub(crate) fn containerd(&self) -> String {
        self.of("containerd.sock")
    }

    /// The node's network namespace, as a file.
    pub(crate) fn namespace() -> PathBuf {
        Path::new("/run/netns").join(NAMESPACE)
    }
}
