//! bubblewrap in the place of a builder and of a container runtime.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::docker::{self, Dockerfile, ROOT};

/// The filesystem that the build leaves in /rootfs. Built once for all tests.
pub(crate) fn built() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    let root = fs::canonicalize(ROOT).expect("the workspace");
    let kept = root.join("target/image");
    // The tiers that use it run side by side: one build at a time, and a result for each.
    let rootfs = concat!("rootfs-", env!("CARGO_CRATE_NAME"));
    let [source, target, rootfs] = ["src", "target", rootfs].map(|name| kept.join(name));
    fs::create_dir_all(&kept).expect("made");
    let lock = File::create(kept.join("lock")).expect("made");
    lock.lock().expect("locked");
    for fresh in [&source, &rootfs] {
        if fresh.exists() {
            fs::remove_dir_all(fresh).expect("removed");
        }
        fs::create_dir_all(fresh).expect("made");
    }
    fs::create_dir_all(&target).expect("made");
    copy(&root, &source);

    let file = Dockerfile::read();
    let mut runs = file.runs();
    // The first installs what this test has from the catalogue, in the same version.
    assert!(runs.remove(0).contains("cargo-auditable"));
    for run in runs {
        // Only root may give a file away.
        let id = Command::new("id").arg("--user").output().expect("id runs").stdout;
        let run = if id == b"0\n" { run } else { run.replace("-o 65532 -g 65532", "") };
        let output = builder(&[("/src", &source), ("/target", &target), ("/rootfs", &rootfs)])
            .envs(file.env(false))
            .args(["/bin/sh", "-euc", &run])
            .output()
            .expect("bwrap runs");
        assert!(output.status.success(), "{run}\n{}", said(&output));
    }
    // What a container runtime makes where they are missing.
    for mount in ["proc", "dev", "etc", "tmp"] {
        fs::create_dir_all(rootfs.join(mount)).expect("made");
    }
    rootfs
}

/// Files of the context, with their times, so that cargo sees what has changed.
fn copy(root: &Path, to: &Path) {
    let mut tar = Command::new("cp");
    tar.args(["--preserve=timestamps,mode", "--parents", "--target-directory"]).arg(to);
    let status = tar.args(docker::context()).current_dir(root).status().expect("cp runs");
    assert!(status.success());
}

/// This machine's system, read-only, with other folders laid into it.
fn builder(folders: &[(&str, &Path)]) -> Command {
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--die-with-parent", "--tmpfs", "/"]);
    for entry in fs::read_dir("/").expect("read").map(|entry| entry.expect("read").path()) {
        let text = entry.to_str().expect("text");
        if ["/proc", "/dev", "/tmp", "/src", "/target", "/rootfs"].contains(&text) {
            continue;
        }
        if let Ok(link) = fs::read_link(&entry) {
            bwrap.arg("--symlink").arg(link).arg(&entry);
        } else {
            bwrap.args(["--ro-bind", text, text]);
        }
    }
    bwrap.args(["--proc", "/proc", "--dev-bind", "/dev", "/dev", "--tmpfs", "/tmp"]);
    let home = std::env::var("HOME").expect("there is a HOME");
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    bwrap.args(["--bind", &cargo, &cargo]);
    for (place, folder) in folders {
        bwrap.arg("--bind").arg(folder).arg(place);
    }
    bwrap.args(["--chdir", "/src", "--"]).env("CARGO_HOME", cargo);
    // The test's own cargo has set these for itself.
    for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        bwrap.env_remove(name);
    }
    bwrap
}

/// Started as Kubernetes starts it: its own user, nothing inherited, nothing writable.
fn container(rootfs: &Path, volume: &Path, args: &[&str]) -> Command {
    let file = Dockerfile::read();
    let hosts = volume.join("../hosts");
    fs::write(&hosts, "127.0.0.1 localhost named-in-etc-hosts\n").expect("written");
    let mut bwrap = Command::new("bwrap");
    bwrap.args(["--unshare-all", "--share-net", "--die-with-parent", "--as-pid-1"]);
    bwrap.args(["--uid", "65532", "--gid", "65532", "--cap-drop", "ALL", "--clearenv"]);
    bwrap.arg("--ro-bind").arg(rootfs).arg("/");
    bwrap.args(["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]);
    bwrap.arg("--tmpfs").arg("/etc").arg("--ro-bind").arg(&hosts).arg("/etc/hosts");
    bwrap.args(["--remount-ro", "/etc"]);
    bwrap.arg("--bind").arg(volume).arg(file.last("VOLUME"));
    for (name, value) in file.env(true) {
        // Every port is the kernel's choice, and on loopback.
        let value = if value.starts_with("0.0.0.0:") { "127.0.0.1:0".to_owned() } else { value };
        bwrap.args(["--setenv", &name, &value]);
    }
    bwrap.args(["--setenv", "NO_COLOR", "1", "--chdir", "/", "--"]);
    bwrap.arg(&file.entrypoint()[0]).args(args);
    bwrap
}

fn volume() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let volume = directory.path().join("volume");
    fs::create_dir(&volume).expect("made");
    fs::set_permissions(&volume, fs::Permissions::from_mode(0o770)).expect("set");
    directory
}

/// Runs the program to its end: exit code, and what it said.
pub(crate) fn run_to_end(rootfs: &Path, args: &[&str]) -> (Option<i32>, String) {
    let directory = volume();
    let volume = directory.path().join("volume");
    let output = container(rootfs, &volume, args).output().expect("bwrap runs");
    (output.status.code(), said(&output))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Path and size of every file.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).expect("read").map(|entry| entry.expect("read").path()) {
        let meta = fs::symlink_metadata(&path).expect("read");
        if meta.is_dir() { found.extend(files(&path)) } else { found.push((path, meta.len())) }
    }
    found
}

/// A running container. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    pid: u32,
    pub(crate) app: String,
    pub(crate) admin: String,
    _directory: TempDir,
}

impl Running {
    pub(crate) fn start(rootfs: &Path) -> Self {
        let directory = volume();
        let volume = directory.path().join("volume");
        let mut child = container(rootfs, &volume, &["serve"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("bwrap runs");
        let mut addresses = Vec::new();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        for line in stdout.lines().map_while(Result::ok) {
            let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://"));
            let Some(url) = url else { continue };
            addresses.push(url.split('/').next().unwrap_or_default().to_owned());
            if addresses.len() == 2 {
                break;
            }
        }
        let [app, admin] = addresses.try_into().unwrap_or_else(|found| {
            let _ = child.kill();
            panic!("it ended without saying where it listens: {found:?}")
        });
        let pid = innermost(child.id());
        Self { child, pid, app, admin, _directory: directory }
    }

    #[allow(clippy::unused_self, reason = "a borrow: what was dropped does not answer")]
    pub(crate) fn get(&self, address: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).expect("it listens");
        // The admin listener on loopback refuses every Host that is not a loopback one.
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), answer)
    }

    /// The lines of /proc/PID/status.
    pub(crate) fn status(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// Who it is in its own user namespace.
    pub(crate) fn inner_uid(&self) -> String {
        let map = fs::read_to_string(format!("/proc/{}/uid_map", self.pid)).expect("it runs");
        map.split_whitespace().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn terminate(mut self) -> Option<i32> {
        let kill = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status();
        assert!(kill.expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last of a chain of processes that each started one.
fn innermost(pid: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    match children.unwrap_or_default().split_whitespace().next() {
        Some(child) => innermost(child.parse().expect("a number")),
        None => pid,
    }
}
