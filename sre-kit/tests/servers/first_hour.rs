//! Executes every block of `manual::first_hour`, in its order.
#![cfg(feature = "render")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What stands in a fence: a file that is written, or commands that are run.
#[derive(Debug)]
enum Block {
    File {
        path: String,
        text: String,
    },
    Commands(String),
    /// Commands that run in a terminal of their own, to the end of the hour.
    Terminal(String),
}

fn blocks() -> Vec<Block> {
    let page = include_str!("../../src/manual/first_hour.rs");
    let (mut blocks, mut open) = (Vec::new(), None::<String>);
    for line in page.lines() {
        let text = line.strip_prefix("//!").map(|text| text.strip_prefix(' ').unwrap_or(text));
        let fence = line.contains("doc = \"```no_run\"")
            || text.is_some_and(|text| text.starts_with("```"));
        match (&mut open, text) {
            (None, _) if fence => open = Some(String::new()),
            (Some(_), _) if fence => blocks.push(block(&open.take().unwrap_or_default())),
            (Some(block), Some(text)) => {
                block.push_str(text);
                block.push('\n');
            }
            _ => {}
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

fn block(text: &str) -> Block {
    let (first, rest) = text.split_once('\n').expect("a line");
    let first = first.trim_start_matches("// ").trim_start_matches("# ");
    if matches!(first, "src/main.rs" | "src/tests.rs" | "prometheus.yml") {
        Block::File { path: first.to_owned(), text: rest.to_owned() }
    } else if first.ends_with(" terminal") {
        Block::Terminal(rest.to_owned())
    } else {
        Block::Commands(text.to_owned())
    }
}

/// The commands of a terminal, in a process group of their own.
struct Terminal(Child);

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// Replaces the ports of the page by free ones, and takes the crate from this checkout.
fn here(text: &str, ports: &[(&str, String)]) -> String {
    let crate_path = env!("CARGO_MANIFEST_DIR");
    let text = text.replace("sre-kit --features", &format!("--path {crate_path} --features"));
    ports.iter().fold(text, |text, (port, free)| text.replace(*port, free))
}

/// A shell in `folder` that ends at the first error.
fn bash(folder: &Path, script: &str, admin: &str) -> Command {
    // In case that something never comes: the build is the longest.
    let mut bash = Command::new("timeout");
    bash.args(["1800", "bash", "-euo", "pipefail", "-c", script]);
    bash.current_dir(folder).stdin(Stdio::null());
    bash.env("SRE_KIT_ADMIN", admin).env("SRE_KIT_DRAIN_DELAY", "0");
    // The crates that the workspace has are enough. They are built once for all runs and for the
    // services of the template, without debug information.
    bash.env("CARGO_NET_OFFLINE", "true");
    bash.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"));
    bash.envs([("CARGO_PROFILE_DEV_DEBUG", "none"), ("CARGO_INCREMENTAL", "0")]);
    bash
}

#[test]
#[ignore = "needs curl, prometheus, prometheus-alertmanager and promtool; cargo xtask test --only servers"]
fn every_block_of_the_first_hour_works_and_the_page_fires() {
    use std::os::unix::process::CommandExt;

    let blocks = blocks();
    let count = |wanted: fn(&Block) -> bool| blocks.iter().filter(|block| wanted(block)).count();
    assert_eq!(count(|block| matches!(block, Block::File { .. })), 3, "{blocks:#?}");
    assert_eq!(count(|block| matches!(block, Block::Terminal(_))), 4, "{blocks:#?}");
    assert_eq!(count(|block| matches!(block, Block::Commands(_))), 5, "{blocks:#?}");

    // The kernel picks the ports. They are held until all are known, so that no two are equal.
    let held: Vec<_> = ["8080", "9464", "9093", "9090"]
        .map(|port| (port, TcpListener::bind("127.0.0.1:0").expect("a port is free")))
        .into();
    let port = |listener: &TcpListener| listener.local_addr().expect("bound").port().to_string();
    let ports: Vec<_> = held.iter().map(|(name, listener)| (*name, port(listener))).collect();
    drop(held);
    let admin = format!("127.0.0.1:{}", ports[1].1);

    let top = tempfile::tempdir().expect("a folder");
    let shop = top.path().join("shop");
    let mut terminals = Vec::new();
    for block in blocks {
        // The first block makes the folder that the others work in.
        let folder = if shop.exists() { &*shop } else { top.path() };
        match block {
            Block::File { path, text } => {
                std::fs::write(shop.join(path), here(&text, &ports)).expect("written");
            }
            Block::Commands(script) => {
                let script = here(&script, &ports);
                println!("{script}");
                let status = bash(folder, &script, &admin).status().expect("bash runs");
                assert!(status.success(), "{status}:\n{script}");
            }
            Block::Terminal(script) => {
                let mut terminal = bash(folder, &here(&script, &ports), &admin);
                let child = terminal.process_group(0).spawn().expect("bash runs");
                terminals.push(Terminal(child));
            }
        }
    }
    // The service in the first terminal ends by itself when it is asked to.
    let mut service = terminals.remove(0);
    let group = format!("-{}", service.0.id());
    let asked = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(asked.expect("kill runs").success());
    service.0.wait().expect("it ends");
}
