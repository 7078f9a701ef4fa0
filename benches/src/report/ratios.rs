//! The reported ratios, each with its goal.

use super::Report;
use crate::alternate::{self, Cost};
use crate::ratio::{Goal, Ratio};
use crate::slo::SloCosts;
use crate::threads::Distance;

/// The goal of figures that have a fixed bound.
const ONE: Option<Goal> = Some(Goal::AtMost(1.0));

impl Report {
    pub(super) fn over(&self, name: &str) -> Option<f64> {
        self.hot.get(name).map(|rounds| alternate::median(rounds.clone()).over())
    }

    /// Returns the median of the rounds with one distance of the processors, or of all rounds.
    pub(super) fn shared_over(
        &self,
        name: &'static str,
        distance: Option<Distance>,
    ) -> Option<Cost> {
        let rounds: Vec<_> = self
            .shared
            .get(name)?
            .iter()
            .filter(|round| distance.is_none_or(|wanted| round.distance == wanted))
            .map(|round| round.cost)
            .collect();
        (!rounds.is_empty()).then(|| alternate::median(rounds))
    }

    /// Returns the ratio of two threads' throughput to that of one.
    pub(super) fn speed_up(&self, name: &'static str) -> Option<f64> {
        let one = alternate::median(self.hot.get(name)?.clone()).whole;
        Some(2.0 * one / self.shared_over(name, None)?.whole)
    }

    pub(super) fn ratios(&self) -> Vec<Ratio> {
        use Goal::{AtLeast, AtMost};
        let mut ratios = Vec::new();
        let mut add = |name, ours: (&str, Option<f64>), peer: (&str, Option<f64>), unit, goal| {
            if let (Some(one), Some(other)) = (ours.1, peer.1) {
                let (ours, peer) = ((ours.0.to_owned(), one), (peer.0.to_owned(), other));
                let (name, unit) = (str::to_owned(name), str::to_owned(unit));
                ratios.push(Ratio { name, ours, peer, unit, goal });
            }
        };
        for (peer, goal) in [
            ("wrap-clock-std", Some(AtMost(2.6))),
            ("limit-body", None),
            ("limit-body-quanta", None),
            ("tikv", Some(AtMost(0.6))),
            ("prometheus-client", None),
            ("tower-otel", Some(AtMost(0.12))),
            ("opentelemetry-instrumentation-tower", None),
        ] {
            let ours = ("sre-kit", self.over("sre-kit"));
            add("time over the service alone", ours, (peer, self.over(peer)), "ns", goal);
        }
        let identity = self.over("axum-identity");
        let net = |name| Some(self.over(name)? - identity?);
        for (peer, goal) in [
            ("axum-prometheus", Some(AtMost(0.1))),
            ("axum-tower-otel", None),
            ("axum-opentelemetry-instrumentation-tower", None),
        ] {
            let ours = ("axum-sre-kit", net("axum-sre-kit"));
            add("time over axum with an empty layer", ours, (peer, net(peer)), "ns", goal);
        }
        let one = ("sre-kit, one thread", self.over("sre-kit"));
        for (distance, goal) in [(Distance::Near, 1.1), (Distance::Far, 1.2)] {
            let two = self.shared_over("sre-kit", Some(distance)).map(Cost::over);
            let ours = (format!("sre-kit, two threads, {}", distance.as_str()), two);
            let ours = (ours.0.as_str(), ours.1);
            add("cost of sharing", ours, one, "ns", Some(AtMost(goal)));
        }
        let speed = |name| (name, self.speed_up(name));
        add(
            "speed-up by two threads",
            speed("sre-kit"),
            ("one", Some(1.0)),
            "x",
            Some(AtLeast(1.9)),
        );
        let (ours, identity) = (speed("axum-sre-kit"), speed("axum-identity"));
        add("speed-up by two threads", ours, identity, "x", Some(AtLeast(0.95)));
        let scrape = |wanted: &str| {
            self.scrapes.iter().find(|(name, ..)| *name == wanted).map(|(_, time, _)| *time)
        };
        let ours = ("sre-kit", scrape("sre-kit"));
        for (peer, goal) in [("measured", 0.2), ("prometheus-client", 0.12)] {
            let goal = Some(AtMost(goal));
            add("scrape of 10 000 histograms", ours, (peer, scrape(peer)), "us", goal);
        }
        let count = |name| (name, self.scrape_instructions.get(name).copied());
        for (peer, goal) in [("measured", 0.2), ("prometheus-client", 0.12)] {
            let goal = Some(AtMost(goal));
            add("instructions of a scrape of 1 000", count("sre-kit"), count(peer), "", goal);
        }
        let bytes = |name: &str, of: &str| self.allocations["libraries"][name][of].as_f64();
        let two = "bytes_per_set_with_two_threads";
        let ours = ("sre-kit, two shards", bytes("sre-kit", two));
        for (peer, goal) in [("prometheus-client", Some(AtMost(0.7))), ("measured", None)] {
            add("memory of a histogram", ours, (peer, bytes(peer, two)), "B", goal);
        }
        let count = |name| (name, self.instructions.get(name).copied());
        add("instructions", count("sre-kit"), ("the bound", Some(700.0)), "", Some(AtMost(1.0)));
        for peer in ["limit-body", "tikv", "prometheus-client", "tower-otel"] {
            add("instructions", count("sre-kit"), count(peer), "", None);
        }
        for name in ["admission, fixed", "admission, gradient"] {
            let ours = (name, self.over(name));
            add("time over the service alone", ours, ("the bound", Some(50.0)), "ns", ONE);
        }
        for rate in ["0 %", "1 %", "100 %"] {
            let ours = format!("sre-kit, traces {rate}");
            let peers =
                [format!("TraceLayer, {rate}"), format!("instrumentation-tower, traces {rate}")];
            let peer = peers
                .iter()
                .filter_map(|peer| Some((peer.as_str(), self.over(peer)?)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            let goal = (rate == "0 %").then_some(AtMost(0.25));
            if let Some((peer, over)) = peer {
                let name = "time with traces, over the service alone";
                add(name, (ours.as_str(), self.over(&ours)), (peer, Some(over)), "ns", goal);
            }
        }
        for name in ["sre-kit", "admission, fixed", "admission, gradient", "sre-kit, traces 0 %"] {
            let count = self.allocations["requests"][name]["allocations"].as_f64();
            add("allocations", (name, count), ("one", Some(1.0)), "", Some(AtMost(0.0)));
        }
        let slo = |of: fn(SloCosts) -> f64| self.slo.map(of);
        let bytes = self.allocations["bytes_per_slo"].as_f64();
        for (name, ours, bound, unit) in [
            ("an event", slo(|slo| slo.event), 5.0, "ns"),
            ("a tick", slo(|slo| slo.tick), 100.0, "ns"),
            ("all eight windows", slo(|slo| slo.windows), 200.0, "ns"),
            ("the files of a hundred", slo(|slo| slo.generate_ms), 100.0, "ms"),
            ("memory", bytes.map(|bytes| bytes / 1_000.0), 40.0, "KB"),
        ] {
            add("an SLO", (name, ours), ("the bound", Some(bound)), unit, ONE);
        }
        let ours = ("readyz", self.probe);
        add("a probe", ours, ("the bound", Some(5_000.0)), "ns", ONE);
        let database = self.database["ratios"].as_array();
        ratios.extend(database.into_iter().flatten().filter_map(Ratio::from_json));
        ratios
    }
}
