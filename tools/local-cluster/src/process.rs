//! Components as processes: started, watched while they start, stopped for good.

#![expect(clippy::disallowed_methods, reason = "there is no runtime here to block")]

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use shell::Cmd;

use super::components::Component;
use super::layout::Layout;
use super::network;

/// Longer than anything takes on a busy machine.
const EVER: Duration = Duration::from_mins(3);
/// How often it is said what is waited for.
const SAID_EVERY: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(100);

/// A component that was started a moment ago.
pub(crate) struct Started {
    name: &'static str,
    child: Child,
}

/// Starts a component in the node's namespace. It outlives this program.
pub(crate) fn start(layout: &Layout, component: &Component, path: &[PathBuf]) -> Result<Started> {
    for (path, text) in &component.files {
        if let Some(dir) = Path::new(path).parent() {
            fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        }
        fs::write(path, text).with_context(|| format!("writing {path}"))?;
    }
    let log = layout.log(component.name);
    let file = File::create(&log).with_context(|| format!("writing {}", log.display()))?;
    let mut command = network::inside(component.name)
        .args(component.args.iter().cloned())
        .path_first(path)
        .command();
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        // Ctrl-C ends this program and leaves the cluster as it is.
        .process_group(0);
    let child = command.spawn().with_context(|| format!("starting {}", component.name))?;
    fs::write(pid_file(layout, component.name), child.id().to_string())?;
    Ok(Started { name: component.name, child })
}

fn pid_file(layout: &Layout, name: &str) -> String {
    layout.of(&format!("pids/{name}"))
}

/// Returns whether a component runs. Its process has to be in the node's namespace: the number
/// alone may belong to another process by now.
pub(crate) fn runs(layout: &Layout, name: &str, processes: &[u32]) -> bool {
    let pid = fs::read_to_string(pid_file(layout, name)).ok().and_then(|text| text.parse().ok());
    pid.is_some_and(|pid| processes.contains(&pid))
}

/// Waits until `done` returns a value. Fails early, with the last lines of its log, if one of
/// `needed` has ended.
pub(crate) fn until<T>(
    what: &str,
    layout: &Layout,
    needed: &mut [Started],
    mut done: impl FnMut() -> Option<T>,
) -> Result<T> {
    let began = Instant::now();
    let mut next = SAID_EVERY;
    loop {
        if let Some(value) = done() {
            println!("  {what}, {:.1} s", began.elapsed().as_secs_f64());
            return Ok(value);
        }
        if began.elapsed() > next {
            println!(
                "  waiting for {what}, {} s of at most {}",
                began.elapsed().as_secs(),
                EVER.as_secs()
            );
            next += SAID_EVERY;
        }
        for started in &mut *needed {
            if let Some(status) = started.child.try_wait()? {
                let log = layout.log(started.name);
                bail!(
                    "{} ended, {status}:\n{}\nall of it: {}",
                    started.name,
                    tail(&log),
                    log.display()
                );
            }
        }
        if began.elapsed() > EVER {
            let last = needed.last().map(|started| layout.log(started.name));
            let said = last.as_deref().map(tail).unwrap_or_default();
            bail!(
                "{what}: not within {} s:\n{said}\nlogs: {}",
                EVER.as_secs(),
                layout.logs().display()
            );
        }
        sleep(TICK);
    }
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(10)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// Sends `signal` to each; one that has ended meanwhile is fine.
pub(crate) fn signal(signal: &str, pids: &[u32]) {
    for pid in pids {
        // The shell's own kill: the program is not everywhere.
        let _ = Cmd::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).read();
    }
}

/// Asks the processes that `pids` returns to end, and kills those that do not.
pub(crate) fn stop(patience: Duration, pids: impl Fn() -> Vec<u32>) -> Result<()> {
    signal("TERM", &pids());
    if !gone_within(patience, &pids) {
        signal("KILL", &pids());
        if !gone_within(Duration::from_secs(10), &pids) {
            bail!("processes {:?} do not end, even when killed; see ps", pids());
        }
    }
    Ok(())
}

fn gone_within(patience: Duration, pids: &impl Fn() -> Vec<u32>) -> bool {
    let began = Instant::now();
    while !pids().is_empty() {
        if began.elapsed() > patience {
            return false;
        }
        sleep(TICK);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::time::Duration;

    use super::{runs, stop, tail};
    use crate::layout::Layout;

    #[test]
    fn what_does_not_listen_is_killed() {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' TERM; while :; do sleep 0.05; done"])
            .spawn()
            .expect("sh runs");
        let id = child.id();
        // A child that has ended stays in the table until somebody waits for it.
        let alive = || {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") { vec![] } else { vec![id] }
        };
        stop(Duration::from_millis(300), alive).expect("ends");
        assert!(!child.wait().expect("ended").success());
    }

    #[test]
    fn a_number_that_belongs_to_somebody_else_is_no_component() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let layout = Layout::at(dir.path());
        assert!(!runs(&layout, "etcd", &[7]));
        fs::create_dir_all(layout.of("pids")).expect("made");
        fs::write(layout.of("pids/etcd"), "7").expect("written");
        assert!(runs(&layout, "etcd", &[6, 7]));
        assert!(!runs(&layout, "etcd", &[6, 77]));
    }

    #[test]
    fn the_end_of_a_log_is_shown() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log = dir.path().join("x.log");
        let lines: Vec<_> = (0..20).map(|n| n.to_string()).collect();
        fs::write(&log, lines.join("\n")).expect("written");
        assert!(tail(&log).starts_with("    10\n") && tail(&log).ends_with("    19"));
        assert_eq!(tail(&dir.path().join("missing")), "");
    }
}
