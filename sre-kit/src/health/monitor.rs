//! The loop that each check has for itself.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt;
use sre_kit_core::internal::random_fraction;
use tokio::time::{Instant, sleep_until, timeout};

use super::Health;
use super::board::{Ending, Outcome};
use super::check::{Run, Spec};
use super::verdict::CheckResult;

/// Runs check `index` until it is dropped.
///
/// One run at a time, so a check is single-flight by construction. A run that
/// overstays its interval delays the next one and never doubles it.
pub(super) async fn watch(health: Health, index: usize) {
    let spec = &health.specs()[index];
    loop {
        let begun = Instant::now();
        let outcome = run_once(health.run_of(index), spec.timeout).await;
        health.record(index, outcome);
        sleep_until(begun + pause(spec, random_fraction())).await;
    }
}

/// One run, with its panics contained and its time bounded.
async fn run_once(run: &Run, limit: Duration) -> Outcome {
    let begun = Instant::now();
    // The call is inside, for it may panic as well as what it returns.
    let mut future = Box::pin(AssertUnwindSafe(async { run().await }).catch_unwind());
    let ended = timeout(limit, &mut future).await;
    let took = begun.elapsed();
    // What a timed-out run holds is released now, before anyone is told.
    let dropped = catch_unwind(AssertUnwindSafe(move || drop(future)));
    let (ending, message) = match ended {
        Ok(Ok(CheckResult::Pass)) => (Ending::Pass, None),
        Ok(Ok(CheckResult::Warn(message))) => (Ending::Warn, Some(message)),
        Ok(Ok(CheckResult::Fail(message))) => (Ending::Fail, Some(message)),
        Ok(Err(payload)) => (Ending::Panic, panic_message(&*payload)),
        Err(_elapsed) => (Ending::Timeout, None),
    };
    match dropped {
        Ok(()) => Outcome::now(ending, message, took),
        Err(payload) => Outcome::now(Ending::Panic, panic_message(&*payload), took),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).map(str::to_owned)
}

/// From one start to the next: the interval, more or less by the jitter. `unit` is
/// uniform in [0, 1).
fn pause(spec: &Spec, unit: f64) -> Duration {
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
        fn a_pause_is_the_interval_give_or_take_the_jitter(
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
