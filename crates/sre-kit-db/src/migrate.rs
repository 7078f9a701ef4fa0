//! Migrations that many processes may start at the same time.

use std::time::Duration;

#[cfg(feature = "postgres")]
use futures_util::FutureExt;
use sea_orm::ConnectionTrait;
#[cfg(feature = "postgres")]
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::DbErr;
#[cfg(feature = "postgres")]
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
#[cfg(feature = "postgres")]
use sqlx::{Connection, PgConnection};
#[cfg(feature = "postgres")]
use tokio::time::timeout;
use tokio::time::{Instant, sleep};

use super::credentials::jittered;
use super::db::Db;
use super::error::{DbError, DbErrorKind};
#[cfg(feature = "postgres")]
use super::grants::{grant_future, grant_present};

/// Takes the advisory lock of the database, which guards sea-orm's table of migrations.
#[cfg(feature = "postgres")]
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended(\
    'sre-kit:' || current_database() || ':seaql_migrations', 0))";

/// The polling interval of the lock. A statement that waits for the lock would hold a snapshot,
/// which a `CREATE INDEX CONCURRENTLY` of the lock's holder waits for: a deadlock.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The interval of log lines while another process holds the lock.
#[cfg(feature = "postgres")]
const WAIT_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The interval of pings over the session that holds the lock. If the session is lost, another
/// process may take the lock and migrate at the same time.
#[cfg(feature = "postgres")]
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Makes the server cancel a statement whose client is gone. Otherwise the server would go on with
/// the statement of a killed process, and keep its locks. Servers before version 14 lack the
/// setting.
#[cfg(feature = "postgres")]
const CANCEL_WITHOUT_CLIENT: &str = "SELECT set_config(name, '2s', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// Settings of [`Db::migrate`].
///
/// ```
/// use std::time::Duration;
/// use sre_kit_db::MigrateSettings;
///
/// let settings = MigrateSettings::default().wait(Duration::from_mins(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "settings do nothing until `Db::migrate`"]
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "SQLite has one user"))]
pub struct MigrateSettings {
    wait: Duration,
    lock_timeout: Duration,
    statement_timeout: Duration,
    grant_to: Option<String>,
}

impl Default for MigrateSettings {
    fn default() -> Self {
        Self {
            wait: Duration::from_mins(5),
            lock_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(15),
            grant_to: None,
        }
    }
}

impl MigrateSettings {
    /// Sets how long to wait for another process that is migrating. Defaults to 5 min.
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Sets how long a statement waits for a table that is in use (`lock_timeout`). All later
    /// statements on that table wait behind it. Defaults to 10 s.
    pub fn lock_timeout(mut self, time: Duration) -> Self {
        self.lock_timeout = time;
        self
    }

    /// Sets how long a statement may take (`statement_timeout`). Defaults to 15 min.
    pub fn statement_timeout(mut self, time: Duration) -> Self {
        self.statement_timeout = time;
        self
    }

    /// Grants `role` the use of the schema: it may read and write the rows of every table, present
    /// and future, and read `seaql_migrations`. Defaults to no grant.
    ///
    /// This is for a migrator with a role of its own, beside a service that may not change the
    /// schema. The grants are made with every [`Db::migrate`], under its lock, also if no migration
    /// is pending. Repeating them changes nothing.
    pub fn grant_to(mut self, role: impl Into<String>) -> Self {
        self.grant_to = Some(role.into());
        self
    }

    /// Returns the pool's options with these bounds. The last value of an option wins.
    #[cfg(feature = "postgres")]
    fn session(&self, options: &PgConnectOptions) -> PgConnectOptions {
        options.clone().options([
            ("lock_timeout", self.lock_timeout.as_millis().to_string()),
            ("statement_timeout", self.statement_timeout.as_millis().to_string()),
            // A migration in Rust may compute for as long as a statement may take.
            ("idle_in_transaction_session_timeout", self.statement_timeout.as_millis().to_string()),
        ])
    }
}

impl Db {
    /// Brings the schema up to date, one process at a time. Returns how many migrations it ran,
    /// which is 0 if another process ran them first.
    ///
    /// On PostgreSQL a separate session holds an advisory lock meanwhile. This does not work
    /// through a pooler that shares sessions between transactions.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind
    ///
    /// - [`DbErrorKind::Locked`] if another process is migrating for longer than
    ///   [`MigrateSettings::wait`];
    /// - [`DbErrorKind::Migration`] if a migration or a grant fails, or the lock is lost;
    /// - [`DbErrorKind::Unreachable`] if the database cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the sessions, which releases the lock. The current migration is
    /// rolled back, unless it runs without a transaction.
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
        #[cfg(feature = "postgres")]
        if let Some(pool) = self.postgres_pool() {
            return Self::run_under_lock::<M>(pool, settings).await;
        }
        if settings.grant_to.is_some() {
            return Err(DbError::new(
                DbErrorKind::Migration,
                "SQLite has no roles, so none can be granted the use of the tables; leave the \
                 role out",
            ));
        }
        let before = pending::<M>(self.connection()).await?;
        M::up(self.connection(), None).await.map_err(failed)?;
        Ok(before.len())
    }

    /// Runs the migrations of PostgreSQL while this process holds the lock.
    #[cfg(feature = "postgres")]
    async fn run_under_lock<M: MigratorTrait>(
        pool: &sqlx::PgPool,
        settings: &MigrateSettings,
    ) -> Result<usize, DbError> {
        let options = settings.session(&pool.connect_options());
        let mut lock = lock(&options, settings.wait).await?;
        let sessions = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(|session, _| {
                async move { sqlx::query(CANCEL_WITHOUT_CLIENT).execute(session).await.map(drop) }
                    .boxed()
            })
            .connect_lazy_with(options);
        let connection = DatabaseConnection::from(sessions.clone());
        let work = async {
            let grantee = match &settings.grant_to {
                Some(role) if grant_future(&connection, role).await? => Some(role),
                _ => None,
            };
            let before = pending::<M>(&connection).await?;
            if !before.is_empty() {
                tracing::info!(migrations = ?before, "migrating");
                M::up(&connection, None).await.map_err(failed)?;
            }
            if let Some(role) = grantee {
                grant_present(&connection, role).await?;
            }
            Ok(before.len())
        };
        let result = tokio::select! {
            result = work => result,
            lost = heartbeat(&mut lock) => Err(lost),
        };
        // A session with a running statement would not close in time.
        let _ = timeout(HEARTBEAT, sessions.close()).await;
        let _ = timeout(HEARTBEAT, lock.close()).await;
        result
    }

    /// Returns the names of the pending migrations. It only reads, and creates no table, so a role
    /// that may not change the schema can call it.
    ///
    /// # Errors
    ///
    /// Returns an error if the query fails.
    pub async fn pending_migrations<M: MigratorTrait>(&self) -> Result<Vec<String>, DbError> {
        let pending = pending::<M>(self.connection()).await?;
        self.recorder().metrics.set_pending(pending.len());
        Ok(pending)
    }

    /// Waits until no migration is pending. Call it before readiness in a service that does not
    /// migrate itself.
    ///
    /// # Errors
    ///
    /// Returns an error if migrations are still pending after `within`, or if the query fails. The
    /// message names the migrations.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait.
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
            if Instant::now() + POLL_INTERVAL >= deadline {
                return Err(error);
            }
            sleep(jittered(POLL_INTERVAL, 0.2)).await;
        }
    }
}

async fn pending<M: MigratorTrait>(db: &impl ConnectionTrait) -> Result<Vec<String>, DbError> {
    let migrations = M::get_pending_migrations_read_only(db).await.map_err(failed)?;
    Ok(migrations.iter().map(|migration| migration.name().to_owned()).collect())
}

fn failed(error: DbErr) -> DbError {
    DbError::new(DbErrorKind::Migration, format_args!("migrating failed: {error}")).caused_by(error)
}

/// Opens a session, and takes the lock with it.
#[cfg(feature = "postgres")]
async fn lock(options: &PgConnectOptions, wait: Duration) -> Result<PgConnection, DbError> {
    let deadline = Instant::now() + wait;
    let unreachable =
        |error: sqlx::Error| DbError::new(DbErrorKind::Unreachable, &error).caused_by(error);
    let mut session = PgConnection::connect_with(options).await.map_err(unreachable)?;
    let began = Instant::now();
    let mut logged: Option<Instant> = None;
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
        if logged.is_none_or(|last| last.elapsed() >= WAIT_LOG_INTERVAL) {
            let (waited, at_most) = (began.elapsed().as_secs(), wait.as_secs());
            tracing::info!(waited, at_most, "another process migrates; waiting for it");
            logged = Some(Instant::now());
        }
        sleep(jittered(POLL_INTERVAL, 0.5)).await;
    }
}

/// Pings over the session that holds the lock, and completes when the session is lost.
#[cfg(feature = "postgres")]
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
