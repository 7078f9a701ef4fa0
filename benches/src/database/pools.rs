//! One statement on a pool, including all overhead: ours, and sea-orm's with default settings.

use std::time::Instant;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Statement};

use super::server::{Bed, STATEMENT};
use super::{Effort, Failure, Rounds, progress};
use crate::alternate::percentile;

/// The number of statements on one pool before the other pool's turn.
const BLOCK: usize = 20;

/// Selects one row by its key.
pub(super) fn statement() -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, STATEMENT, [1_i32.into(), 1_i64.into()])
}

/// Measures the microseconds of a statement, including building it.
pub(super) async fn timed(connection: &impl ConnectionTrait) -> Result<f64, DbErr> {
    let start = Instant::now();
    let row = connection.query_one_raw(statement()).await?;
    let took = start.elapsed();
    match row {
        Some(_) => Ok(took.as_secs_f64() * 1e6),
        None => Err(DbErr::RecordNotFound(STATEMENT.to_owned())),
    }
}

/// Measures both pools over TLS: through the bridge with metrics, and sqlx with its defaults.
pub(super) async fn queries(bed: &Bed, effort: Effort) -> Result<[Rounds; 2], Failure> {
    let mut options = ConnectOptions::new(bed.direct_url());
    options.max_connections(8);
    let peer = Database::connect(options).await?;
    let mut found = [Rounds::new(), Rounds::new()];
    for _ in 0..BLOCK {
        timed(&bed.bridge).await?;
        timed(&peer).await?;
    }
    for round in 0..effort.rounds {
        progress("queries of a pool", round, effort);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..effort.blocks {
            for _ in 0..BLOCK {
                times[0].push(timed(&bed.bridge).await?);
            }
            for _ in 0..BLOCK {
                times[1].push(timed(&peer).await?);
            }
        }
        for (found, mut times) in found.iter_mut().zip(times) {
            found.push(percentile(&mut times, 50));
        }
    }
    peer.close().await?;
    Ok(found)
}
