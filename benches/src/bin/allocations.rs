//! Counts the allocations per request of each variant, and per scrape and label set of each
//! library. Prints JSON.
//!
//! This is a separate binary, because its counting allocator would slow the others down.

use allocation_counter::{AllocationInfo, measure};
use serde_json::{Map, Value, json};
use sre_kit_benches::scrape::{LabelSets, Library, Measured, PrometheusClient, SreKit};
use sre_kit_benches::{Mix, Variant, slo, variants};

/// The number of counted requests.
const REQUESTS: usize = 1_000;
/// The number of label sets.
const SETS: usize = 10_000;

fn main() {
    let all = variants::all();
    let counts: Map<String, Value> = all
        .iter()
        .map(|variant| {
            let info = of_requests(variant);
            let base = all.iter().find(|base| base.name == variant.group.baseline());
            let base = base.map(of_requests).unwrap_or_default();
            let over = |ours: u64, theirs: u64| (ours as f64 - theirs as f64) / REQUESTS as f64;
            let count = over(info.count_total, base.count_total);
            let bytes = over(info.bytes_total, base.bytes_total);
            (variant.name.to_owned(), json!({ "allocations": count, "bytes": bytes }))
        })
        .collect();
    let sets = LabelSets::new(SETS);
    let libraries = json!({
        "sre-kit": of_library(&sets, SreKit::new),
        "measured": of_library(&sets, Measured::new),
        "prometheus-client": of_library(&sets, PrometheusClient::new),
    });
    #[allow(clippy::print_stdout)]
    {
        println!(
            "{}",
            json!({ "requests": counts, "libraries": libraries, "bytes_per_slo": of_slos() })
        );
    }
}

fn of_requests(variant: &Variant) -> AllocationInfo {
    let mut worker = variant.worker(Mix::Hot);
    worker.prepare(REQUESTS);
    worker.serve();
    worker.prepare(REQUESTS);
    measure(|| worker.serve())
}

/// Returns the live bytes per SLO, including its counters and its share of the definitions.
fn of_slos() -> f64 {
    let mut held = None;
    let made = measure(|| {
        let slos = slo::slos();
        let (budgets, _) = held.insert(slo::budgets(&slos));
        budgets.tick();
    });
    made.bytes_current as f64 / slo::SLOS as f64
}

/// Returns the live bytes per label set after observations by one and by two threads, and the
/// allocations of the second scrape.
fn of_library<L: Library + Send + Sync>(sets: &LabelSets, new: impl Fn(&LabelSets) -> L) -> Value {
    let mut library = None;
    let made = measure(|| {
        let new = library.insert(new(sets));
        new.observe_all();
    });
    let Some(mut library) = library else { return Value::Null };
    // Counts allocations per thread.
    let second = std::thread::scope(|scope| {
        let other = scope.spawn(|| measure(|| library.observe_all()).bytes_current);
        other.join().unwrap_or(0)
    });
    library.encode();
    library.observe_all();
    let scrape = measure(|| {
        library.encode();
    });
    let per_set = |bytes: i64| bytes as f64 / SETS as f64;
    json!({
        "bytes_per_set": per_set(made.bytes_current),
        "bytes_per_set_with_two_threads": per_set(made.bytes_current + second),
        "allocations_per_scrape": scrape.count_total,
        "peak_bytes_per_scrape": scrape.bytes_max,
    })
}
