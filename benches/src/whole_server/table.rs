//! The table of all whole servers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::client::Protocol;
use super::count::per_request;
use super::variants::servers;
use crate::instructions::Program;

/// What the columns show: a heading, the protocol and the number of connections.
const COLUMNS: [(&str, Protocol, usize); 3] = [
    ("HTTP/1", Protocol::Http1, 1),
    ("HTTP/2", Protocol::Http2, 1),
    ("HTTP/1, 32 connections", Protocol::Http1, 32),
];

/// Counts a request to each of the servers whose names contain `part`, and to those that they are
/// compared with, and returns the table in Markdown.
///
/// # Errors
///
/// Returns an error if one of them cannot be counted.
pub fn table(
    program: Program<'_>,
    part: &str,
    mut progress: impl FnMut(&str),
) -> Result<String, String> {
    let all = servers();
    let wanted: Vec<_> = all.iter().filter(|server| server.name.contains(part)).collect();
    let servers: Vec<_> = all
        .iter()
        .filter(|server| {
            wanted.iter().any(|other| other.name == server.name || other.over == server.name)
        })
        .collect();
    let mut text = String::new();
    let headings: Vec<_> = COLUMNS.iter().map(|(heading, ..)| format!("{heading} | ")).collect();
    let headings = headings.join("of its baseline | ");
    let _ = writeln!(text, "| Server | {headings}of its baseline |");
    let _ = writeln!(text, "|---|{}", "---|---|".repeat(COLUMNS.len()));
    let mut counts = BTreeMap::new();
    // The baselines stand first in their group, except that one server is even before the first.
    let mut order = servers.clone();
    order.sort_by_key(|server| server.name != server.over);
    for server in order {
        for (column, (heading, protocol, connections)) in COLUMNS.into_iter().enumerate() {
            progress(&format!("{}: {heading}", server.name));
            let count = per_request(program, server.name, protocol, connections)?;
            counts.insert((server.name, column), count);
        }
    }
    for server in servers {
        let cells = (0..COLUMNS.len()).map(|column| {
            let count = counts[&(server.name, column)];
            let base = counts[&(server.over, column)];
            format!(" {count:.0} | {:.3} |", count / base)
        });
        let _ = writeln!(text, "| {} |{}", server.name, cells.collect::<String>());
    }
    Ok(text)
}
