//! The cost of PostgreSQL through the bridge, compared with sqlx alone.
//!
//! The benchmark starts a server with TLS on this machine and uses four paths to it: sqlx and the
//! bridge, each with and without TLS. All log in by the same method (SCRAM) and alternate within
//! every round, so that ratios compare the paths only.

mod paths;
mod pools;
mod report;
mod server;
mod wrapper;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::machine;
use server::Bed;
use server::Path;
use wrapper::Wrapped;

/// The reason why a measurement failed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The number and length of the measurements.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    name: &'static str,
    rounds: usize,
    /// The connections per path and round.
    connects: usize,
    /// The blocks of queries per path and round.
    blocks: usize,
    /// The time that each path is under load per round.
    slice: Duration,
    /// The queries with and without the wrapper per round.
    pairs: usize,
}

impl Effort {
    /// A quick run, which takes 15 seconds.
    pub const QUICK: Self = Self {
        name: "quick",
        rounds: 3,
        connects: 10,
        blocks: 20,
        slice: Duration::from_millis(300),
        pairs: 3_000,
    };
    /// A full run, which takes two minutes.
    pub const FULL: Self = Self {
        name: "full",
        rounds: 9,
        connects: 30,
        blocks: 60,
        slice: Duration::from_millis(500),
        pairs: 10_000,
    };
}

/// The results of the rounds.
type Rounds = Vec<f64>;

/// All results.
#[derive(Debug)]
pub struct Measured {
    effort: Effort,
    begun: Value,
    ended: String,
    /// Milliseconds to open a connection, p50.
    connect: BTreeMap<Path, Rounds>,
    /// Microseconds for `SELECT 1`, p50.
    select: BTreeMap<Path, Rounds>,
    /// `SELECT 1` per second on all connections together.
    throughput: BTreeMap<Path, Rounds>,
    /// Microseconds for a statement on a pool, p50: ours, and sea-orm's with default settings.
    pools: [Rounds; 2],
    wrapped: Wrapped,
}

/// Starts a server and runs all measurements.
///
/// # Errors
///
/// Returns an error if a connection or a query fails.
///
/// # Panics
///
/// Panics if the server does not start.
pub fn measure(effort: Effort) -> Result<Measured, Failure> {
    let begun = machine::describe();
    // As in a service, the bridge and its client may run on different threads.
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut measured = threads.block_on(async move {
        // Measures on a worker, not in `block_on`, whose thread depends on the workers for I/O.
        tokio::spawn(measure_paths(effort, begun)).await?
    })?;
    drop(threads);
    // Uses one thread: a wake-up across threads takes longer than what is measured.
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    measured.wrapped = thread.block_on(wrapper::measure(effort))?;
    measured.ended = machine::load_average();
    Ok(measured)
}

async fn measure_paths(effort: Effort, begun: Value) -> Result<Measured, Failure> {
    let bed = Bed::start().await?;
    let connect = paths::connects(&bed, effort).await?;
    let select = paths::selects(&bed, effort).await?;
    let throughput = paths::throughput(&bed, effort).await?;
    let pools = pools::queries(&bed, effort).await?;
    bed.close().await;
    let (ended, wrapped) = (String::new(), Wrapped::default());
    Ok(Measured { effort, begun, ended, connect, select, throughput, pools, wrapped })
}

/// Returns the median.
fn median(rounds: &[f64]) -> f64 {
    crate::alternate::percentile(&mut rounds.to_vec(), 50)
}

#[allow(clippy::print_stderr)]
fn progress(what: &str, round: usize, effort: Effort) {
    eprintln!("{what}, round {} of {}", round + 1, effort.rounds);
}
