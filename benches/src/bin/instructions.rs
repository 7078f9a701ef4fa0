//! Serves requests with one variant, or encodes scrapes, while callgrind counts.
//!
//! `instructions VARIANT serve|abandon REQUESTS`, or `instructions LIBRARY encode SCRAPES`.
//! Run it twice, for N and 2 N, under
//!
//! ```text
//! valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*::serve' ...
//! ```
//!
//! The difference of the two counts divided by N is the cost of one request. Subtract the cost of
//! `bare` to get the layer's.

use std::process::ExitCode;

use sre_kit_benches::scrape::{LabelSets, libraries};
use sre_kit_benches::{Mix, variants};

/// The number of scraped histograms.
const SETS: usize = 1_000;

/// The number of requests in a batch. The count includes freeing them, and with a thousand at once
/// the allocator's cost differs between variants.
const BATCH: usize = 50;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (variant, what, requests) = (args.next(), args.next(), args.next());
    let requests = requests.as_deref().and_then(|n| n.parse().ok());
    if what.as_deref() == Some("encode") {
        return scrape(variant.as_deref(), requests);
    }
    let variant = variant.as_deref().and_then(variants::named);
    let (Some(variant), Some(what), Some(requests)) = (variant, what.as_deref(), requests) else {
        return ExitCode::from(2);
    };
    let mut worker = variant.worker(Mix::Hot);
    // Creates the series.
    worker.prepare(BATCH);
    worker.serve();
    for _ in 0..requests / BATCH {
        worker.prepare(BATCH);
        match what {
            "serve" => worker.serve(),
            "abandon" => worker.abandon(),
            _ => return ExitCode::from(2),
        }
    }
    ExitCode::SUCCESS
}

fn scrape(library: Option<&str>, times: Option<usize>) -> ExitCode {
    let mut all = libraries(&LabelSets::new(SETS));
    let found = all.iter_mut().find(|(name, _)| Some(*name) == library);
    let (Some((_, library)), Some(times)) = (found, times) else { return ExitCode::from(2) };
    library.observe_all();
    for _ in 0..times {
        library.encode();
    }
    ExitCode::SUCCESS
}
