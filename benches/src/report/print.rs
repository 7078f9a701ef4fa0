//! The results as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Report;
use crate::alternate::{self, Cost};
use crate::machine;
use crate::ratio::{HEAD, Ratio};
use crate::threads::Distance;
use crate::variants::Variant;

impl Report {
    /// Returns the tables in Markdown.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let heading = machine::heading(&self.begun, &machine::load_average(), self.effort.name);
        let _ = writeln!(out, "{heading}\n");
        let _ = writeln!(out, "{HEAD}");
        for ratio in &self.ratios {
            let _ = writeln!(out, "{}", ratio.row());
        }
        let _ = writeln!(
            out,
            "\n| variant | base ns | over base ns, median [min..max] | mixed, over base | \
             two threads, near (n) | far (n) | unclear (n) | speed-up | allocations | instructions |\n\
             |---|---|---|---|---|---|---|---|---|---|"
        );
        for variant in &self.variants {
            self.row(&mut out, variant);
        }
        let _ = writeln!(
            out,
            "\n| library, 10 000 histograms | scrape, best, us | bytes | B per label set, one thread | \
             two threads | allocations per scrape |\n|---|---|---|---|---|---|"
        );
        for (name, time, bytes) in &self.scrapes {
            let of = &self.allocations["libraries"][name];
            let _ = writeln!(
                out,
                "| {name} | {time:.0} | {bytes} | {:.0} | {:.0} | {} |",
                of["bytes_per_set"].as_f64().unwrap_or(f64::NAN),
                of["bytes_per_set_with_two_threads"].as_f64().unwrap_or(f64::NAN),
                of["allocations_per_scrape"],
            );
        }
        out
    }

    fn row(&self, out: &mut String, variant: &Variant) {
        let name = variant.name;
        let Some(rounds) = self.hot.get(name) else { return };
        let mut overs: Vec<_> = rounds.iter().map(|cost| cost.over()).collect();
        overs.sort_by(f64::total_cmp);
        let mixed = self.mixed.get(name).map(|rounds| alternate::median(rounds.clone()).over());
        let shared = |distance| {
            let rounds = self.shared.get(name).map_or(&[][..], |rounds| rounds);
            let n = rounds.iter().filter(|round| round.distance == distance).count();
            self.shared_over(name, Some(distance))
                .map_or_else(|| "-".to_owned(), |cost| format!("{:.0} ({n})", cost.over()))
        };
        let show = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            out,
            "| {name} | {:.0} | **{:.0}** [{:.0}..{:.0}] | {} | {} | {} | {} | {} | {} | {} |",
            alternate::median(rounds.clone()).base,
            overs[overs.len() / 2],
            overs[0],
            overs[overs.len() - 1],
            show(mixed, 0),
            shared(Distance::Near),
            shared(Distance::Far),
            shared(Distance::Unclear),
            show(self.speed_up(name), 2),
            show(self.allocations["requests"][name]["allocations"].as_f64(), 2),
            show(self.instructions.get(name).copied(), 0),
        );
    }

    /// Returns all results as JSON, including the raw figures.
    pub fn json(&self) -> String {
        let ratios: Vec<_> = self.ratios.iter().map(Ratio::json).collect();
        let variants: Vec<_> = self.variants.iter().map(|variant| self.raw(variant)).collect();
        let scrapes: Vec<_> = self
            .scrapes
            .iter()
            .map(|(name, time, bytes)| json!({ "library": name, "us": time, "bytes": bytes }))
            .collect();
        let report = json!({
            "machine": self.begun,
            "load_average_after": machine::load_average(),
            "effort": self.effort.name,
            "ratios": ratios,
            "variants": variants,
            "scrapes": scrapes,
            "scrape_instructions": self.scrape_instructions,
            "slo": self.slo.map(|slo| json!({
                "event_ns": slo.event,
                "tick_ns": slo.tick,
                "windows_ns": slo.windows,
                "generate_ms": slo.generate_ms,
                "bytes": self.allocations["bytes_per_slo"],
            })),
            "probe_ns": self.probe,
            "libraries": self.allocations["libraries"],
            "database": self.database,
        });
        format!("{report:#}\n")
    }

    fn raw(&self, variant: &Variant) -> Value {
        let costs = |rounds: Option<&Vec<Cost>>| -> Vec<Value> {
            let rounds = rounds.map_or(&[][..], |rounds| rounds);
            rounds.iter().map(|cost| json!({ "base": cost.base, "whole": cost.whole })).collect()
        };
        let shared: Vec<_> = self
            .shared
            .get(variant.name)
            .map_or(&[][..], |rounds| rounds)
            .iter()
            .map(|round| {
                json!({
                    "base": round.cost.base,
                    "whole": round.cost.whole,
                    "distance": round.distance.as_str(),
                    "ping_pong": round.ping_pong,
                })
            })
            .collect();
        json!({
            "name": variant.name,
            "baseline": variant.group.baseline(),
            "records": variant.records,
            "one_thread_hot_ns": costs(self.hot.get(variant.name)),
            "one_thread_mixed_ns": costs(self.mixed.get(variant.name)),
            "two_threads_ns": shared,
            "allocations": self.allocations["requests"][variant.name],
            "instructions": self.instructions.get(variant.name),
        })
    }
}
