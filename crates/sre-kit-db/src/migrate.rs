//! Migrations that many instances may start at once.

use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::DbErr;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::credentials::jittered;
use super::error::{DbError, DbErrorKind};
use super::handle::Db;

/// One per database; sea-orm's table of migrations is what it guards.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended(\
    'sre-kit:' || current_database() || ':seaql_migrations', 0))";

/// How often one asks for the lock. It is asked for and not waited for: a waiting
/// statement has a snapshot, which `CREATE INDEX CONCURRENTLY` of the one who has the
/// lock waits for in turn, and the server ends one of them as a deadlock.
const ASK: Duration = Duration::from_millis(500);

/// How often the session with the lock is asked for a sign of life. If it dies another
/// one may begin, and two would migrate.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// A statement ends when nobody is there any more to whom it could answer: killed in the
/// middle of one, a process would leave a server that goes on with it, and with its locks
/// on tables that the next one wants. Servers before version 14 have not got the setting.
const ALONE: &str = "SELECT set_config(name, '2s', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// How migrations are run.
#[derive(Clone, Copy, Debug)]
#[must_use = "it is given to `Db::migrate`"]
pub struct MigrateSettings {
    wait: Duration,
    lock_timeout: Duration,
    statement_timeout: Duration,
}

impl Default for MigrateSettings {
    fn default() -> Self {
        Self {
            wait: Duration::from_mins(5),
            lock_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(15),
        }
    }
}

impl MigrateSettings {
    /// How long to wait for another process that migrates. Five minutes unless set.
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// How long a statement waits for a table that is in use (`lock_timeout`), with all
    /// that want the table after it waiting as well. Ten seconds unless set.
    pub fn lock_timeout(mut self, time: Duration) -> Self {
        self.lock_timeout = time;
        self
    }

    /// How long a statement may take (`statement_timeout`). A quarter of an hour unless
    /// set.
    pub fn statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = time;
        self
    }

    /// The pool's own options with these bounds: what is said last counts.
    fn session(&self, options: &PgConnectOptions) -> PgConnectOptions {
        options.clone().options([
            ("lock_timeout", self.lock_timeout.as_millis().to_string()),
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
            // A migration in Rust may think for as long as a statement may take.
            ("idle_in_transaction_session_timeout", self.statement_timeout.as_millis().to_string()),
        ])
    }
}

impl Db {
    /// Brings the schema up to date, one process at a time, and tells how many
    /// migrations it has run: none where another process was first.
    ///
    /// On PostgreSQL a session of its own holds an advisory lock meanwhile. It works
    /// through no pooler that shares sessions between transactions.
    ///
    /// # Errors
    ///
    /// When another process migrates for longer than this one waits
    /// ([`DbErrorKind::Locked`]), when a migration fails or the lock is lost
    /// ([`DbErrorKind::Migration`]), or when the database cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the sessions: the lock is free, and the migration that
    /// was under way is rolled back, unless it does without a transaction.
    pub async fn migrate<M: MigratorTrait>(
        &self,
        settings: &MigrateSettings,
    ) -> Result<usize, DbError> {
        let start = Instant::now();
        let result = self.run_migrations::<M>(settings).await;
        let metrics = &self.recorder().metrics;
        let outcome = match &result {
            Ok(_) => {
                metrics.set_pending(0);
                "ok"
            }
            Err(error) if error.kind() == DbErrorKind::Locked => "locked",
            Err(_) => "failed",
        };
        metrics.migrated(self.name(), outcome, start.elapsed());
        result
    }

    async fn run_migrations<M: MigratorTrait>(
        &self,
        settings: &MigrateSettings,
    ) -> Result<usize, DbError> {
        let Some(pool) = self.postgres_pool() else {
            let before = pending::<M>(self.connection()).await?;
            M::up(self.connection(), None).await.map_err(|error| failed(&error))?;
            return Ok(before.len());
        };
        let options = settings.session(&pool.connect_options());
        let mut lock = lock(&options, settings.wait).await?;
        let sessions = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(|session, _| {
                async move { sqlx::query(ALONE).execute(session).await.map(drop) }.boxed()
            })
            .connect_lazy_with(options);
        let connection = DatabaseConnection::from(sessions.clone());
        let work = async {
            let before = pending::<M>(&connection).await?;
            if !before.is_empty() {
                tracing::info!(migrations = ?before, "migrating");
                M::up(&connection, None).await.map_err(|error| failed(&error))?;
            }
            Ok(before.len())
        };
        let result = tokio::select! {
            result = work => result,
            lost = heartbeat(&mut lock) => Err(lost),
        };
        // A session with a statement under way is not waited for.
        let _ = timeout(HEARTBEAT, sessions.close()).await;
        let _ = timeout(HEARTBEAT, lock.close()).await;
        result
    }

    /// The names of the migrations that have not been run. It needs no right but to
    /// read, and makes no table: a role that may not change the schema can ask.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked.
    pub async fn pending_migrations<M: MigratorTrait>(&self) -> Result<Vec<String>, DbError> {
        let pending = pending::<M>(self.connection()).await?;
        self.recorder().metrics.set_pending(pending.len());
        Ok(pending)
    }

    /// Waits until no migration is pending: what a service does before it is ready,
    /// where somebody else migrates.
    ///
    /// # Errors
    ///
    /// When some are after that time, by name, or the database cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn wait_migrated<M: MigratorTrait>(&self, within: Duration) -> Result<(), DbError> {
        let deadline = Instant::now() + within;
        loop {
            let left = self.pending_migrations::<M>().await;
            let error = match left {
                Ok(left) if left.is_empty() => return Ok(()),
                Ok(left) => DbError::new(
                    DbErrorKind::Migration,
                    format_args!("migrations are pending: {}", left.join(", ")),
                ),
                Err(error) => error,
            };
            if Instant::now() + ASK >= deadline {
                return Err(error);
            }
            sleep(jittered(ASK, 0.2)).await;
        }
    }
}

async fn pending<M: MigratorTrait>(db: &impl ConnectionTrait) -> Result<Vec<String>, DbError> {
    let migrations =
        M::get_pending_migrations_read_only(db).await.map_err(|error| failed(&error))?;
    Ok(migrations.iter().map(|migration| migration.name().to_owned()).collect())
}

fn failed(error: &DbErr) -> DbError {
    DbError::new(DbErrorKind::Migration, format_args!("migrating failed: {error}"))
}

/// A session that has the lock.
async fn lock(options: &PgConnectOptions, wait: Duration) -> Result<PgConnection, DbError> {
    let deadline = Instant::now() + wait;
    let unreachable = |error: sqlx::Error| DbError::new(DbErrorKind::Unreachable, error);
    let mut session = PgConnection::connect_with(options).await.map_err(unreachable)?;
    let mut told = false;
    loop {
        let asked = sqlx::query_scalar(LOCK).fetch_one(&mut session).await;
        if asked.map_err(unreachable)? {
            return Ok(session);
        }
        if Instant::now() >= deadline {
            let message =
                format_args!("another process has been migrating for {wait:?}").to_string();
            return Err(DbError::new(DbErrorKind::Locked, message));
        }
        if !told {
            tracing::info!("another process migrates; waiting for it");
            told = true;
        }
        sleep(jittered(ASK, 0.5)).await;
    }
}

/// Ends when the session with the lock does.
async fn heartbeat(lock: &mut PgConnection) -> DbError {
    loop {
        sleep(HEARTBEAT).await;
        if !matches!(timeout(HEARTBEAT, lock.ping()).await, Ok(Ok(()))) {
            return DbError::new(
                DbErrorKind::Migration,
                "the session with the migrations' lock was lost; what was under way is rolled back",
            );
        }
    }
}
