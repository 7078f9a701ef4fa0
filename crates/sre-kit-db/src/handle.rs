//! The handle of a database.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::bridge::{AGAIN, Bridge, LOST, UNABLE};
use super::condition::DbHealth;
use super::credentials::Backoff;
use super::error::{DbError, DbErrorKind};
use super::instrument::{DbMetrics, Readable, Reading, Recorder, executed};
use super::parts::{bridge, dialer, recorder};
use super::pool::{Hooks, Keeper, Pool, Recycling, postgres, session_options};
use super::settings::{DbSettings, Postgres, Server, Target};
use sre_kit_core::{ConfigError, PoolUsage};

/// The SQLSTATE of a database that does not exist.
const NO_DATABASE: &str = "3D000";

/// How long a sign of life may take.
const PROBE: Duration = Duration::from_secs(1);

/// A statement that went well so lately is a sign of life.
const FRESH: Duration = Duration::from_secs(5);

/// A database: a pool of connections that log in by themselves, and report.
///
/// It is sea-orm's [`ConnectionTrait`](sea_orm::ConnectionTrait) and
/// [`TransactionTrait`](sea_orm::TransactionTrait): hand `&db` to whatever takes a
/// connection. Cloning is cheap. See the [module's page](super).
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    name: Arc<str>,
    pool: Pool,
    connection: DatabaseConnection,
    recorder: Recorder,
    recycling: Option<Arc<Recycling>>,
    min: u32,
    bridge: Option<Bridge>,
    _keeper: Option<Keeper>,
}

impl Db {
    /// Checks the settings and starts what keeps credentials fresh. Nothing is dialled
    /// yet: the first query does that, or [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// When a setting cannot work.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn new(settings: &DbSettings, metrics: &DbMetrics) -> Result<Self, ConfigError> {
        settings.check()?;
        match &settings.target {
            Target::Postgres(postgres) => Self::postgres(settings, postgres, metrics),
            #[cfg(feature = "sqlite")]
            Target::Sqlite(file) => {
                let pool = Pool::Sqlite(super::pool::sqlite(settings, file)?);
                let common = ["sqlite".into(), String::new(), String::new(), String::new()];
                let recorder = recorder(metrics, settings, common);
                Ok(Self::assemble(settings, metrics, pool, recorder, None))
            }
            #[cfg(not(feature = "sqlite"))]
            Target::Sqlite(_) => unreachable!("refused by the check"),
        }
    }

    fn postgres(
        settings: &DbSettings,
        target: &Postgres,
        metrics: &DbMetrics,
    ) -> Result<Self, ConfigError> {
        let (address, port) = match &target.server {
            Server::Password { address, .. } | Server::Token { address } => {
                (address.host.clone(), address.port.to_string())
            }
            Server::Socket { directory, .. } => (directory.display().to_string(), String::new()),
            Server::Connector { instance, .. } => (instance.to_string(), String::new()),
        };
        let common = ["postgresql".into(), target.database.clone(), address, port];
        let recorder = recorder(metrics, settings, common);
        let bridge = dialer(settings, target, metrics)?
            .map(|dialer| bridge(settings, metrics, dialer))
            .transpose()?;
        let (directory, port): (&Path, u16) = match (&bridge, &target.server) {
            (Some(bridge), _) => (bridge.directory(), 5432),
            (None, Server::Socket { directory, port }) => (directory, *port),
            (None, _) => unreachable!("only a socket has no bridge"),
        };
        let options = session_options(settings, target, directory, port);
        let watched = bridge
            .as_ref()
            .map(|bridge| (Arc::clone(bridge.dialer()), Arc::clone(bridge.logins())));
        let can_log_in = move || {
            watched
                .as_ref()
                .is_none_or(|(dialer, logins)| dialer.is_healthy() && logins.failure().is_none())
        };
        let hooks = Hooks {
            recycling: Arc::new(Recycling::new(settings.lifetime, settings.max_connections)),
            can_log_in: Arc::new(can_log_in),
            metrics: Arc::clone(&recorder.metrics),
        };
        let pool = postgres(settings, options, &hooks);
        let logins = bridge.as_ref().map(|bridge| Arc::clone(bridge.logins()));
        let keeper = Keeper::spawn(pool.clone(), hooks.clone(), logins, settings);
        let kept = Some((hooks.recycling, keeper, bridge));
        Ok(Self::assemble(settings, metrics, Pool::Postgres(pool), recorder, kept))
    }

    fn assemble(
        settings: &DbSettings,
        metrics: &DbMetrics,
        pool: Pool,
        recorder: Recorder,
        kept: Option<(Arc<Recycling>, Keeper, Option<Bridge>)>,
    ) -> Self {
        let connection = pool.connection(executed);
        let (recycling, keeper, bridge) = match kept {
            Some((recycling, keeper, bridge)) => (Some(recycling), Some(keeper), bridge),
            None => (None, None, None),
        };
        let inner = Arc::new(Inner {
            name: settings.name.as_str().into(),
            min: settings.min_connections,
            pool,
            connection,
            recorder,
            recycling,
            bridge,
            _keeper: keeper,
        });
        let weak = Arc::downgrade(&inner);
        metrics.read_from(weak);
        Self { inner }
    }

    /// The pool's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// sea-orm's connection, for what takes no other. What goes through it is not
    /// recorded.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.inner.connection
    }

    /// sqlx's pool, for what sea-orm has not got. `None` for SQLite. What goes through
    /// it is not recorded.
    pub fn postgres_pool(&self) -> Option<&sqlx::PgPool> {
        match &self.inner.pool {
            Pool::Postgres(pool) => Some(pool),
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => None,
        }
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    /// Logs in for the first time, and tries again until `within` is over: credentials
    /// may be granted a moment later, and a server may be starting.
    ///
    /// # Errors
    ///
    /// The last reason, or at once where no further try can help: the database does not
    /// exist, or the server is not the one it should be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn connect(&self, within: Duration) -> Result<(), DbError> {
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut last = None;
        loop {
            let error = match timeout_at(deadline, self.inner.pool.ping()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => self.explain(&error),
                // What the try before this one was told says more than that this was cut off.
                Err(_) => last.take().unwrap_or_else(|| self.explain(&sqlx::Error::PoolTimedOut)),
            };
            let pause = backoff.pause();
            if error.is_final() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            last = Some(error);
            sleep(pause).await;
        }
    }

    /// What an error means, in words.
    fn explain(&self, error: &sqlx::Error) -> DbError {
        let reason = self.inner.bridge.as_ref().and_then(|bridge| bridge.logins().failure());
        match (error, reason) {
            // A file that cannot be opened now cannot be opened in a second.
            #[cfg(feature = "sqlite")]
            (error, _) if matches!(self.inner.pool, Pool::Sqlite(_)) => {
                DbError::new(DbErrorKind::Unreachable, error).finally()
            }
            (sqlx::Error::Database(error), _) => match error.code().as_deref() {
                Some(code @ (UNABLE | LOST | AGAIN)) => {
                    let found = DbError::new(DbErrorKind::Unreachable, error.message());
                    if code == UNABLE { found.finally() } else { found }
                }
                Some(NO_DATABASE) => DbError::new(DbErrorKind::Refused, error.message()).finally(),
                _ => DbError::new(DbErrorKind::Refused, error.message()),
            },
            (sqlx::Error::PoolTimedOut, Some(reason)) => {
                DbError::new(DbErrorKind::TimedOut, reason)
            }
            (error, _) => DbError::new(DbErrorKind::Unreachable, error),
        }
    }

    /// How much of the pool is in use.
    pub fn usage(&self) -> PoolUsage {
        let Inner { pool, recorder, .. } = &*self.inner;
        let used = pool.used();
        let waiting = recorder.demand.get().saturating_sub(u64::from(used));
        PoolUsage {
            size: pool.size().into(),
            used: used.into(),
            max: pool.max().into(),
            waiting: Some(waiting),
        }
    }

    /// Whether the database answers, and whether it will go on to. A run takes at most
    /// a few seconds; it neither waits behind requests nor writes anything.
    ///
    /// A failing source of credentials is *degraded* while connections work: to take
    /// every instance out of the load balancer for it would make an outage of a fault.
    pub async fn check(&self) -> DbHealth {
        let Inner { pool, recorder, bridge, .. } = &*self.inner;
        let alive = match pool.ping_idle(PROBE).await {
            Some(answer) => answer,
            // All are in use, and what went well lately says more than one more query.
            None if pool.used() >= pool.max() && recorder.went_well_within(FRESH) => Ok(()),
            None => timeout(PROBE * 2, pool.ping()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)),
        };
        if let Err(error) = alive {
            return DbHealth::Down(self.explain(&error).to_string());
        }
        let Some(bridge) = bridge else { return DbHealth::Up };
        if let Some(complaint) = bridge.dialer().complaint() {
            return DbHealth::Degraded(format!("no fresh credentials: {complaint}"));
        }
        match bridge.logins().failure() {
            Some(reason) => DbHealth::Degraded(format!("no new connections: {reason}")),
            None => DbHealth::Up,
        }
    }

    /// Closes the pool: nothing is handed out any more, and what is in use is waited
    /// for; then the bridge and the credentials. Give it a bound: what is never given
    /// back is waited for without end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the pool closed for new queries.
    pub async fn close(&self) {
        self.inner.pool.close().await;
        if let Some(bridge) = &self.inner.bridge {
            bridge.close().await;
        }
    }
}

impl Inner {
    fn can_log_in(&self) -> bool {
        self.bridge.as_ref().is_none_or(|bridge| {
            bridge.dialer().is_healthy() && bridge.logins().failure().is_none()
        })
    }
}

impl Readable for Inner {
    fn read(&self) -> Option<Reading> {
        if self.pool.is_closed() {
            return None;
        }
        let (idle, size) = (self.pool.idle(), self.pool.size());
        let used = u64::from(size.saturating_sub(idle));
        let dialer = self.bridge.as_ref().map(Bridge::dialer);
        Some(Reading {
            pool: Arc::clone(&self.name),
            idle: idle.into(),
            used,
            max: self.pool.max().into(),
            min: self.min.into(),
            pending: self.recorder.demand.get().saturating_sub(used),
            paused: self.recycling.as_ref().map(|r| r.is_paused(self.can_log_in())),
            token_age: dialer.and_then(|dialer| dialer.token_age()),
            certificate_expiry: dialer.and_then(|dialer| dialer.certificate_expiry()),
            migrations: self.recorder.metrics.pending(),
        })
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("name", &self.inner.name)
            .field("pool", &self.usage())
            .finish_non_exhaustive()
    }
}
