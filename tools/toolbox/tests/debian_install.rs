//! `debian-install.sh` with a stand-in for apt-get, which only root may run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/debian-install.sh");

/// Writes down how it was called and whether services may start.
const APT_GET: &str = r#"#!/bin/sh
sh "$POLICY_RC_D"; echo "$1 services:$? ${DEBIAN_FRONTEND:-} $*" >>"$CALLS"
if [ "$1" = install ] && [ ! -e "$LISTS" ]; then exit 100; fi
if [ "$1" = update ]; then touch "$LISTS"; fi
"#;

struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        let apt_get = machine.path("bin/apt-get");
        fs::create_dir(machine.path("bin")).expect("made");
        fs::write(&apt_get, APT_GET).expect("written");
        fs::set_permissions(&apt_get, fs::Permissions::from_mode(0o755)).expect("set");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn with_lists(self) -> Self {
        fs::write(self.path("lists"), "").expect("written");
        self
    }

    fn install(&self, packages: &[&str]) -> Output {
        // The stand-in enables no unit, so the real systemctl has none to disable.
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Command::new("sh")
            .arg(SCRIPT)
            .args(packages)
            .env("PATH", path)
            .env("POLICY_RC_D", self.path("policy"))
            .env("CALLS", self.path("calls"))
            .env("LISTS", self.path("lists"))
            .output()
            .expect("sh runs")
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

fn exists(path: &Path) -> bool {
    fs::exists(path).expect("readable")
}

#[test]
fn services_may_not_start_while_it_installs_and_may_afterwards() {
    let machine = Machine::new().with_lists();
    let out = machine.install(&["haproxy", "prometheus"]);
    assert!(out.status.success(), "{out:?}");
    let calls = machine.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].starts_with("install services:101 noninteractive "), "{calls:?}");
    assert!(calls[0].contains("--no-install-recommends"), "{calls:?}");
    assert!(calls[0].ends_with(" haproxy prometheus"), "{calls:?}");
    assert!(!exists(&machine.path("policy")), "the machine's services could never start again");
}

#[test]
fn a_machine_without_lists_gets_them_once() {
    let machine = Machine::new();
    assert!(machine.install(&["haproxy"]).status.success());
    let verbs: Vec<_> =
        machine.calls().iter().filter_map(|c| c.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(verbs, ["install", "update", "install"]);
}

#[test]
fn the_machines_own_policy_stays_even_when_installing_fails() {
    let machine = Machine::new();
    fs::write(machine.path("policy"), "exit 101\n").expect("written");
    // `update` cannot write the lists, so the second try fails as the first did.
    fs::create_dir(machine.path("nowhere")).expect("made");
    let out = Command::new("sh")
        .args([SCRIPT, "haproxy"])
        .env("PATH", format!("{}:/usr/bin:/bin", machine.path("bin").display()))
        .env("POLICY_RC_D", machine.path("policy"))
        .env("CALLS", machine.path("calls"))
        .env("LISTS", machine.path("nowhere/missing/lists"))
        .output()
        .expect("sh runs");
    assert!(!out.status.success());
    assert_eq!(fs::read_to_string(machine.path("policy")).expect("still there"), "exit 101\n");
}

#[test]
fn our_policy_goes_when_installing_fails() {
    let machine = Machine::new();
    fs::write(machine.path("bin/apt-get"), "#!/bin/sh\nexit 100\n").expect("written");
    assert!(!machine.install(&["haproxy"]).status.success());
    assert!(!exists(&machine.path("policy")));
}

#[test]
fn no_package_is_a_mistake_and_says_how_it_is_called() {
    let out = Machine::new().install(&[]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("usage"));
}
