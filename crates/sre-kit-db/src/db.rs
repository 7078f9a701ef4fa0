//! The handle of a database.

mod gauges;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use tokio::time::{Instant, sleep, timeout, timeout_at};

#[cfg(feature = "postgres")]
use super::bridge::{Bridge, LocalAddress};
#[cfg(feature = "postgres")]
use super::components::{bridge, dialer};
use super::credentials::Backoff;
use super::error::DbError;
#[cfg(feature = "postgres")]
use super::explain::postgres_error;
#[cfg(feature = "sqlite")]
use super::explain::sqlite_error;
use super::health::DbHealth;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::instrument::on_executed;
use super::instrument::{DbMetrics, GaugeSource, PoolMetrics, Recorder};
use super::pool::Pool;
#[cfg(feature = "postgres")]
use super::pool::{PoolHooks, PoolMaintainer, Recycling, postgres, session_options};
use super::settings::{DbSettings, Target};
#[cfg(feature = "postgres")]
use super::settings::{Postgres, Server};
use sre_kit_core::{ConfigError, PoolUsage};

/// The longest that one ping of a check may take.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A statement that succeeded within this time counts as a ping.
const RECENT_SUCCESS: Duration = Duration::from_secs(5);

/// A database: a pool of connections that log in by themselves and report metrics.
///
/// It implements sea-orm's [`ConnectionTrait`](sea_orm::ConnectionTrait) and
/// [`TransactionTrait`](sea_orm::TransactionTrait): pass `&db` wherever sea-orm takes a connection.
/// Cloning is cheap. See the [crate's page](super).
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    name: Arc<str>,
    pool: Pool,
    connection: DatabaseConnection,
    recorder: Recorder,
    min: u32,
    /// The parts that only PostgreSQL has.
    #[cfg(feature = "postgres")]
    recycling: Option<Arc<Recycling>>,
    #[cfg(feature = "postgres")]
    bridge: Option<Arc<Bridge>>,
    #[cfg(feature = "postgres")]
    _maintainer: Option<PoolMaintainer>,
}

impl Db {
    /// Checks the settings, and starts the tasks that refresh credentials and maintain the pool.
    /// Nothing is dialled before the first query or [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - a setting is missing, out of range, or contradicts another one;
    /// - the URL needs a feature that this program was built without;
    /// - the bridge's socket cannot be created.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn new(settings: &DbSettings, metrics: &DbMetrics) -> Result<Self, ConfigError> {
        settings.check()?;
        match &settings.target {
            #[cfg(feature = "postgres")]
            Target::Postgres(postgres) => Self::postgres(settings, postgres, metrics),
            #[cfg(not(feature = "postgres"))]
            Target::Postgres(_) => unreachable!("refused by the check"),
            #[cfg(feature = "sqlite")]
            Target::Sqlite(file) => {
                let pool = Pool::Sqlite(super::pool::sqlite(settings, file)?);
                let common = ["sqlite".into(), String::new(), String::new(), String::new()];
                Ok(Self::register(
                    metrics,
                    Inner {
                        name: settings.name.as_str().into(),
                        min: settings.min_connections,
                        connection: pool.connection(on_executed),
                        pool,
                        recorder: recorder(metrics, settings, common),
                        #[cfg(feature = "postgres")]
                        recycling: None,
                        #[cfg(feature = "postgres")]
                        bridge: None,
                        #[cfg(feature = "postgres")]
                        _maintainer: None,
                    },
                ))
            }
            #[cfg(not(feature = "sqlite"))]
            Target::Sqlite(_) => unreachable!("refused by the check"),
        }
    }

    #[cfg(feature = "postgres")]
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
            .transpose()?
            .map(Arc::new);
        let local = match (&bridge, &target.server) {
            (Some(bridge), _) => bridge.address().clone(),
            (None, Server::Socket { directory, port }) => {
                LocalAddress::Socket { directory: directory.clone(), port: *port }
            }
            (None, _) => unreachable!("only a socket has no bridge"),
        };
        let options = session_options(settings, target, &local);
        // A weak reference: the pool's hooks must not keep the bridge alive.
        let weak = bridge.as_ref().map(Arc::downgrade);
        let can_log_in = move || {
            let bridge = weak.as_ref().and_then(std::sync::Weak::upgrade);
            bridge.is_none_or(|bridge| bridge.can_log_in())
        };
        let hooks = PoolHooks {
            recycling: Arc::new(Recycling::new(settings.lifetime, settings.max_connections)),
            can_log_in: Arc::new(can_log_in),
            metrics: Arc::clone(&recorder.metrics),
        };
        let pool = postgres(settings, options, &hooks);
        let logins = bridge.as_ref().map(|bridge| Arc::clone(bridge.logins()));
        let maintainer = PoolMaintainer::spawn(pool.clone(), hooks.clone(), logins, settings);
        let pool = Pool::Postgres(pool);
        Ok(Self::register(
            metrics,
            Inner {
                name: settings.name.as_str().into(),
                min: settings.min_connections,
                connection: pool.connection(on_executed),
                pool,
                recorder,
                recycling: Some(hooks.recycling),
                bridge,
                _maintainer: Some(maintainer),
            },
        ))
    }

    /// Makes the metrics read the gauges of the pool.
    fn register(metrics: &DbMetrics, inner: Inner) -> Self {
        let inner = Arc::new(inner);
        let gauges: Arc<dyn GaugeSource> = Arc::<Inner>::clone(&inner);
        metrics.read_from(Arc::downgrade(&gauges));
        Self { inner }
    }

    /// Returns the name of the pool.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns sea-orm's connection, for functions that accept no other type. Its statements are
    /// not recorded.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.inner.connection
    }

    /// Returns sqlx's pool, for what sea-orm does not offer; `None` for SQLite. Its statements are
    /// not recorded.
    #[cfg(feature = "postgres")]
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

    /// Logs in for the first time. Retries with backoff for up to `within`, because a server may be
    /// starting and a new grant of IAM takes a moment.
    ///
    /// # Errors
    ///
    /// Returns the error of the last attempt. Returns it at once if another attempt cannot work,
    /// for example because the database does not exist or the server's certificate is not valid.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the attempts. The pool stays usable.
    pub async fn connect(&self, within: Duration) -> Result<(), DbError> {
        let deadline = Instant::now() + within;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut last = None;
        loop {
            let error = match timeout_at(deadline, self.inner.pool.ping()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => self.explain(error),
                // The error of the attempt before says more than that this one was cut off.
                Err(_) => last.take().unwrap_or_else(|| self.explain(sqlx::Error::PoolTimedOut)),
            };
            let pause = backoff.pause();
            if error.is_permanent() || Instant::now() + pause >= deadline {
                return Err(error);
            }
            last = Some(error);
            sleep(pause).await;
        }
    }

    fn explain(&self, error: sqlx::Error) -> DbError {
        match &self.inner.pool {
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => {
                let bridge = self.inner.bridge.as_ref();
                postgres_error(error, bridge.and_then(|bridge| bridge.logins().failure()))
            }
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => sqlite_error(error),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Pool::Absent(never) => {
                drop(error);
                match *never {}
            }
        }
    }

    /// Returns how much of the pool is in use.
    pub fn usage(&self) -> PoolUsage {
        let Inner { pool, recorder, .. } = &*self.inner;
        let used = pool.used();
        let waiting = recorder.pending.get().saturating_sub(u64::from(used));
        PoolUsage {
            size: pool.size().into(),
            used: used.into(),
            max: pool.max().into(),
            waiting: Some(waiting),
        }
    }

    /// Checks whether the database answers, and whether new logins can be expected to work. Takes
    /// at most 3 s. It does not wait behind requests, and writes nothing.
    ///
    /// Failing credentials are [`DbHealth::Degraded`] while existing connections work. Do not fail
    /// readiness then: it would remove all instances from the load balancer at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the check.
    pub async fn check(&self) -> DbHealth {
        let Inner { pool, recorder, .. } = &*self.inner;
        let alive = match pool.ping_idle(PING_TIMEOUT).await {
            Some(answer) => answer,
            // All connections are in use: a recent success is as good as another query.
            None if pool.used() >= pool.max() && recorder.succeeded_within(RECENT_SUCCESS) => {
                Ok(())
            }
            None => {
                let ping = timeout(PING_TIMEOUT * 2, pool.ping()).await;
                ping.unwrap_or(Err(sqlx::Error::PoolTimedOut))
            }
        };
        if let Err(error) = alive {
            return DbHealth::Down(self.explain(error).to_string());
        }
        self.login_health()
    }

    /// Returns whether new logins can be expected to work.
    #[cfg(feature = "postgres")]
    fn login_health(&self) -> DbHealth {
        let Some(bridge) = &self.inner.bridge else { return DbHealth::Up };
        if let Some(complaint) = bridge.dialer().complaint() {
            return DbHealth::Degraded(format!("no fresh credentials: {complaint}"));
        }
        match bridge.logins().failure() {
            Some(failed) => DbHealth::Degraded(format!("no new connections: {}", failed.reason)),
            None => DbHealth::Up,
        }
    }

    #[cfg(not(feature = "postgres"))]
    #[allow(clippy::unused_self, reason = "SQLite has no logins")]
    fn login_health(&self) -> DbHealth {
        DbHealth::Up
    }

    /// Closes the pool: rejects new queries, waits for the connections in use, and then closes the
    /// bridge. Bound it with a timeout, because it waits for connections that are never returned
    /// too.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. The pool stays closed for new queries.
    pub async fn close(&self) {
        self.inner.pool.close().await;
        #[cfg(feature = "postgres")]
        if let Some(bridge) = &self.inner.bridge {
            bridge.close().await;
        }
    }
}

fn recorder(metrics: &DbMetrics, settings: &DbSettings, common: [String; 4]) -> Recorder {
    Recorder::new(Arc::new(PoolMetrics::new(metrics, &settings.name, common)))
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("name", &self.inner.name)
            .field("pool", &self.usage())
            .finish_non_exhaustive()
    }
}
