//! The instruction counts that a change must not raise.
//!
//! A shared machine's time is noise; a count repeats. `counts.tsv` holds the count of each path, and
//! the binary `counts` fails if one of them is more than [`TOLERANCE`] away from it. A count that
//! fell fails as well: the table has to be written anew, so that the next rise is seen.

use std::fmt::Write as _;
use std::process::Command;

use crate::instructions::{self, Counted, Program};
use crate::whole_server::{self, Protocol};

/// The share by which a count may differ from the table. A request more or less in a batch of the
/// kernel's events changes the count of a whole server by less.
pub const TOLERANCE: f64 = 0.02;

/// The first argument of the process that serves requests in a loop.
pub const REQUESTS: &str = "requests";

/// The first argument of the process that serves over loopback.
pub const SERVER: &str = "server";

/// One path whose instructions are counted.
#[derive(Clone, Copy, Debug)]
pub struct CountedPath {
    /// Its name in the table.
    pub name: &'static str,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// One request with a variant, above that of its baseline.
    Request { variant: &'static str, over: &'static str },
    /// One request that is dropped before its future is polled.
    Abandoned { variant: &'static str, over: &'static str },
    /// One scrape of a thousand histograms.
    Scrape,
    /// One request to a whole server.
    Server { name: &'static str, protocol: Protocol },
}

/// Returns the paths, in the order of the table.
pub fn paths() -> Vec<CountedPath> {
    let path = |name, what| CountedPath { name, what };
    let over_bare = |variant| What::Request { variant, over: "bare" };
    let server = |name| What::Server { name, protocol: Protocol::Http1 };
    vec![
        path("layer, route from an extension", over_bare("sre-kit")),
        path("layer, route from a table", over_bare("sre-kit-table")),
        path(
            "layer, request dropped before its first poll",
            What::Abandoned { variant: "sre-kit", over: "bare" },
        ),
        path("layer in axum", What::Request { variant: "axum-sre-kit", over: "axum-bare" }),
        path("layer with traces, none sampled", over_bare("sre-kit, traces 0 %")),
        path("admission, fixed limit", over_bare("admission, fixed")),
        path("admission, adaptive limit", over_bare("admission, gradient")),
        path("scrape of 1 000 histograms", What::Scrape),
        path("server", server("sre-kit's server")),
        path("server and layer", server("sre-kit's server and layer")),
        path(
            "server, layer, two SLOs and admission",
            server("sre-kit's server, layer, two SLOs and admission"),
        ),
        path(
            "axum on the server, layer and two SLOs",
            server("axum on sre-kit's server, layer and two SLOs"),
        ),
        path(
            "server, HTTP/2",
            What::Server { name: "sre-kit's server", protocol: Protocol::Http2 },
        ),
    ]
}

impl CountedPath {
    /// Counts the instructions with `program`, which has to take [`REQUESTS`] and [`SERVER`] as its
    /// first argument.
    ///
    /// # Errors
    ///
    /// Returns an error if Valgrind or `program` fails.
    pub fn count(&self, program: Program<'_>) -> Counted {
        let requests = Program { arguments: &[REQUESTS], ..program };
        match self.what {
            What::Request { variant, over } => above(requests, variant, over, "serve"),
            What::Abandoned { variant, over } => above(requests, variant, over, "abandon"),
            What::Scrape => instructions::per_scrape(requests, "sre-kit"),
            What::Server { name, protocol } => {
                let server = Program { arguments: &[SERVER], ..program };
                whole_server::per_request(server, name, protocol, 1)
            }
        }
    }
}

fn above(program: Program<'_>, variant: &str, over: &str, what: &str) -> Counted {
    let count = instructions::per_request(program, variant, what)?;
    Ok(count - instructions::per_request(program, over, what)?)
}

/// The counts of all paths, and what they were counted with.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The compiler and the architecture. The counts of another one differ.
    pub built_with: String,
    counts: Vec<(String, f64)>,
}

impl Table {
    /// Counts all paths.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them cannot be counted.
    pub fn count(program: Program<'_>, mut progress: impl FnMut(&str)) -> Result<Self, String> {
        let mut counts = Vec::new();
        for path in paths() {
            progress(path.name);
            counts.push((path.name.to_owned(), path.count(program)?));
        }
        Ok(Self { built_with: built_with(), counts })
    }

    /// Reads a table that [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    ///
    /// Returns an error that names the line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let built_with = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
        let counts = lines
            .map(|line| {
                let (name, count) = line.split_once('\t').ok_or_else(|| format!("{line:?}"))?;
                let count = count.parse().map_err(|_| format!("{line:?} ends with no number"))?;
                Ok((name.to_owned(), count))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { built_with: built_with.to_owned(), counts })
    }

    /// Writes the table: the compiler, then a line for each path.
    pub fn to_text(&self) -> String {
        let mut text = format!("# {}\n", self.built_with);
        for (name, count) in &self.counts {
            let _ = writeln!(text, "{name}\t{count:.0}");
        }
        text
    }

    /// Returns a line for each path, and whether all counts are those of `kept`.
    pub fn compare(&self, kept: &Self) -> (String, bool) {
        let mut all_kept = true;
        let mut text = String::new();
        for (name, count) in &self.counts {
            let before = kept.counts.iter().find(|(known, _)| known == name);
            let (line, is_kept) = match before {
                None => ("is not in the table".to_owned(), false),
                Some((_, before)) => {
                    let change = count / before - 1.0;
                    let line = format!("{before:.0} in the table, {:+.1} %", change * 100.0);
                    (line, change.abs() <= TOLERANCE)
                }
            };
            all_kept &= is_kept;
            let mark = if is_kept { ' ' } else { '!' };
            let _ = writeln!(text, "{mark} {name}: {count:.0} ({line})");
        }
        for (name, _) in &kept.counts {
            if !self.counts.iter().any(|(known, _)| known == name) {
                all_kept = false;
                let _ = writeln!(text, "! {name}: in the table, and counted no more");
            }
        }
        (text, all_kept)
    }
}

/// Returns the compiler and the architecture that this binary was built with.
fn built_with() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    // Without the hash and the date.
    let version = version.unwrap_or_default();
    let version = version.split(" (").next().unwrap_or_default().trim();
    format!("{version}, {}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::{Table, paths};
    use crate::variants;
    use crate::whole_server::servers;

    fn table(counts: &[(&str, f64)]) -> Table {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Table { built_with: "rustc 1.0.0, z80".to_owned(), counts }
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let table = table(&[("a, b", 966.0), ("c", 11_451.0)]);
        assert_eq!(Table::parse(&table.to_text()), Ok(table));
        assert!(Table::parse("# rustc\nfast\t1 000\n").is_err());
    }

    #[test]
    fn a_count_that_rose_or_fell_or_is_new_or_gone_is_named() {
        let kept = table(&[("same", 1_000.0), ("rose", 1_000.0), ("fell", 1_000.0), ("gone", 1.0)]);
        let now = table(&[("same", 1_019.0), ("rose", 1_021.0), ("fell", 979.0), ("new", 1.0)]);
        let (text, all_kept) = now.compare(&kept);
        assert!(!all_kept);
        let marked: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("! ")?.split_once(':')).collect();
        let marked: Vec<_> = marked.iter().map(|(name, _)| *name).collect();
        assert_eq!(marked, ["rose", "fell", "new", "gone"]);
        assert!(now.compare(&now).1);
    }

    #[test]
    fn the_kept_table_has_every_path_and_each_path_exists() {
        let kept = Table::parse(include_str!("../counts.tsv")).expect("readable");
        let names: Vec<_> = kept.counts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, paths().iter().map(|path| path.name).collect::<Vec<_>>());
        for path in paths() {
            match path.what {
                super::What::Request { variant, over }
                | super::What::Abandoned { variant, over } => {
                    assert!(variants::named(variant).is_some() && variants::named(over).is_some());
                }
                super::What::Server { name, .. } => {
                    assert!(servers().iter().any(|server| server.name == name), "{name}");
                }
                super::What::Scrape => {}
            }
        }
    }
}
