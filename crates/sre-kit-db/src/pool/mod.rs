//! sqlx's pool, with rules of our own for how long a connection lives.

mod keeper;
mod postgres;
mod recycling;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use sea_orm::DatabaseConnection;
use sqlx::Connection;
use tokio::time::timeout;

pub(crate) use keeper::Keeper;
pub(crate) use postgres::{Hooks, postgres, session_options};
pub(crate) use recycling::Recycling;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::sqlite;

/// The pool of either database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Postgres(sqlx::PgPool),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
}

/// The same for each kind of pool.
macro_rules! each {
    ($self:expr, $pool:ident => $do:expr) => {
        match $self {
            Pool::Postgres($pool) => $do,
            #[cfg(feature = "sqlite")]
            Pool::Sqlite($pool) => $do,
        }
    };
}

impl Pool {
    pub(crate) fn size(&self) -> u32 {
        each!(self, pool => pool.size())
    }

    pub(crate) fn idle(&self) -> u32 {
        each!(self, pool => u32::try_from(pool.num_idle()).unwrap_or(u32::MAX))
    }

    pub(crate) fn used(&self) -> u32 {
        self.size().saturating_sub(self.idle())
    }

    pub(crate) fn max(&self) -> u32 {
        each!(self, pool => pool.options().get_max_connections())
    }

    pub(crate) fn is_closed(&self) -> bool {
        each!(self, pool => pool.is_closed())
    }

    pub(crate) async fn close(&self) {
        each!(self, pool => pool.close().await);
    }

    /// Asks the server for a sign of life, over a connection that is idle. `None`
    /// where there is none.
    pub(crate) async fn ping_idle(&self, within: Duration) -> Option<Result<(), sqlx::Error>> {
        each!(self, pool => {
            let mut connection = pool.try_acquire()?;
            let answer = timeout(within, connection.ping()).await;
            if answer.is_err() {
                // What answers too late answers to somebody else.
                connection.close_on_drop();
            }
            Some(answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)))
        })
    }

    /// The same, over a connection that is waited for, and made where there is room.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        each!(self, pool => pool.acquire().await?.ping().await)
    }

    /// sea-orm's view of it, which tells how long each statement took.
    pub(crate) fn connection(&self, told: fn(Duration)) -> DatabaseConnection {
        let mut connection = match self {
            Self::Postgres(pool) => DatabaseConnection::from(pool.clone()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => DatabaseConnection::from(pool.clone()),
        };
        connection.set_metric_callback(move |info| told(info.elapsed));
        connection
    }
}
