//! Prints the instructions of one request for each of the whole servers.
//!
//! `whole_server [NAME]` measures all servers, or those whose names contain NAME and those that they
//! are compared with.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use sre_kit_benches::whole_server::{Protocol, Server, available, per_request, servers};

/// What the columns show: a heading, the protocol and the number of connections.
const COLUMNS: [(&str, Protocol, usize); 3] = [
    ("HTTP/1", Protocol::Http1, 1),
    ("HTTP/2", Protocol::Http2, 1),
    ("HTTP/1, 32 connections", Protocol::Http1, 32),
];

fn main() -> ExitCode {
    if !available() {
        eprintln!("Valgrind is not installed; it counts the instructions");
        return ExitCode::FAILURE;
    }
    let this = std::env::current_exe().expect("has a path");
    let binary = this.with_file_name("server");
    if !binary.is_file() {
        eprintln!("build it first: cargo build --release -p sre-kit-benches --bin server");
        return ExitCode::FAILURE;
    }
    let part = std::env::args().nth(1).unwrap_or_default();
    let all = servers();
    let wanted: Vec<_> = all.iter().filter(|server| server.name.contains(&part)).collect();
    let shown = all.iter().filter(|server| {
        wanted.iter().any(|other| other.name == server.name || other.over == server.name)
    });
    match print(&binary, &shown.copied().collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

fn print(binary: &Path, servers: &[Server]) -> Result<(), String> {
    let headings: Vec<_> = COLUMNS.iter().map(|(heading, ..)| format!("{heading} | ")).collect();
    println!("| Server | {}", headings.join("of its baseline | ") + "of its baseline |");
    println!("|---|{}", "---|---|".repeat(COLUMNS.len()));
    let mut counts = BTreeMap::new();
    // The baselines stand first in their group, except that one server is even before the first.
    let mut order: Vec<_> = servers.iter().collect();
    order.sort_by_key(|server| server.name != server.over);
    for server in order {
        for (column, (_, protocol, connections)) in COLUMNS.into_iter().enumerate() {
            eprintln!("{}: {}", server.name, COLUMNS[column].0);
            let count = per_request(binary, server.name, protocol, connections)?;
            counts.insert((server.name, column), count);
        }
    }
    for server in servers {
        let cells = (0..COLUMNS.len()).map(|column| {
            let count = counts[&(server.name, column)];
            let base = counts[&(server.over, column)];
            format!(" {count:.0} | {:.3} |", count / base)
        });
        println!("| {} |{}", server.name, cells.collect::<String>());
    }
    Ok(())
}
