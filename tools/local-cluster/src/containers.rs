//! What containers leave on the machine: processes, control groups, mounts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use shell::Cmd;

use super::process;

/// Where control groups are mounted; version 1 has one tree per controller.
const CGROUPS: &str = "/sys/fs/cgroup";

/// The group that kubelet makes for all pods.
const PODS: &str = "kubepods";

/// Returns the pods' groups, in every tree that has them.
pub(crate) fn groups() -> Vec<PathBuf> {
    groups_in(Path::new(CGROUPS))
}

fn groups_in(mount: &Path) -> Vec<PathBuf> {
    let trees = fs::read_dir(mount).into_iter().flatten().flatten().map(|entry| entry.path());
    let candidates = trees.chain([mount.to_owned()]).map(|tree| tree.join(PODS));
    candidates.filter(|group| group.is_dir()).collect()
}

/// Returns the processes of all containers.
fn processes(groups: &[PathBuf]) -> Vec<u32> {
    let mut pids = Vec::new();
    for group in groups.iter().flat_map(|group| tree(group)) {
        let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        pids.extend(listed.lines().filter_map(|line| line.parse::<u32>().ok()));
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Returns a directory and all below it, the deepest first.
fn tree(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let below = fs::read_dir(top).into_iter().flatten().flatten();
    for entry in below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        found.extend(tree(&entry.path()));
    }
    found.push(top.to_owned());
    found
}

/// Ends every container at once.
pub(crate) fn kill() -> Result<()> {
    process::stop(Duration::from_millis(500), || processes(&groups()))
}

/// Removes the pods' groups, which must be empty.
pub(crate) fn remove_groups() {
    for group in groups().iter().flat_map(|group| tree(group)) {
        // Only `rmdir` works there: the files are the kernel's.
        let _ = fs::remove_dir(group);
    }
}

/// Unmounts everything below `dir`.
pub(crate) fn unmount(dir: &Path) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // What was mounted last may be inside of what was mounted before.
    for mount in mounts_below(&mounts, dir).iter().rev() {
        let _ = Cmd::new("umount").args(["--lazy", mount]).read();
    }
}

fn mounts_below(mountinfo: &str, dir: &Path) -> Vec<String> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    // The kernel writes a space as \040.
    let points = points.map(|point| point.replace("\\040", " "));
    points.filter(|point| Path::new(point).starts_with(dir)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{groups_in, mounts_below, processes, tree};

    #[test]
    fn only_mounts_below_the_directory_are_touched() {
        let mountinfo = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
             30 22 0:30 / /var/lib/x rw - tmpfs tmpfs rw\n\
             31 30 0:31 / /var/lib/x/run/a\\040b rw shared:5 - tmpfs tmpfs rw\n\
             32 22 0:32 / /var/lib/xy rw - tmpfs tmpfs rw";
        let found = mounts_below(mountinfo, Path::new("/var/lib/x"));
        assert_eq!(found, ["/var/lib/x", "/var/lib/x/run/a b"]);
    }

    #[test]
    fn containers_are_found_in_both_versions_of_control_groups() {
        let mount = tempfile::tempdir().expect("a temporary directory");
        let group = |path: &str, pids: &str| {
            let dir = mount.path().join(path);
            fs::create_dir_all(&dir).expect("made");
            fs::write(dir.join("cgroup.procs"), pids).expect("written");
        };
        group("memory/kubepods", "");
        group("memory/kubepods/burstable/pod1/c1", "12\n7\n");
        group("cpu/kubepods/burstable/pod1/c1", "7\n");
        group("cpu/user.slice", "1\n");
        assert_eq!(processes(&groups_in(mount.path())), [7, 12]);
        group("kubepods/pod2", "99\n");
        assert_eq!(processes(&groups_in(mount.path())), [7, 12, 99]);
        let deepest_first = tree(&mount.path().join("cpu/kubepods"));
        assert_eq!(
            deepest_first.first(),
            Some(&mount.path().join("cpu/kubepods/burstable/pod1/c1"))
        );
        assert_eq!(deepest_first.last(), Some(&mount.path().join("cpu/kubepods")));
    }
}
