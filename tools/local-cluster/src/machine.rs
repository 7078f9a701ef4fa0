//! What a machine must have to run a cluster.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use shell::Cmd;

use super::{containers, network};

/// Checks the kernel, before anything is changed.
pub(crate) fn check() -> Result<()> {
    if !has_filesystem("overlay") {
        bail!(
            "the kernel has no overlay filesystem, which containers are made of; modprobe overlay"
        );
    }
    if !has_memory_groups(Path::new("/sys/fs/cgroup")) {
        bail!(
            "there are no control groups for memory in /sys/fs/cgroup; mount them there, or run \
             this outside of a container without them"
        );
    }
    if !network::is_up() && !containers::groups().is_empty() {
        bail!(
            "pods of another kubelet run on this machine, and two would end each other's; \
             stop it first"
        );
    }
    Ok(())
}

/// Checks nftables in the namespace, where a table can be made without harm.
pub(crate) fn check_network() -> Result<()> {
    let table = network::inside("nft").args(["add", "table", "ip", "sre-kit-probe"]).read();
    if let Err(err) = table {
        bail!("the kernel has no nftables, by which Services are reached: {err:#}");
    }
    network::inside("nft").args(["delete", "table", "ip", "sre-kit-probe"]).read()?;
    Ok(())
}

fn has_filesystem(name: &str) -> bool {
    let known = || {
        let listed = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        listed.lines().any(|line| line.split_whitespace().last() == Some(name))
    };
    // As a module it is not listed before its first use.
    known() || (Cmd::new("modprobe").arg(name).read().is_ok() && known())
}

fn has_memory_groups(mount: &Path) -> bool {
    let unified = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
    unified.split_whitespace().any(|name| name == "memory")
        || mount.join("memory/cgroup.procs").is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{has_filesystem, has_memory_groups};

    #[test]
    fn memory_groups_are_found_in_both_versions() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(!has_memory_groups(dir.path()));
        fs::write(dir.path().join("cgroup.controllers"), "cpuset cpu memory pids\n").expect("w");
        assert!(has_memory_groups(dir.path()));
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("memory")).expect("made");
        fs::write(dir.path().join("memory/cgroup.procs"), "").expect("written");
        assert!(has_memory_groups(dir.path()));
    }

    #[test]
    fn a_filesystem_is_known_by_its_whole_name() {
        assert!(has_filesystem("proc"));
        assert!(!has_filesystem("pro"));
    }
}
