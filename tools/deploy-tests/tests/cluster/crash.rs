//! A cluster of which a part has died is said to be broken, and goes as a whole.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cluster::Namespace;
use crate::cluster::demo::Demo;

fn read(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output().expect("runs");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Command lines of all processes, which name the cluster's files where they are its.
fn processes_of_the_cluster() -> Vec<String> {
    let all = fs::read_dir("/proc").expect("readable").flatten();
    let lines = all.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains("/var/lib/sre-kit-cluster/state")).collect()
}

#[test]
#[ignore = "needs cluster, bwrap and cargo-auditable; cargo xtask test --only cluster"]
fn down_leaves_nothing_of_a_cluster_that_has_lost_its_kubelet_and_its_state() {
    let namespace = Namespace::new("crash");
    Demo::default().deploy(&namespace);
    assert!(!processes_of_the_cluster().is_empty());
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("readable");
    assert!(mounts().contains("/var/lib/sre-kit-cluster/state"));

    // Not one of them may clean up after itself.
    for component in ["kubelet", "etcd", "containerd"] {
        let pid = format!("/var/lib/sre-kit-cluster/state/pids/{component}");
        let pid = fs::read_to_string(pid).expect("it runs");
        read("sh", &["-c", &format!("kill -KILL {pid}")]);
    }
    let status =
        Command::new(env!("CARGO_BIN_EXE_deploy-tests")).args(["cluster", "status"]).output();
    let status = status.expect("runs");
    assert_eq!(status.status.code(), Some(3));
    let said = String::from_utf8_lossy(&status.stdout);
    for component in ["kubelet", "etcd", "containerd"] {
        let row = said.lines().find(|line| line.starts_with(&format!("{component} ")));
        assert!(row.is_some_and(|row| row.ends_with("DOES NOT RUN")), "{said}");
    }

    crate::cluster::xtask(&["cluster", "down"]);
    assert_eq!(processes_of_the_cluster(), [""; 0]);
    assert!(!mounts().contains("/var/lib/sre-kit-cluster"), "{}", mounts());
    assert!(!Path::new("/var/lib/sre-kit-cluster/state").exists());
    assert!(Path::new("/var/lib/sre-kit-cluster/logs/kubelet.log").exists(), "logs stay");
    assert!(!read("ip", &["netns"]).contains("sre-kit"));
    assert!(!read("ip", &["link"]).contains("sre-kit"));
    assert!(!read("ip", &["route"]).contains("198.18"));
    let groups = fs::read_dir("/sys/fs/cgroup").expect("readable").flatten();
    for group in groups {
        assert!(!group.path().join("kubepods").exists(), "{}", group.path().display());
    }
    let again = crate::cluster::xtask(&["cluster", "down"]);
    assert!(again.contains("there is no cluster"), "{again}");
}
