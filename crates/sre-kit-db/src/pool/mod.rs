//! sqlx's pool, with its own rules for the lifetime of connections.

#[cfg(feature = "postgres")]
mod maintainer;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod recycling;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use sea_orm::DatabaseConnection;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use sqlx::Connection;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use tokio::time::timeout;

#[cfg(feature = "postgres")]
pub(crate) use maintainer::PoolMaintainer;
#[cfg(feature = "postgres")]
pub(crate) use postgres::{PoolHooks, postgres, session_options};
#[cfg(feature = "postgres")]
pub(crate) use recycling::Recycling;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::sqlite;

/// The pool of either database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    /// A build without a database.
    #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
    Absent(std::convert::Infallible),
}

/// Runs the same code for each kind of pool.
macro_rules! for_pool {
    ($self:expr, $pool:ident => $do:expr) => {
        match $self {
            #[cfg(feature = "postgres")]
            Pool::Postgres($pool) => $do,
            #[cfg(feature = "sqlite")]
            Pool::Sqlite($pool) => $do,
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Pool::Absent(never) => match *never {},
        }
    };
}

impl Pool {
    pub(crate) fn size(&self) -> u32 {
        for_pool!(self, pool => pool.size())
    }

    pub(crate) fn idle(&self) -> u32 {
        for_pool!(self, pool => u32::try_from(pool.num_idle()).unwrap_or(u32::MAX))
    }

    pub(crate) fn used(&self) -> u32 {
        self.size().saturating_sub(self.idle())
    }

    pub(crate) fn max(&self) -> u32 {
        for_pool!(self, pool => pool.options().get_max_connections())
    }

    pub(crate) fn is_closed(&self) -> bool {
        for_pool!(self, pool => pool.is_closed())
    }

    pub(crate) async fn close(&self) {
        for_pool!(self, pool => pool.close().await);
    }

    /// Pings the server over an idle connection. Returns `None` if no connection is idle.
    pub(crate) async fn ping_idle(&self, within: Duration) -> Option<Result<(), sqlx::Error>> {
        for_pool!(self, pool => {
            let mut connection = pool.try_acquire()?;
            let answer = timeout(within, connection.ping()).await;
            if answer.is_err() {
                // A late answer would be read as the answer to the next query.
                connection.close_on_drop();
            }
            Some(answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)))
        })
    }

    /// Pings the server. Waits for a connection, and opens one if there is room.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        for_pool!(self, pool => pool.acquire().await?.ping().await)
    }

    /// Returns sea-orm's connection, which calls `on_executed` with the duration of each statement.
    pub(crate) fn connection(&self, on_executed: fn(Duration)) -> DatabaseConnection {
        let mut connection: DatabaseConnection =
            for_pool!(self, pool => DatabaseConnection::from(pool.clone()));
        connection.set_metric_callback(move |info| on_executed(info.elapsed));
        connection
    }
}
