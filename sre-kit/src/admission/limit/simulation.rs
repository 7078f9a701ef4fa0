//! A simulation of the adaptive limit with a model of a service, in virtual time.
//!
//! The model is an unbounded queue with `workers` servers. Admitted requests wait inside it for a
//! worker, as they do inside a real service, and the latency that the limit measures grows with
//! them. The rate of arrivals does not depend on the responses (an open loop), so it can overload
//! the model.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use proptest::prelude::*;
use tokio::sync::Semaphore;
use tower::{Layer, ServiceExt, service_fn};

use super::gradient::{Gradient, Internals, Sample};
use super::{GradientSettings, Limit};
use crate::admission::Admission;
use crate::metrics::Registry;
use sre_kit_core::internal::Clock;

struct Model {
    admission: Admission,
    clock: Arc<quanta::Mock>,
    workers: Arc<Semaphore>,
    /// The milliseconds of work per request.
    work: Arc<AtomicU64>,
}

/// The observations of one run.
#[derive(Debug, Default)]
struct Observed {
    /// The limits every 50 ms, sorted.
    limits: Vec<u32>,
    served: u64,
    /// The sum of the milliseconds from arrival to response, of the requests that were served.
    total_millis: u64,
}

impl Observed {
    /// Returns the median of the limit, which short probes do not change.
    fn median(&self) -> u32 {
        self.limits[self.limits.len() / 2]
    }

    fn mean_millis(&self) -> u64 {
        self.total_millis / self.served.max(1)
    }
}

impl Model {
    fn new(workers: usize, work: u64, settings: GradientSettings) -> Self {
        let (clock, mock) = Clock::manual();
        let admission = Admission::builder()
            .limit(Limit::gradient(settings))
            .clock(clock)
            .build(&Registry::new())
            .expect("valid");
        Self {
            admission,
            clock: mock,
            workers: Arc::new(Semaphore::new(workers)),
            work: Arc::new(AtomicU64::new(work)),
        }
    }

    /// Sends `per_second` requests at even distances for `seconds`.
    async fn run(&self, per_second: u64, seconds: u64) -> Observed {
        let (workers, work) = (Arc::clone(&self.workers), Arc::clone(&self.work));
        let service = self.admission.layer().layer(service_fn(move |_: Request<()>| {
            let (workers, work) = (Arc::clone(&workers), work.load(Ordering::Relaxed));
            async move {
                let _worker = workers.acquire().await;
                tokio::time::sleep(Duration::from_millis(work)).await;
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        }));
        let (served, total) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut observed = Observed::default();
        let mut arrived = 0;
        for tick in 1..=seconds * 1_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.clock.increment(1_000_000_u64);
            while arrived * 1_000 < tick * per_second {
                arrived += 1;
                let service = service.clone();
                let (served, total) = (Arc::clone(&served), Arc::clone(&total));
                tokio::spawn(async move {
                    let arrival = tokio::time::Instant::now();
                    let Ok(response) = service.oneshot(Request::new(())).await;
                    if response.status().is_success() {
                        let millis = u64::try_from(arrival.elapsed().as_millis());
                        served.fetch_add(1, Ordering::Relaxed);
                        total.fetch_add(millis.expect("small"), Ordering::Relaxed);
                    }
                });
            }
            if tick % 50 == 0 {
                observed.limits.push(self.admission.limit());
            }
        }
        observed.limits.sort_unstable();
        observed.served = served.load(Ordering::Relaxed);
        observed.total_millis = total.load(Ordering::Relaxed);
        observed
    }

    fn internals(&self) -> Internals {
        let semaphore = self.admission.shared.handles.semaphore();
        semaphore.controller.as_ref().expect("adaptive").internals()
    }

    /// Returns the baseline in milliseconds.
    fn baseline(&self) -> f64 {
        self.internals().baseline.expect("measured") / 1e6
    }

    fn probes(&self) -> u64 {
        self.internals().probes
    }
}

fn quick() -> GradientSettings {
    GradientSettings::default().probe_interval(Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn under_twice_the_load_it_settles_above_the_workers_and_the_service_stays_busy() {
    // 20 workers of 20 ms carry 1 000 per second.
    let model = Model::new(20, 20, quick());
    model.run(2_000, 15).await;
    let observed = model.run(2_000, 15).await;
    // tolerance · workers + √limit is 36.
    assert!((25..=50).contains(&observed.median()), "{}", observed.median());
    assert!(observed.served > 15_000 * 90 / 100, "{} of 15 000", observed.served);
    assert!(observed.mean_millis() < 3 * 20, "{} ms", observed.mean_millis());
}

#[tokio::test(start_paused = true)]
async fn an_initial_limit_that_is_far_too_high_falls() {
    let model = Model::new(20, 20, quick().initial(800));
    model.run(2_000, 25).await;
    let observed = model.run(2_000, 10).await;
    assert!((25..=50).contains(&observed.median()), "{}", observed.median());
    assert!((model.baseline() - 20.0).abs() < 6.0, "{} ms is no queue", model.baseline());
}

#[tokio::test(start_paused = true)]
async fn a_lasting_overload_does_not_become_the_baseline() {
    // Four minutes: a long average, as Netflix has it, would have learned the queue.
    let model = Model::new(5, 20, GradientSettings::default());
    model.run(500, 220).await;
    let observed = model.run(500, 20).await;
    assert!(observed.limits.last().is_some_and(|&most| most <= 25), "{:?}", observed.limits.last());
    assert!((model.baseline() - 20.0).abs() < 6.0, "{} ms", model.baseline());
}

#[tokio::test(start_paused = true)]
async fn the_limit_grows_again_when_a_slow_service_recovers() {
    let model = Model::new(20, 20, quick());
    model.run(800, 10).await;
    model.work.store(400, Ordering::Relaxed);
    let slow = model.run(800, 20).await;
    assert!(slow.limits[0] >= 4, "never to nothing: {}", slow.limits[0]);
    model.work.store(20, Ordering::Relaxed);
    model.run(800, 20).await;
    let quick = model.run(800, 10).await;
    // 800 per second of 20 ms are 16 under way.
    assert!(quick.median() > 16, "{}", quick.median());
    assert!(quick.served > 8_000 * 95 / 100, "{} of 8 000", quick.served);
}

#[tokio::test(start_paused = true)]
async fn an_outdated_baseline_is_measured_again() {
    let model = Model::new(20, 20, quick());
    model.run(2_000, 10).await;
    assert!((model.baseline() - 20.0).abs() < 6.0, "{} ms", model.baseline());
    // Each request takes three times as long, for good, and the load does not let up.
    model.work.store(60, Ordering::Relaxed);
    model.run(2_000, 20).await;
    assert!((model.baseline() - 60.0).abs() < 18.0, "{} ms", model.baseline());
    let observed = model.run(2_000, 10).await;
    assert!(
        (25..=50).contains(&observed.median()),
        "as many workers as ever: {}",
        observed.median()
    );
    model.work.store(20, Ordering::Relaxed);
    model.run(2_000, 10).await;
    assert!((model.baseline() - 20.0).abs() < 6.0, "{} ms", model.baseline());
}

#[tokio::test(start_paused = true)]
async fn work_that_becomes_three_times_as_slow_keeps_the_workers_busy() {
    // The default interval of probes, so that only the fall of the limit can bring one forward.
    let model = Model::new(8, 20, GradientSettings::default());
    model.run(800, 70).await;
    let probes = model.probes();
    model.work.store(60, Ordering::Relaxed);
    model.run(800, 10).await;
    let observed = model.run(800, 30).await;
    // 8 workers of 60 ms carry 133 per second.
    assert!(observed.served > 4_000 * 90 / 100, "{} of 4 000", observed.served);
    assert!((model.baseline() - 60.0).abs() < 18.0, "{} ms", model.baseline());
    assert!(model.probes() - probes <= 3, "{} probes", model.probes() - probes);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_falls_because_of_a_queue_brings_no_probe_forward() {
    let model = Model::new(20, 20, GradientSettings::default());
    model.run(100, 5).await;
    let probes = model.probes();
    // Three times what the workers carry, for less than the interval of probes.
    model.run(3_000, 40).await;
    assert!(model.probes() - probes <= 1, "{} probes", model.probes() - probes);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_hardly_used_stays_where_it_is() {
    let model = Model::new(20, 20, quick());
    let observed = model.run(100, 20).await;
    assert_eq!((observed.limits[0], observed.limits.last()), (20, Some(&20)), "two are under way");
    assert!((model.baseline() - 20.0).abs() < 3.0, "{} ms", model.baseline());
}

#[tokio::test(start_paused = true)]
async fn the_latency_of_an_endless_stream_is_that_of_its_head() {
    let model = Model::new(20, 20, quick());
    model.run(100, 3).await;
    let before = model.baseline();
    let streaming = model.admission.layer().layer(service_fn(|_: Request<()>| async {
        let body = http_body_util::StreamBody::new(futures_util::stream::pending::<
            Result<http_body::Frame<Bytes>, Infallible>,
        >());
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(Response::new(body))
    }));
    let mut open = Vec::new();
    for _ in 0..5 {
        let Ok(response) = streaming.clone().oneshot(Request::new(())).await;
        open.push(response);
    }
    assert_eq!(model.admission.in_flight(), 5, "open all the time");
    model.run(100, 10).await;
    drop(open);
    model.run(100, 3).await;
    assert!((model.baseline() - before).abs() < 3.0, "{before} then {} ms", model.baseline());
}

const MILLI: u64 = 1_000_000;

/// Returns a gradient with a baseline of 10 ms, and the current time.
fn with_baseline() -> (Gradient, u64) {
    let mut gradient = Gradient::new(GradientSettings::default(), 7);
    let mut now = 0;
    for _ in 0..100 {
        now += 10 * MILLI;
        gradient.record(Sample { now, nanos: 10 * MILLI, in_use: 1, good: true });
    }
    assert!(gradient.internals().baseline.is_some());
    (gradient, now)
}

#[test]
fn failures_that_are_quick_do_not_lower_the_baseline_and_slow_ones_lower_the_limit() {
    let (mut gradient, mut now) = with_baseline();
    let before = gradient.internals().baseline;
    for _ in 0..1_000 {
        now += MILLI;
        let set = gradient.record(Sample { now, nanos: MILLI / 10, in_use: 20, good: false });
        assert_eq!(set, None);
    }
    assert_eq!(gradient.internals().baseline, before);
    let mut limit = 20;
    for _ in 0..10_000 {
        now += MILLI;
        let slow = Sample { now, nanos: 100 * MILLI, in_use: u64::from(limit), good: false };
        limit = gradient.record(slow).unwrap_or(limit);
    }
    assert!(limit < 20, "requests given up after 100 ms argue for less than 20: {limit}");
}

#[test]
fn a_probe_without_responses_ends() {
    let settings = GradientSettings::default();
    let mut gradient = Gradient::new(settings, 7);
    let mut now = 0;
    let mut sets = Vec::new();
    // Everything was admitted before, under a higher limit: nothing can be learned.
    for _ in 0..10_000 {
        now += MILLI;
        let sample = Sample { now, nanos: 10 * MILLI, in_use: 20, good: true };
        sets.extend(gradient.record(sample));
    }
    assert_eq!(sets.first(), Some(&4), "it went to the minimum");
    assert!(sets.contains(&20), "and came back: {sets:?}");
}

proptest! {
    #[test]
    fn the_limit_stays_within_its_bounds_for_all_samples(
        samples in proptest::collection::vec(
            (0_u64..2_000 * MILLI, 0_u64..u64::MAX / 4, 0_u64..3_000, any::<bool>()),
            0..400,
        ),
        min in 1_u32..50,
        span in 0_u32..500,
        smoothing in 0.01_f64..=1.0,
        seed in any::<u64>(),
    ) {
        let max = min + span;
        let settings = GradientSettings::default()
            .min(min).max(max).initial(min).smoothing(smoothing).min_samples(3);
        settings.check().expect("valid");
        let mut gradient = Gradient::new(settings, seed);
        let mut now = 0_u64;
        for (step, nanos, in_use, good) in samples {
            now += step;
            if let Some(limit) = gradient.record(Sample { now, nanos, in_use, good }) {
                prop_assert!((min..=max).contains(&limit), "{limit}");
            }
            let internals = gradient.internals();
            prop_assert!((0.5..=1.0).contains(&internals.gradient));
            prop_assert!(internals.baseline.is_none_or(|b| b.is_finite() && b >= 0.0));
        }
    }
}
