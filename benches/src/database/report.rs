//! The results as ratios, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::paths::CONNECTIONS;
use super::server::Path;
use super::wrapper::Wrapped;
use super::{Measured, Rounds, median};
use crate::alternate::{self, Cost};
use crate::machine;
use crate::ratio::{Goal, HEAD, Ratio};

/// The bound for opening a connection, in milliseconds. sqlx 0.9.0 takes 90, because it waits for
/// delayed acknowledgements (launchbadge/sqlx#4335); the bound detects the same bug in ours.
const CONNECT: f64 = 15.0;

/// The bound for what the bridge's two additional hops add to a round trip, in microseconds.
const HOPS: f64 = 60.0;

/// The names of the paths in every table.
const BY_SOCKET: &str = "a row by its key, by socket, 10th percentile";

impl Wrapped {
    fn each(&self) -> [(&'static str, &[Cost]); 2] {
        [("`Db`, metrics", &self.metrics), ("`Db`, metrics and a span", &self.span)]
    }
}

fn middle(rounds: &[Cost]) -> Option<Cost> {
    (!rounds.is_empty()).then(|| alternate::median(rounds.to_vec()))
}

impl Measured {
    /// Returns the ratios to report.
    pub fn ratios(&self) -> Vec<Ratio> {
        let mut ratios = Vec::new();
        let mut add = |name: &str, ours: (&str, f64), peer: (&str, f64), unit: &str, goal| {
            let (ours, peer) = ((ours.0.to_owned(), ours.1), (peer.0.to_owned(), peer.1));
            ratios.push(Ratio { name: name.to_owned(), ours, peer, unit: unit.to_owned(), goal });
        };
        let of = |figures: &BTreeMap<Path, Rounds>, path: Path| {
            (path.as_str(), figures.get(&path).map_or(f64::NAN, |rounds| median(rounds)))
        };
        let bound = |bound| ("the bound", bound);
        let one = Some(Goal::AtMost(1.0));
        let connect = |path| of(&self.connect, path);
        let name = "a connection, p50";
        add(name, connect(Path::Bridge), connect(Path::Direct), "ms", one);
        add(name, connect(Path::Bridge), connect(Path::PlainDirect), "ms", None);
        add(name, connect(Path::PlainBridge), connect(Path::PlainDirect), "ms", None);
        add(name, connect(Path::Bridge), bound(CONNECT), "ms", one);
        let select = |path| of(&self.select, path);
        let name = "`SELECT 1`, p50";
        add(name, select(Path::Bridge), select(Path::Direct), "us", None);
        add(name, select(Path::Bridge), select(Path::PlainDirect), "us", None);
        add(name, select(Path::PlainBridge), select(Path::PlainDirect), "us", None);
        let hops = select(Path::Bridge).1 - select(Path::Direct).1;
        add("what the bridge adds to a round trip", ("bridge, TLS", hops), bound(HOPS), "us", one);
        let rate = |path| of(&self.throughput, path);
        let name = format!("`SELECT 1` per second, {CONNECTIONS} connections");
        add(&name, rate(Path::Bridge), rate(Path::Direct), "", None);
        add(&name, rate(Path::Bridge), rate(Path::PlainDirect), "", None);
        add(&name, rate(Path::PlainBridge), rate(Path::PlainDirect), "", None);
        let [ours, peer] = self.pools.each_ref().map(|rounds| median(rounds));
        let peer = ("sea-orm as it comes, TLS", peer);
        add("a row by its key, of a pool, p50", ("`Db`, bridge, TLS", ours), peer, "us", None);
        for (ours, rounds) in self.wrapped.each() {
            let Some(Cost { base, whole }) = middle(rounds) else { continue };
            add(BY_SOCKET, (ours, whole), ("sea-orm, same pool", base), "us", None);
        }
        ratios
    }

    /// Returns each result with its name, unit and rounds.
    fn figures(&self) -> Vec<(&'static str, &'static str, &'static str, Rounds)> {
        let mut figures = Vec::new();
        for (name, unit, paths) in [
            ("a connection, p50", "ms", &self.connect),
            ("`SELECT 1`, p50", "us", &self.select),
            ("`SELECT 1`, 8 connections", "per second", &self.throughput),
        ] {
            for (path, rounds) in paths {
                figures.push((name, path.as_str(), unit, rounds.clone()));
            }
        }
        for (of, rounds) in
            ["`Db`, bridge, TLS", "sea-orm as it comes, TLS"].iter().zip(&self.pools)
        {
            figures.push(("a row by its key, of a pool, p50", of, "us", rounds.clone()));
        }
        for (of, rounds) in self.wrapped.each() {
            let base = rounds.iter().map(|cost| cost.base).collect();
            figures.push((BY_SOCKET, "sea-orm, same pool", "us", base));
            let added = rounds.iter().map(|cost| cost.over() * 1e3).collect();
            figures.push(("added to a statement", of, "ns", added));
        }
        figures
    }

    /// Returns the tables in Markdown.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let heading = machine::heading(&self.begun, &self.ended, self.effort.name);
        let _ = writeln!(out, "{heading}\n\n{HEAD}");
        for ratio in self.ratios() {
            let _ = writeln!(out, "{}", ratio.row());
        }
        let _ = writeln!(out, "\n| figure | of | median [min..max] of the rounds |\n|---|---|---|");
        for (name, of, unit, mut rounds) in self.figures() {
            rounds.sort_by(f64::total_cmp);
            let [least, most] = [rounds.first(), rounds.last()].map(|end| end.unwrap_or(&f64::NAN));
            let _ = writeln!(
                out,
                "| {name} | {of} | **{:.1}** [{least:.1}..{most:.1}] {unit} |",
                median(&rounds),
            );
        }
        out
    }

    /// Returns all results as JSON, including the raw figures.
    pub fn json(&self) -> Value {
        let ratios: Vec<_> = self.ratios().iter().map(Ratio::json).collect();
        let figures: Vec<_> = self
            .figures()
            .into_iter()
            .map(|(name, of, unit, rounds)| {
                json!({ "name": name, "of": of, "unit": unit, "rounds": rounds })
            })
            .collect();
        json!({
            "machine": self.begun,
            "load_average_after": self.ended,
            "effort": self.effort.name,
            "ratios": ratios,
            "figures": figures,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::server::Path;
    use super::super::wrapper::Wrapped;
    use super::super::{Effort, Measured};
    use crate::alternate::Cost;
    use crate::ratio::Ratio;

    fn measured() -> Measured {
        let of = |bridge: f64, direct: f64| {
            [
                (Path::Bridge, vec![bridge; 3]),
                (Path::Direct, vec![direct, direct, 10.0 * direct]),
                (Path::PlainBridge, vec![bridge; 3]),
                (Path::PlainDirect, vec![direct; 3]),
            ]
            .into()
        };
        let cost = Cost { base: 40.0, whole: 41.0 };
        Measured {
            effort: Effort::QUICK,
            begun: Value::Null,
            ended: String::new(),
            connect: of(4.0, 80.0),
            select: of(90.0, 50.0),
            throughput: of(20_000.0, 40_000.0),
            pools: [vec![150.0], vec![160.0]],
            wrapped: Wrapped { metrics: vec![cost], span: vec![cost] },
        }
    }

    #[test]
    fn ours_is_above_the_line_and_a_round_that_was_disturbed_does_not_count() {
        let ratios = measured().ratios();
        for Ratio { name, ours: (ours, _), .. } in &ratios {
            assert!(ours.contains("bridge") || ours.contains("`Db`"), "{name}: {ours}");
        }
        let value = |name: &str| {
            let found = ratios.iter().find(|ratio| ratio.name.starts_with(name));
            found.expect(name).value()
        };
        assert!((value("a connection") - 0.05).abs() < 1e-9);
        assert!((value("`SELECT 1`, p50") - 1.8).abs() < 1e-9);
        assert!((value("what the bridge adds") - 40.0 / 60.0).abs() < 1e-9);
        assert!((value("`SELECT 1` per second") - 0.5).abs() < 1e-9);
        assert!((value("a row by its key, by socket") - 41.0 / 40.0).abs() < 1e-9);
    }

    #[test]
    fn what_another_binary_reads_are_the_same_ratios() {
        let measured = measured();
        let json = measured.json();
        let read: Vec<_> = json["ratios"].as_array().expect("a list").iter().collect();
        let rows: Vec<_> =
            read.into_iter().map(|ratio| Ratio::from_json(ratio).expect("whole").row()).collect();
        let written: Vec<_> = measured.ratios().iter().map(Ratio::row).collect();
        assert_eq!(rows, written);
        assert!(written.iter().all(|row| measured.text().contains(row)));
        let added = &json["figures"].as_array().expect("a list").last().expect("some")["rounds"];
        assert_eq!(added[0], 1_000.0);
    }
}
