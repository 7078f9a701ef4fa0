//! The pool of a PostgreSQL server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

use super::Recycling;
use crate::bridge::{LocalAddress, SECRET_OPTION};
use crate::instrument::PoolMetrics;
use crate::settings::{DbSettings, Postgres};

/// The longest that the ping before a use may take. The bridge answers it by itself if the server
/// spoke within the last second, and knows of a session that the server has ended.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The state that the pool's hooks read.
#[derive(Clone)]
pub(crate) struct PoolHooks {
    pub(crate) recycling: Arc<Recycling>,
    pub(crate) can_log_in: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(crate) metrics: Arc<PoolMetrics>,
}

/// Returns the options of sqlx, which connects to the bridge, or to the socket of a server.
pub(crate) fn session_options(
    settings: &DbSettings,
    postgres: &Postgres,
    local: &LocalAddress,
) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass()
        .username(&postgres.user)
        .database(&postgres.database)
        .application_name(&settings.name)
        .ssl_mode(PgSslMode::Disable)
        .options([
            ("statement_timeout", settings.statement_timeout.as_millis().to_string()),
            (
                "idle_in_transaction_session_timeout",
                settings.idle_in_transaction_timeout.as_millis().to_string(),
            ),
        ]);
    options = match local {
        LocalAddress::Socket { directory, port } => options.socket(directory).port(*port),
        LocalAddress::Loopback { port, secret } => {
            options.host("127.0.0.1").port(*port).options([(SECRET_OPTION, secret.expose())])
        }
    };
    if let Some(password) = &postgres.password {
        options = options.password(password.expose());
    }
    // sqlx's log contains the text of slow statements, which may contain user input.
    options.disable_statement_logging()
}

/// Creates a pool that connects at the first query.
pub(crate) fn postgres(
    settings: &DbSettings,
    connect_options: PgConnectOptions,
    hooks: &PoolHooks,
) -> PgPool {
    let PoolHooks { recycling, can_log_in, metrics } = hooks.clone();
    let pinged = Arc::clone(&metrics);
    PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .min_connections(0)
        .acquire_timeout(settings.acquire_timeout)
        // The maintainer and the hooks below do this, and pause it during outages.
        .max_lifetime(None)
        .idle_timeout(None)
        // The hook below does it, with a limit to its time.
        .test_before_acquire(false)
        .before_acquire(move |connection, _| {
            let pinged = Arc::clone(&pinged);
            async move {
                let alive = matches!(timeout(PING_TIMEOUT, connection.ping()).await, Ok(Ok(())));
                if !alive {
                    pinged.broken.inc();
                    return Err(sqlx::Error::WorkerCrashed);
                }
                Ok(true)
            }
            .boxed()
        })
        .after_release(move |_, meta| {
            let due = recycling.is_due(meta.age, can_log_in(), Instant::now());
            if due {
                metrics.by_age.inc();
            }
            std::future::ready(Ok(!due)).boxed()
        })
        .connect_lazy_with(connect_options)
}
