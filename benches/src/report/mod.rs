//! Runs all measurements and computes the ratios between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

mod database;
mod print;
mod ratios;

use crate::alternate::{self, Cost, percentile};
use crate::counts::REQUESTS;
use crate::instructions::{self, Program};
use crate::ratio::Ratio;
use crate::request::Mix;
use crate::scrape::{LIBRARIES, LabelSets, libraries};
use crate::slo::{self, SloCosts};
use crate::threads::{self, Shared};
use crate::variants::{self, Group, Variant};
use crate::{machine, probe};

/// The number of rounds of the measurements.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    name: &'static str,
    /// The flag for the other binaries.
    flag: &'static str,
    rounds: usize,
    mixed_rounds: usize,
    thread_rounds: usize,
    pairs: usize,
    scrapes: usize,
}

impl Effort {
    /// A quick run, which takes half a minute plus callgrind.
    pub const QUICK: Self = Self {
        name: "quick",
        flag: "--quick",
        rounds: 3,
        mixed_rounds: 1,
        thread_rounds: 2,
        pairs: 300,
        scrapes: 3,
    };
    /// A full run, which takes several minutes.
    pub const FULL: Self = Self {
        name: "full",
        flag: "--full",
        rounds: 9,
        mixed_rounds: 5,
        thread_rounds: 7,
        pairs: 1_500,
        scrapes: 9,
    };
}

/// The results so far.
pub struct Report {
    effort: Effort,
    variants: Vec<Variant>,
    begun: Value,
    hot: BTreeMap<&'static str, Vec<Cost>>,
    mixed: BTreeMap<&'static str, Vec<Cost>>,
    shared: BTreeMap<&'static str, Vec<Shared>>,
    instructions: BTreeMap<&'static str, f64>,
    allocations: Value,
    database: Value,
    scrapes: Vec<(&'static str, f64, usize)>,
    scrape_instructions: BTreeMap<&'static str, f64>,
    slo: Option<SloCosts>,
    probe: Option<f64>,
    ratios: Vec<Ratio>,
}

impl Report {
    /// Creates a report without results.
    pub fn new(effort: Effort) -> Self {
        Self {
            effort,
            variants: variants::all(),
            begun: machine::describe(),
            hot: BTreeMap::new(),
            mixed: BTreeMap::new(),
            shared: BTreeMap::new(),
            instructions: BTreeMap::new(),
            allocations: Value::Null,
            database: Value::Null,
            scrapes: Vec::new(),
            scrape_instructions: BTreeMap::new(),
            slo: None,
            probe: None,
            ratios: Vec::new(),
        }
    }

    fn base(&self, group: Group) -> &Variant {
        let base = self.variants.iter().find(|variant| variant.name == group.baseline());
        base.expect("every group has its baseline")
    }

    /// Adds the output of the binary `allocations`.
    pub fn allocations(&mut self, counted: Value) {
        self.allocations = counted;
    }

    /// Counts instructions, if Valgrind is installed.
    pub fn instructions(&mut self, counts: &Path) {
        if !instructions::available() {
            progress("valgrind is not installed: no instruction counts");
            return;
        }
        progress("counting instructions");
        let program = Program { path: counts, arguments: &[REQUESTS] };
        let count = |name| instructions::per_request(program, name, "serve");
        for group in [Group::Bare, Group::Axum] {
            let Ok(base) = count(group.baseline()) else { continue };
            for variant in self.variants.iter().filter(|variant| variant.group == group) {
                match count(variant.name) {
                    Ok(count) => {
                        self.instructions.insert(variant.name, count - base);
                    }
                    Err(err) => progress(&err),
                }
            }
        }
        for library in LIBRARIES {
            match instructions::per_scrape(program, library) {
                Ok(count) => {
                    self.scrape_instructions.insert(library, count);
                }
                Err(err) => progress(&err),
            }
        }
    }

    /// Measures the paths to a database, if PostgreSQL is installed.
    /// `build` builds the binary and returns its directory.
    pub fn database(&mut self, build: impl FnOnce() -> Option<PathBuf>) {
        if !database::available() {
            progress("PostgreSQL is not installed: nothing of the database");
            return;
        }
        let Some(bins) = build() else {
            progress("the database benchmarks could not be built");
            return;
        };
        match database::run(&bins.join("database"), self.effort.flag) {
            Ok(measured) => self.database = measured,
            Err(err) => progress(&err),
        }
    }

    /// Measures on one thread. Each round runs every variant, so that a slow minute affects all.
    pub fn one_thread(&mut self) {
        threads::pin(0);
        let Effort { rounds, mixed_rounds, pairs, .. } = self.effort;
        for (mix, rounds) in [(Mix::Hot, rounds), (Mix::Mixed, mixed_rounds)] {
            for round in 1..=rounds {
                progress(&format!("one thread, {mix:?}, round {round} of {rounds}"));
                let costs: Vec<_> = self
                    .variants
                    .iter()
                    .map(|variant| {
                        let base = self.base(variant.group);
                        (variant.name, alternate::round(base, variant, mix, pairs))
                    })
                    .collect();
                let into = if mix == Mix::Hot { &mut self.hot } else { &mut self.mixed };
                for (name, cost) in costs {
                    into.entry(name).or_default().push(cost);
                }
            }
        }
    }

    /// Measures two threads on one route.
    pub fn two_threads(&mut self) {
        // Uses the number from before this thread was pinned; a pinned thread sees one processor.
        if self.begun["cpus"].as_u64() < Some(2) {
            progress("only one processor: skipping two threads");
            return;
        }
        let Effort { thread_rounds, pairs, .. } = self.effort;
        for round in 1..=thread_rounds {
            progress(&format!("two threads, round {round} of {thread_rounds}"));
            for variant in &self.variants {
                let shared = threads::round(self.base(variant.group), variant, pairs / 2);
                self.shared.entry(variant.name).or_default().push(shared);
            }
        }
    }

    /// Measures scrapes of 10 000 histograms. The libraries alternate.
    pub fn scrape(&mut self) {
        progress("scraping 10 000 histograms");
        let mut libraries = libraries(&LabelSets::new(10_000));
        let mut times: Vec<_> = libraries.iter().map(|(name, _)| (*name, Vec::new(), 0)).collect();
        for _ in 0..=self.effort.scrapes {
            for ((_, library), (_, times, bytes)) in libraries.iter_mut().zip(&mut times) {
                library.observe_all();
                let start = Instant::now();
                *bytes = library.encode();
                times.push(start.elapsed().as_nanos() as f64 / 1_000.0);
            }
        }
        self.scrapes = times
            .into_iter()
            // The first scrape grows the buffers.
            .map(|(name, mut times, bytes)| (name, percentile(&mut times[1..], 0), bytes))
            .collect();
    }

    /// Measures SLOs and probes.
    pub fn parts(&mut self) {
        progress("SLOs and probes");
        self.slo = Some(slo::measure(self.effort.scrapes * 10));
        self.probe = Some(probe::measure(self.effort.scrapes * 10));
    }

    /// Computes the ratios.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.ratios = self.ratios();
        self
    }
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("effort", &self.effort).finish_non_exhaustive()
    }
}

#[allow(clippy::print_stderr)]
fn progress(what: &str) {
    eprintln!("{what}");
}
