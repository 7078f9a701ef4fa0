//! The maintenance of an idle pool.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::PoolHooks;
use crate::bridge::LoginStatus;
use crate::credentials::jittered;

/// The interval of the maintenance.
const INTERVAL: Duration = Duration::from_secs(1);

/// The interval of trial logins while the last login failed.
const TRIAL_INTERVAL: Duration = Duration::from_secs(5);

/// The pause between two idle connections that are checked, so that the check never empties the
/// pool.
const CHECK_PAUSE: Duration = Duration::from_millis(5);

/// The task that closes connections that were not needed, replaces old ones that are idle, and
/// tries to log in while logins fail.
///
/// sqlx hands out the connection that was idle longest. Under low load all of them are used in
/// turn, and none is ever idle for long. So the task counts how many were idle at the same time:
/// the minimum over the idle timeout was not needed.
#[derive(Debug)]
pub(crate) struct PoolMaintainer {
    _task: AbortOnDropHandle<()>,
}

struct Task {
    pool: PgPool,
    hooks: PoolHooks,
    logins: Option<Arc<LoginStatus>>,
    min: u32,
    idle_timeout: Duration,
    acquire_timeout: Duration,
}

impl PoolMaintainer {
    pub(crate) fn spawn(
        pool: PgPool,
        hooks: PoolHooks,
        logins: Option<Arc<LoginStatus>>,
        settings: &crate::settings::DbSettings,
    ) -> Self {
        let task = Task {
            pool,
            hooks,
            logins,
            min: settings.min_connections,
            idle_timeout: settings.idle_timeout,
            acquire_timeout: settings.acquire_timeout,
        };
        Self { _task: AbortOnDropHandle::new(tokio::spawn(task.run())) }
    }
}

impl Task {
    async fn run(self) {
        let interval = INTERVAL.min(self.idle_timeout / 4);
        let mut least_idle = u32::MAX;
        let mut window = Instant::now();
        let mut tried = Instant::now();
        let check_interval =
            (self.hooks.recycling.lifetime() / 20).clamp(interval, Duration::from_secs(30));
        let mut checked = Instant::now();
        loop {
            sleep(jittered(interval, 0.2)).await;
            if self.pool.is_closed() {
                return;
            }
            least_idle = least_idle.min(u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX));
            if window.elapsed() >= self.idle_timeout {
                self.close_idle(least_idle).await;
                (least_idle, window) = (u32::MAX, Instant::now());
            }
            if checked.elapsed() >= check_interval {
                self.check_idle().await;
                checked = Instant::now();
            }
            let failing = self.logins.as_ref().is_some_and(|logins| logins.has_failed());
            if failing && tried.elapsed() >= jittered(TRIAL_INTERVAL, 0.2) {
                self.try_login().await;
                tried = Instant::now();
            }
            self.fill().await;
        }
    }

    /// Closes `surplus` connections, unless new logins fail.
    async fn close_idle(&self, surplus: u32) {
        if !(self.hooks.can_log_in)() {
            return;
        }
        for _ in 0..surplus {
            if self.pool.size() <= self.min {
                return;
            }
            let Some(connection) = self.pool.try_acquire() else { return };
            self.hooks.metrics.by_idleness.inc();
            let _ = timeout(INTERVAL, connection.close()).await;
        }
    }

    /// Acquires and releases each idle connection. The pool's hooks then ping it, and close it if
    /// it is due.
    async fn check_idle(&self) {
        for _ in 0..self.pool.num_idle() {
            let Some(connection) = self.pool.try_acquire() else { return };
            drop(connection);
            sleep(CHECK_PAUSE).await;
        }
    }

    /// Logs in and out. The bridge records the outcome.
    async fn try_login(&self) {
        let options = self.pool.connect_options();
        let login = PgConnection::connect_with(&options);
        if let Ok(Ok(connection)) = timeout(self.acquire_timeout, login).await {
            let _ = timeout(INTERVAL, connection.close()).await;
        }
    }

    /// Connects until there are `min_connections`.
    async fn fill(&self) {
        // The pool opens a connection only if none is idle, so those are held meanwhile.
        let mut held = Vec::new();
        while self.pool.size() < self.min && (self.hooks.can_log_in)() {
            let Ok(connection) = self.pool.acquire().await else { return };
            held.push(connection);
        }
    }
}
