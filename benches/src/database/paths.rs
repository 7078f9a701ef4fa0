//! Four paths to one server: a new connection, a round trip, and eight connections under load.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::server::{Bed, Path};
use super::{Effort, Failure, Rounds, progress};
use crate::alternate::percentile;

/// The number of connections under load.
pub(super) const CONNECTIONS: usize = 8;

/// The number of queries on one path before the next path's turn.
const BLOCK: usize = 50;

const SELECT: &str = "SELECT 1";

/// Measures the milliseconds to open a connection.
pub(super) async fn connects(bed: &Bed, effort: Effort) -> Result<BTreeMap<Path, Rounds>, Failure> {
    let options: BTreeMap<_, _> = Path::ALL.map(|path| (path, bed.options(path))).into();
    let mut found: BTreeMap<Path, Rounds> = BTreeMap::new();
    for options in options.values() {
        connect(options).await?;
    }
    for round in 0..effort.rounds {
        progress("connections", round, effort);
        let mut times: BTreeMap<Path, Vec<f64>> = BTreeMap::new();
        for turn in 0..effort.connects {
            for path in Path::in_turn(turn) {
                times.entry(path).or_default().push(connect(&options[&path]).await?);
            }
        }
        note_middle(&mut found, times);
    }
    Ok(found)
}

async fn connect(options: &PgConnectOptions) -> Result<f64, sqlx::Error> {
    let start = Instant::now();
    let connection = PgConnection::connect_with(options).await?;
    let took = start.elapsed();
    connection.close().await?;
    Ok(took.as_secs_f64() * 1e3)
}

/// Measures the microseconds of a round trip on one idle connection.
pub(super) async fn selects(bed: &Bed, effort: Effort) -> Result<BTreeMap<Path, Rounds>, Failure> {
    let mut connections = BTreeMap::new();
    for path in Path::ALL {
        let mut connection = PgConnection::connect_with(&bed.options(path)).await?;
        for _ in 0..BLOCK {
            sqlx::query(SELECT).fetch_one(&mut connection).await?;
        }
        connections.insert(path, connection);
    }
    let mut found = BTreeMap::new();
    for round in 0..effort.rounds {
        progress("single queries", round, effort);
        let mut times: BTreeMap<Path, Vec<f64>> = BTreeMap::new();
        for turn in 0..effort.blocks {
            for path in Path::in_turn(turn) {
                let connection = connections.get_mut(&path).expect("each has one");
                let times = times.entry(path).or_default();
                for _ in 0..BLOCK {
                    let start = Instant::now();
                    sqlx::query(SELECT).fetch_one(&mut *connection).await?;
                    times.push(start.elapsed().as_secs_f64() * 1e6);
                }
            }
        }
        note_middle(&mut found, times);
    }
    for connection in connections.into_values() {
        connection.close().await?;
    }
    Ok(found)
}

/// Measures the queries per second of eight connections without pauses.
pub(super) async fn throughput(
    bed: &Bed,
    effort: Effort,
) -> Result<BTreeMap<Path, Rounds>, Failure> {
    let mut connections: BTreeMap<Path, Vec<PgConnection>> = BTreeMap::new();
    for path in Path::ALL {
        for _ in 0..CONNECTIONS {
            let connection = PgConnection::connect_with(&bed.options(path)).await?;
            connections.entry(path).or_default().push(connection);
        }
    }
    let mut found: BTreeMap<Path, Rounds> = BTreeMap::new();
    for round in 0..effort.rounds {
        progress("eight connections", round, effort);
        for path in Path::in_turn(round) {
            let lent = connections.remove(&path).unwrap_or_default();
            let (back, rate) = load(lent, effort.slice).await?;
            connections.insert(path, back);
            found.entry(path).or_default().push(rate);
        }
    }
    for connection in connections.into_values().flatten() {
        connection.close().await?;
    }
    Ok(found)
}

/// Runs queries on each connection in its own task for this time, and returns the connections.
async fn load(
    connections: Vec<PgConnection>,
    slice: Duration,
) -> Result<(Vec<PgConnection>, f64), Failure> {
    let start = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            tokio::spawn(async move {
                let mut count = 0_u32;
                while start.elapsed() < slice {
                    sqlx::query(SELECT).fetch_one(&mut connection).await?;
                    count += 1;
                }
                Ok::<_, sqlx::Error>((connection, count))
            })
        })
        .collect();
    let (mut back, mut queries) = (Vec::new(), 0.0);
    for task in tasks {
        let (connection, count) = task.await??;
        back.push(connection);
        queries += f64::from(count);
    }
    Ok((back, queries / start.elapsed().as_secs_f64()))
}

/// Reduces each round to its median.
fn note_middle(found: &mut BTreeMap<Path, Rounds>, times: BTreeMap<Path, Vec<f64>>) {
    for (path, mut times) in times {
        found.entry(path).or_default().push(percentile(&mut times, 50));
    }
}
