//! The loops that run the checks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select;
use sre_kit_core::internal::random_fraction;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::check::CheckFn;
use super::check_result::CheckResult;
use super::check_run::{CheckRun, RunResult};
use super::check_spec::CheckSpec;
use super::handle::Health;

impl Health {
    /// Spawns [`run`](Self::run) on the current runtime, without an end.
    ///
    /// Startup can complete from now on: take the first [`latch`](Self::latch) before. Aborting the
    /// handle stops the loops; dropping it does not.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, as [`tokio::spawn`] does.
    pub fn spawn(&self) -> JoinHandle<()> {
        tokio::spawn(self.clone().run(std::future::pending()))
    }

    /// Runs every check in its own loop until `stop` is ready.
    ///
    /// A second call waits until the first has ended, so that a check never runs twice at the same
    /// time. After the loops have ended, results become stale and the gates fail.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the loops and drops the runs in flight.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let loops = async {
            let _guard = self.inner.running.lock().await;
            let mut loops = JoinSet::new();
            for index in 0..self.inner.specs.len() {
                loops.spawn(run_loop(self.clone(), index));
            }
            self.update(|state| state.running = true);
            // A loop never ends. Without any check, only `stop` ends this future.
            while loops.join_next().await.is_some() {}
            std::future::pending::<()>().await;
        };
        select(pin!(loops), pin!(stop)).await;
    }
}

/// Runs check `index` in a loop until the future is dropped.
///
/// The loop awaits each run, so a check is single-flight by construction. A run that is longer than
/// its interval delays the next one.
async fn run_loop(health: Health, index: usize) {
    let spec = &health.specs()[index];
    loop {
        let started = Instant::now();
        let run = run_once(health.check_fn(index), spec.timeout).await;
        health.record(index, run);
        sleep_until(started + pause(spec, random_fraction())).await;
    }
}

/// Runs a check once. Catches its panics and bounds its time.
async fn run_once(check_fn: &CheckFn, limit: Duration) -> CheckRun {
    let started = Instant::now();
    // The call is inside of the future, because it may panic as well as the future it returns.
    let mut future = Box::pin(AssertUnwindSafe(async { check_fn().await }).catch_unwind());
    let ended = timeout(limit, &mut future).await;
    let duration = started.elapsed();
    // A run that timed out releases what it holds before its result is visible.
    let dropped = catch_unwind(AssertUnwindSafe(move || drop(future)));
    let (result, message) = match ended {
        Ok(Ok(CheckResult::Pass)) => (RunResult::Pass, None),
        Ok(Ok(CheckResult::Warn(message))) => (RunResult::Warn, Some(message)),
        Ok(Ok(CheckResult::Fail(message))) => (RunResult::Fail, Some(message)),
        Ok(Err(payload)) => (RunResult::Panic, panic_message(&*payload)),
        Err(_elapsed) => (RunResult::Timeout, None),
    };
    match dropped {
        Ok(()) => CheckRun::now(result, message, duration),
        Err(payload) => CheckRun::now(RunResult::Panic, panic_message(&*payload), duration),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).map(str::to_owned)
}

/// Returns the time from one start to the next: the interval with jitter. `unit` is uniform in
/// [0, 1).
fn pause(spec: &CheckSpec, unit: f64) -> Duration {
    spec.interval.mul_f64(1.0 + spec.jitter * (2.0 * unit - 1.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::pause;
    use crate::health::Check;

    proptest! {
        #[test]
        fn a_pause_deviates_from_the_interval_by_at_most_the_jitter(
            millis in 1_u64..86_400_000,
            jitter in 0.0..=0.5_f64,
            unit in 0.0..1.0_f64,
        ) {
            let interval = Duration::from_millis(millis);
            let check = Check::new("db", || async {}).interval(interval).jitter(jitter);
            let (spec, _) = check.resolve().expect("valid");
            let (least, most) = (interval.mul_f64(1.0 - jitter), interval.mul_f64(1.0 + jitter));
            let got = pause(&spec, unit);
            prop_assert!(least <= got && got <= most, "{least:?} {got:?} {most:?}");
            prop_assert!(!got.is_zero());
            prop_assert_eq!(pause(&spec, 0.5), interval);
        }
    }
}
