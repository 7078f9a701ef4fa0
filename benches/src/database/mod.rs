//! What the library's way to PostgreSQL costs, beside sqlx's own.
//!
//! A real server on this machine, with TLS, is reached four ways: by sqlx itself and
//! through the library's bridge, each with TLS and without. They log in by the same
//! method (SCRAM) and take turns within every round, so a ratio is one of the ways and
//! of nothing else.

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

/// Why there is no figure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    name: &'static str,
    rounds: usize,
    /// Connections of each way in a round.
    connects: usize,
    /// Blocks of queries of each way in a round.
    blocks: usize,
    /// How long each way is under load in a round.
    slice: Duration,
    /// Queries with and without the wrapper in a round.
    pairs: usize,
}

impl Effort {
    /// A quarter of a minute.
    pub const QUICK: Self = Self {
        name: "quick",
        rounds: 3,
        connects: 10,
        blocks: 20,
        slice: Duration::from_millis(300),
        pairs: 3_000,
    };
    /// Two minutes.
    pub const FULL: Self = Self {
        name: "full",
        rounds: 9,
        connects: 30,
        blocks: 60,
        slice: Duration::from_millis(500),
        pairs: 10_000,
    };
}

/// One figure per round.
type Rounds = Vec<f64>;

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    effort: Effort,
    begun: Value,
    ended: String,
    /// Milliseconds for a connection, p50.
    connect: BTreeMap<Path, Rounds>,
    /// Microseconds for `SELECT 1`, p50.
    select: BTreeMap<Path, Rounds>,
    /// `SELECT 1` per second by all connections together.
    throughput: BTreeMap<Path, Rounds>,
    /// Microseconds for a statement of a pool, p50: ours, and sea-orm's as it comes.
    pools: [Rounds; 2],
    wrapped: Wrapped,
}

/// Starts a server and measures all of it.
///
/// # Errors
///
/// When the server does not do what it is asked.
///
/// # Panics
///
/// When it does not start at all.
pub fn measure(effort: Effort) -> Result<Measured, Failure> {
    let begun = machine::describe();
    // As a service has it: the bridge and who uses it may be on two threads.
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut measured = threads.block_on(async move {
        // Not on the runtime's outer thread, whose every wait is another thread's business.
        tokio::spawn(measure_paths(effort, begun)).await?
    })?;
    drop(threads);
    // One thread: what is looked for is smaller than a wake-up across two.
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

/// The middle one.
fn median(rounds: &[f64]) -> f64 {
    crate::alternate::percentile(&mut rounds.to_vec(), 50)
}

#[allow(clippy::print_stderr)]
fn progress(what: &str, round: usize, effort: Effort) {
    eprintln!("{what}, round {} of {}", round + 1, effort.rounds);
}
