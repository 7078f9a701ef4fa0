//! What a pool needs done while nobody uses it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::Hooks;
use crate::bridge::Logins;
use crate::credentials::jittered;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);

/// How often it tries a login while the last one failed.
const TRIAL: Duration = Duration::from_secs(5);

/// Two idle connections are looked at so far apart, so that the pool never seems empty
/// because of it.
const APART: Duration = Duration::from_millis(5);

/// A task that closes what nobody needed, renews what lies idle, and finds out when
/// logging in works again.
///
/// sqlx hands out the connection that was idle longest, so that under little load all
/// of them are used in turn and none is ever idle for long. What counts here is how
/// many were idle at the same time: those that were so for the whole of the idle
/// timeout were not needed.
#[derive(Debug)]
pub(crate) struct Keeper {
    _task: AbortOnDropHandle<()>,
}

struct Task {
    pool: PgPool,
    hooks: Hooks,
    logins: Option<Arc<Logins>>,
    min: u32,
    idle_timeout: Duration,
    acquire_timeout: Duration,
}

impl Keeper {
    pub(crate) fn spawn(
        pool: PgPool,
        hooks: Hooks,
        logins: Option<Arc<Logins>>,
        settings: &crate::DbSettings,
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
        let look = LOOK.min(self.idle_timeout / 4);
        let mut least_idle = u32::MAX;
        let mut window = Instant::now();
        let mut tried = Instant::now();
        let renew = (self.hooks.recycling.lifetime() / 20).clamp(look, Duration::from_secs(30));
        let mut renewed = Instant::now();
        loop {
            sleep(jittered(look, 0.2)).await;
            if self.pool.is_closed() {
                return;
            }
            least_idle = least_idle.min(u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX));
            if window.elapsed() >= self.idle_timeout {
                self.close_idle(least_idle).await;
                (least_idle, window) = (u32::MAX, Instant::now());
            }
            if renewed.elapsed() >= renew {
                self.renew_idle().await;
                renewed = Instant::now();
            }
            let failing = self.logins.as_ref().is_some_and(|logins| logins.failure().is_some());
            if failing && tried.elapsed() >= jittered(TRIAL, 0.2) {
                self.try_login().await;
                tried = Instant::now();
            }
            self.fill().await;
        }
    }

    /// Closes `surplus` connections, as long as new ones could be made.
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
            let _ = timeout(LOOK, connection.close()).await;
        }
    }

    /// Hands each idle connection out and takes it back, which asks it for a sign of
    /// life, and renews it when it is due.
    async fn renew_idle(&self) {
        for _ in 0..self.pool.num_idle() {
            let Some(connection) = self.pool.try_acquire() else { return };
            drop(connection);
            sleep(APART).await;
        }
    }

    /// Logs in and out. The bridge takes note of how it went.
    async fn try_login(&self) {
        let options = self.pool.connect_options();
        let login = PgConnection::connect_with(&options);
        if let Ok(Ok(connection)) = timeout(self.acquire_timeout, login).await {
            let _ = timeout(LOOK, connection.close()).await;
        }
    }

    /// Connects until there are as many as stay without work.
    async fn fill(&self) {
        // One is made when none is idle, so those that are have to be held meanwhile.
        let mut held = Vec::new();
        while self.pool.size() < self.min && (self.hooks.can_log_in)() {
            let Ok(connection) = self.pool.acquire().await else { return };
            held.push(connection);
        }
    }
}
