//! The graceful shutdown, phase by phase.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::drain_readiness::DrainReadiness;
use super::hook_failure::HookFailure;
use super::hooks::{Hooks, run_async, run_blocking, run_now};
use super::long_wait::reported;
use super::progress::{Loss, Progress};
use super::settings::Settings;
use super::shutdown_phase::{MIN_PHASE_TIME, ShutdownPhase};
use super::shutdown_reason::ShutdownReason;
use super::shutdown_report::ShutdownReport;
use super::state::State;
use super::tasks::Tasks;
use crate::server::{DrainSignal, RunningServer, Unfinished};

/// How long tasks that are dropped have to end.
const ABORT_TIME: Duration = Duration::from_millis(100);

/// Everything that takes part in a graceful shutdown.
pub(super) struct GracefulShutdown<'a> {
    pub(super) settings: &'a Settings,
    pub(super) progress: &'a Progress,
    pub(super) signal: &'a DrainSignal,
    pub(super) tasks: &'a Tasks,
    pub(super) servers: Vec<RunningServer>,
    pub(super) admin_servers: Vec<RunningServer>,
    pub(super) hooks: Hooks,
}

impl GracefulShutdown<'_> {
    /// Runs the phases in their order and reports on them.
    pub(super) async fn run(mut self, reason: ShutdownReason) -> ShutdownReport {
        let began = Instant::now();
        let mut failures = Vec::new();
        // Before the state says so: the next response after it already has `Connection: close`.
        self.signal.begin_draining();
        self.servers.iter().for_each(RunningServer::announce);
        self.progress.enter(State::Draining);
        tracing::info!(%reason, in_flight = in_flight(&self.servers), "shutdown begins");

        self.progress.begin(ShutdownPhase::Delay);
        failures.extend(self.delay().await);
        self.progress.end(ShutdownPhase::Delay);

        self.progress.begin(ShutdownPhase::Drain);
        let deadline = Instant::now() + self.settings.drain_timeout;
        let mut unfinished = self.drain(deadline).await;
        self.progress.end(ShutdownPhase::Drain);

        self.progress.enter(State::Stopping);
        self.progress.begin(ShutdownPhase::Tasks);
        let (upgraded, tasks_left) = self.end_tasks(at_least(deadline)).await;
        unfinished.upgraded += upgraded;
        self.progress.end(ShutdownPhase::Tasks);

        self.progress.begin(ShutdownPhase::Pools);
        let hooks = std::mem::take(&mut self.hooks.pools);
        failures.extend(run_async(ShutdownPhase::Pools, hooks, at_least(deadline)).await);
        self.progress.end(ShutdownPhase::Pools);

        self.progress.begin(ShutdownPhase::Telemetry);
        let hooks = std::mem::take(&mut self.hooks.telemetry);
        let budget = self.settings.flush_timeout;
        let not_flushed = run_blocking(ShutdownPhase::Telemetry, hooks, budget).await;
        self.progress.end(ShutdownPhase::Telemetry);

        // Counted before the admin listener closes, so that the last scrape shows the losses.
        self.progress.lost(Loss::Connections, unfinished.connections);
        self.progress.lost(Loss::Requests, unfinished.requests);
        self.progress.lost(Loss::Upgraded, unfinished.upgraded);
        self.progress.lost(Loss::Tasks, tasks_left);
        self.progress.lost(Loss::Hooks, failures.len());
        self.progress.lost(Loss::Telemetry, not_flushed.len());
        failures.extend(not_flushed);

        self.progress.begin(ShutdownPhase::Admin);
        let hooks = std::mem::take(&mut self.hooks.admin);
        let end = Instant::now() + MIN_PHASE_TIME;
        let (late, _) = join(
            run_async(ShutdownPhase::Admin, hooks, end),
            // A scrape that is cut off here is not counted as lost.
            join_all(self.admin_servers.iter().map(|server| server.close(end))),
        )
        .await;
        self.progress.lost(Loss::Hooks, late.len());
        failures.extend(late);
        self.progress.end(ShutdownPhase::Admin);

        self.progress.enter(State::Stopped);
        let report = ShutdownReport {
            reason,
            phases: self.progress.phases(),
            unfinished,
            tasks_left,
            failures,
            cut_short_code: self.settings.cut_short_code,
            telemetry_lost_code: self.settings.telemetry_lost_code,
        };
        let (seconds, code) = (began.elapsed().as_secs_f64(), report.code());
        if report.is_clean() {
            tracing::info!(seconds, code, "shutdown is over, nothing was lost");
        } else if !report.is_cut_short() {
            tracing::warn!(seconds, code, "shutdown is over, only telemetry was lost");
        } else {
            let Unfinished { connections, requests, upgraded } = report.unfinished;
            let hooks = report.failures.len();
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
        report
    }

    /// Turns readiness off, while everything is served.
    async fn delay(&mut self) -> Vec<HookFailure> {
        let hooks = std::mem::take(&mut self.hooks.readiness);
        let mut failures = Vec::new();
        let mut later = None;
        match self.settings.readiness {
            DrainReadiness::Immediate => failures = run_now(ShutdownPhase::Delay, hooks),
            DrainReadiness::AfterDelay => later = Some(hooks),
        }
        sleep(self.settings.drain_delay).await;
        if let Some(hooks) = later {
            failures = run_now(ShutdownPhase::Delay, hooks);
        }
        failures
    }

    /// Stops accepting and waits until requests are finished. Cuts off the rest at `deadline`.
    async fn drain(&mut self, deadline: Instant) -> Unfinished {
        self.signal.begin_closing();
        let all = join_all(self.servers.iter().map(|server| server.drain(deadline)));
        let servers = &self.servers;
        let report = || {
            let seconds_left = seconds_until(deadline);
            tracing::info!(in_flight = in_flight(servers), seconds_left, "waiting for requests");
        };
        let all = reported(all, report).await;
        let mut sum = Unfinished::default();
        for unfinished in all {
            sum.connections += unfinished.connections;
            sum.requests += unfinished.requests;
        }
        if !sum.is_empty() {
            let Unfinished { connections, requests, .. } = sum;
            tracing::error!(connections, requests, "the drain's time is over: cut off");
        }
        sum
    }

    /// Stops background tasks and upgraded connections. Drops the rest at `deadline`, and returns
    /// the numbers of upgraded connections and of tasks that were dropped.
    async fn end_tasks(&mut self, deadline: Instant) -> (usize, usize) {
        self.tasks.stop();
        let upgraded = join_all(self.servers.iter().map(|server| server.close_upgraded(deadline)));
        let tasks = self.tasks;
        let report = || {
            let seconds_left = seconds_until(deadline);
            tracing::info!(tasks = tasks.len(), seconds_left, "waiting for background tasks");
        };
        let tasks = async {
            if reported(timeout_at(deadline, tasks.ended()), report).await.is_ok() {
                return 0;
            }
            let left = tasks.len();
            tasks.abort();
            let _ = timeout(ABORT_TIME, tasks.ended()).await;
            left
        };
        let (upgraded, tasks) = join(upgraded, tasks).await;
        let upgraded = upgraded.iter().sum();
        if upgraded > 0 || tasks > 0 {
            tracing::error!(upgraded, tasks, "the drain's time is over: dropped");
        }
        (upgraded, tasks)
    }
}

/// Returns the number of requests in flight on all servers.
fn in_flight(servers: &[RunningServer]) -> usize {
    servers.iter().map(RunningServer::requests_in_flight).sum()
}

/// Returns `deadline`, or the end of [`MIN_PHASE_TIME`] from now if that is later.
fn at_least(deadline: Instant) -> Instant {
    deadline.max(Instant::now() + MIN_PHASE_TIME)
}

/// Returns the whole seconds until `deadline`, for a log line.
fn seconds_until(deadline: Instant) -> u64 {
    deadline.saturating_duration_since(Instant::now()).as_secs()
}
