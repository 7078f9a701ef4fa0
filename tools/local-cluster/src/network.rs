//! The node's network: a namespace of its own, and a link to this machine.

use anyhow::Result;
use shell::Cmd;

use super::layout::{
    EVERYTHING, HOST, HOST_LINK, LINK_BITS, Layout, NAMESPACE, NODE_IP, NODE_LINK,
};

/// Makes the namespace and the link.
///
/// The machine reaches Services and pods over the link, so that a test needs not be in the
/// namespace, and pods reach servers that a test starts on [`HOST`]. Nothing in the cluster
/// reaches the internet.
pub(crate) fn up() -> Result<()> {
    for line in commands().lines() {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        Cmd::new(program).args(words).read()?;
    }
    // Kernels without IPv6 tables are not rare, and nothing here needs IPv6.
    let settings = "set -e; cd /proc/sys/net; echo 1 >ipv4/ip_forward; \
                    if [ -d ipv6 ]; then echo 1 >ipv6/conf/all/disable_ipv6; fi";
    inside("sh").args(["-c", settings]).read()?;
    Ok(())
}

fn commands() -> String {
    let inside = format!("ip -n {NAMESPACE}");
    // kube-proxy and the API server look for the interface of the default route.
    format!(
        "ip netns add {NAMESPACE}
{inside} link set lo up
ip link add {HOST_LINK} type veth peer {NODE_LINK} netns {NAMESPACE}
ip addr add {HOST}/{LINK_BITS} dev {HOST_LINK}
ip link set {HOST_LINK} up
{inside} addr add {NODE_IP}/{LINK_BITS} dev {NODE_LINK}
{inside} link set {NODE_LINK} up
{inside} route add default via {HOST}
ip route add {EVERYTHING} via {NODE_IP} dev {HOST_LINK}"
    )
}

/// Removes both, as far as they exist.
pub(crate) fn down() {
    // Either end takes the other with it, and the routes.
    let _ = Cmd::new("ip").args(["link", "del", HOST_LINK]).read();
    let _ = Cmd::new("ip").args(["netns", "del", NAMESPACE]).read();
}

/// Returns whether the namespace exists.
pub(crate) fn is_up() -> bool {
    Layout::namespace().exists()
}

/// Returns the processes in the namespace.
pub(crate) fn processes() -> Vec<u32> {
    let listed = Cmd::new("ip").args(["netns", "pids", NAMESPACE]).read().unwrap_or_default();
    listed.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Creates a command that runs in the node's namespace.
///
/// Not `ip netns exec`, which mounts /sys anew and hides the cgroups from kubelet.
pub(crate) fn inside(program: &str) -> Cmd {
    Cmd::new("nsenter")
        .arg(format!("--net={}", Layout::namespace().display()))
        .arg("--")
        .arg(program)
}
