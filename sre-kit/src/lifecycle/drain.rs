//! The way out, phase by phase.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::builder::{DrainReadiness, Settings};
use super::hooks::{HookFailure, Hooks, run_async, run_blocking, run_now};
use super::outcome::ShutdownReport;
use super::state::{LEFTOVER, Loss, Progress, ShutdownPhase, State};
use super::tasks::Tasks;
use super::trigger::ShutdownReason;
use crate::server::{DrainSignal, RunningServer, Unfinished};

/// How long dropped tasks have to notice.
const DROP_TIME: Duration = Duration::from_millis(100);

/// Everything that takes part in a shutdown.
pub(super) struct Drain<'a> {
    pub(super) settings: &'a Settings,
    pub(super) progress: &'a Progress,
    pub(super) signal: &'a DrainSignal,
    pub(super) tasks: &'a Tasks,
    pub(super) servers: Vec<RunningServer>,
    pub(super) admin: Vec<RunningServer>,
    pub(super) hooks: Hooks,
}

impl Drain<'_> {
    /// Runs the phases in their order and says how they went.
    pub(super) async fn run(mut self, reason: ShutdownReason) -> ShutdownReport {
        let began = Instant::now();
        let mut failures = Vec::new();
        self.progress.enter(State::Draining);
        tracing::info!(%reason, in_flight = self.in_flight(), "shutdown begins");

        self.progress.begin(ShutdownPhase::Delay);
        failures.extend(self.delay().await);
        self.progress.end(ShutdownPhase::Delay);

        self.progress.begin(ShutdownPhase::Drain);
        let deadline = Instant::now() + self.settings.drain;
        let mut cut_off = self.requests(deadline).await;
        self.progress.end(ShutdownPhase::Drain);

        self.progress.enter(State::Stopping);
        self.progress.begin(ShutdownPhase::Tasks);
        let (upgraded, tasks_left) = self.tasks(at_least(deadline)).await;
        cut_off.upgraded += upgraded;
        self.progress.end(ShutdownPhase::Tasks);

        self.progress.begin(ShutdownPhase::Pools);
        let hooks = std::mem::take(&mut self.hooks.pools);
        failures.extend(run_async(ShutdownPhase::Pools, hooks, at_least(deadline)).await);
        self.progress.end(ShutdownPhase::Pools);

        self.progress.begin(ShutdownPhase::Telemetry);
        let hooks = std::mem::take(&mut self.hooks.telemetry);
        let budget = self.settings.flush;
        failures.extend(run_blocking(ShutdownPhase::Telemetry, hooks, budget).await);
        self.progress.end(ShutdownPhase::Telemetry);

        // Counted before the last scrape, which the admin listener may still answer.
        self.progress.lost(Loss::Connections, cut_off.connections);
        self.progress.lost(Loss::Requests, cut_off.requests);
        self.progress.lost(Loss::Upgraded, cut_off.upgraded);
        self.progress.lost(Loss::Tasks, tasks_left);
        self.progress.lost(Loss::Hooks, failures.len());

        self.progress.begin(ShutdownPhase::Admin);
        let hooks = std::mem::take(&mut self.hooks.admin);
        let end = Instant::now() + LEFTOVER;
        let (late, _) = tokio::join!(
            run_async(ShutdownPhase::Admin, hooks, end),
            // Whoever still scrapes is not counted as lost.
            join_all(self.admin.iter().map(|server| server.close(end))),
        );
        self.progress.lost(Loss::Hooks, late.len());
        failures.extend(late);
        self.progress.end(ShutdownPhase::Admin);

        self.progress.enter(State::Stopped);
        let outcome = ShutdownReport {
            reason,
            phases: self.progress.phases(),
            cut_off,
            tasks_left,
            failures,
            cut_short_code: self.settings.cut_short_code,
        };
        let (seconds, code) = (began.elapsed().as_secs_f64(), outcome.code());
        if outcome.is_clean() {
            tracing::info!(seconds, code, "shutdown is over, nothing was lost");
        } else {
            let Unfinished { connections, requests, upgraded } = outcome.cut_off;
            let hooks = outcome.failures.len();
            tracing::error!(
                seconds,
                code,
                connections,
                requests,
                upgraded,
                tasks = tasks_left,
                hooks,
                "shutdown was cut short"
            );
        }
        outcome
    }

    fn in_flight(&self) -> usize {
        self.servers.iter().map(RunningServer::requests_in_flight).sum()
    }

    /// Readiness off, and clients told to leave, while everything is still served.
    async fn delay(&mut self) -> Vec<HookFailure> {
        let hooks = std::mem::take(&mut self.hooks.readiness);
        let mut failures = Vec::new();
        let mut later = None;
        match self.settings.readiness {
            DrainReadiness::Immediate => failures = run_now(ShutdownPhase::Delay, hooks),
            DrainReadiness::AfterDelay => later = Some(hooks),
        }
        self.signal.begin_draining();
        self.servers.iter().for_each(RunningServer::announce);
        sleep(self.settings.delay).await;
        if let Some(hooks) = later {
            failures = run_now(ShutdownPhase::Delay, hooks);
        }
        failures
    }

    /// Nothing is accepted any more; requests are finished or cut off.
    async fn requests(&mut self, deadline: Instant) -> Unfinished {
        self.signal.begin_closing();
        let all = join_all(self.servers.iter().map(|server| server.drain(deadline))).await;
        let mut sum = Unfinished::default();
        for cut in all {
            sum.connections += cut.connections;
            sum.requests += cut.requests;
        }
        if !sum.is_empty() {
            let Unfinished { connections, requests, .. } = sum;
            tracing::error!(connections, requests, "the drain's time is over: cut off");
        }
        sum
    }

    /// Background tasks and upgraded connections end, or are dropped.
    async fn tasks(&mut self, deadline: Instant) -> (usize, usize) {
        self.tasks.stop();
        let upgraded = join_all(self.servers.iter().map(|server| server.close_upgraded(deadline)));
        let tasks = async {
            if timeout_at(deadline, self.tasks.ended()).await.is_ok() {
                return 0;
            }
            let left = self.tasks.len();
            self.tasks.cut();
            let _ = timeout(DROP_TIME, self.tasks.ended()).await;
            left
        };
        let (upgraded, tasks) = tokio::join!(upgraded, tasks);
        let upgraded = upgraded.iter().sum();
        if upgraded > 0 || tasks > 0 {
            tracing::error!(upgraded, tasks, "the drain's time is over: dropped");
        }
        (upgraded, tasks)
    }
}

/// `deadline`, but not at once.
fn at_least(deadline: Instant) -> Instant {
    deadline.max(Instant::now() + LEFTOVER)
}
