//! The pool of a SQLite database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use crate::settings::{DbSettings, Sqlite};
use sre_kit_core::ConfigError;

/// The longest that a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// Creates a pool. The first query creates the file if it is missing.
pub(crate) fn sqlite(settings: &DbSettings, sqlite: &Sqlite) -> Result<SqlitePool, ConfigError> {
    let options = SqliteConnectOptions::from_str(&sqlite.url).map_err(|error| {
        ConfigError::new(
            "DATABASE_URL",
            &sqlite.url,
            format!("SQLite makes nothing of it: {error}"),
            "write it like sqlite://file.sqlite, or sqlite::memory:",
        )
    })?;
    let options =
        options.create_if_missing(true).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
    let mut pool = SqlitePoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false);
    Ok(if sqlite.in_memory {
        // Each connection has its own database in memory, which is lost with the connection.
        pool = pool.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        pool.connect_lazy_with(options)
    } else {
        // With a write-ahead log readers do not wait for the writer.
        pool.connect_lazy_with(options.journal_mode(SqliteJournalMode::Wal))
    })
}
