//! The time of a test kit: tokio's time, and what the test added to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sre_kit_core::internal::{Clock as RequestClock, ClockHandle};
use tokio::time::Instant;

use crate::slo::{Clock, ManualClock};

/// The two clocks of a kit, moved together.
///
/// They follow tokio's time, paused or not, whenever the kit polls a request. They stand still in
/// between, so that what a test reads does not depend on how fast it runs.
#[derive(Clone)]
pub(super) struct TestTime {
    slo: ManualClock,
    requests: ClockHandle,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The instant of tokio's time that the clocks followed last.
    followed: Instant,
    elapsed: Duration,
}

impl TestTime {
    /// Returns the time, the clock of the SLO windows and the clock of the requests.
    pub(super) fn new() -> (Self, Clock, RequestClock) {
        let (slo_clock, slo) = Clock::manual();
        let (request_clock, requests) = RequestClock::manual();
        let state = State { followed: Instant::now(), elapsed: Duration::ZERO };
        let time = Self { slo, requests, state: Arc::new(Mutex::new(state)) };
        (time, slo_clock, request_clock)
    }

    /// Moves the clocks to tokio's time.
    pub(super) fn follow(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        let passed = now.saturating_duration_since(state.followed);
        state.followed = now;
        self.add(&mut state, passed);
    }

    /// Moves the clocks forward, ahead of tokio's time.
    pub(super) fn advance(&self, by: Duration) {
        self.add(&mut self.lock(), by);
    }

    /// Returns the time since the kit was built.
    pub(super) fn elapsed(&self) -> Duration {
        self.lock().elapsed
    }

    fn add(&self, state: &mut State, by: Duration) {
        let millis = |elapsed: Duration| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let before = millis(state.elapsed);
        state.elapsed += by;
        // The clock of the windows has whole milliseconds; the rest is carried over.
        self.slo.advance(Duration::from_millis(millis(state.elapsed) - before));
        self.requests.increment(by);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::TestTime;

    #[tokio::test(start_paused = true)]
    async fn both_clocks_follow_tokios_time_and_keep_what_was_added() {
        let (time, slo, requests) = TestTime::new();
        let start = requests.read();
        time.advance(Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(slo.elapsed(), Duration::from_secs(5), "it stands still in between");
        time.follow();
        assert_eq!(slo.elapsed(), Duration::from_millis(5_400));
        assert_eq!(requests.nanos_since(start), 5_400_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn parts_of_a_millisecond_add_up() {
        let (time, slo, _) = TestTime::new();
        for _ in 0..10 {
            time.advance(Duration::from_micros(300));
        }
        assert_eq!(slo.elapsed(), Duration::from_millis(3));
    }
}
