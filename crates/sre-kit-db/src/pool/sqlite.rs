//! The pool of a SQLite file.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

use crate::settings::{DbSettings, Sqlite};
use sre_kit_core::ConfigError;

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(3);

/// A pool that makes a file that is missing, when it is first asked to connect.
pub(crate) fn sqlite(settings: &DbSettings, sqlite: &Sqlite) -> Result<SqlitePool, ConfigError> {
    let options = SqliteConnectOptions::from_str(&sqlite.url).map_err(|error| {
        ConfigError::new(
            "DATABASE_URL",
            &sqlite.url,
            format!("SQLite makes nothing of it: {error}"),
            "write it like sqlite://file.sqlite, or sqlite::memory:",
        )
    })?;
    let options = options.create_if_missing(true).busy_timeout(BUSY).disable_statement_logging();
    let mut pool = SqlitePoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false);
    Ok(if sqlite.in_memory {
        // Each connection has a database of its own, which goes with it.
        pool = pool.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        pool.connect_lazy_with(options)
    } else {
        // Readers do not wait for the writer.
        pool.connect_lazy_with(options.journal_mode(SqliteJournalMode::Wal))
    })
}
