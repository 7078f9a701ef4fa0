//! Started = sum of outcomes + in flight, whatever happens to the requests, and
//! each one that ended was an event of every SLO, once.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use proptest::prelude::*;
use sre_kit::golden_signals::{GoldenSignals, Outcome, ResponseBody, ResponseFuture, Routes};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::slo::{Budgets, Objective, Slo, Slos};
use tower::{BoxError, Layer, Service, service_fn};

/// What a request of the test does, and what may happen to it from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Finish { status: u16 },
    Fail,
    TimeOut,
    Shed,
    PanicInFuture,
    PanicInBody,
    BreakBody,
    CancelBeforeHead,
    CancelMidBody,
}

impl Plan {
    fn outcome(self) -> Outcome {
        match self {
            Self::Finish { status: 500 } | Self::BreakBody => Outcome::Error,
            Self::Finish { status: 404 } => Outcome::ClientError,
            Self::Finish { .. } => Outcome::Ok,
            Self::Fail => Outcome::ServiceError,
            Self::TimeOut => Outcome::Timeout,
            Self::Shed => Outcome::Shed,
            Self::PanicInFuture | Self::PanicInBody => Outcome::Panic,
            Self::CancelBeforeHead => Outcome::AbortedBeforeHeaders,
            Self::CancelMidBody => Outcome::AbortedMidBody,
        }
    }
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        prop_oneof![Just(200), Just(404), Just(500)].prop_map(|status| Plan::Finish { status }),
        Just(Plan::Fail),
        Just(Plan::TimeOut),
        Just(Plan::Shed),
        Just(Plan::PanicInFuture),
        Just(Plan::PanicInBody),
        Just(Plan::BreakBody),
        Just(Plan::CancelBeforeHead),
        Just(Plan::CancelMidBody),
    ]
}

type TestBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;
type TestFuture = Pin<Box<dyn Future<Output = Result<Response<TestBody>, BoxError>> + Send>>;

/// Two frames, each ready only at the second poll, so that requests interleave.
fn body(plan: Plan) -> TestBody {
    let (mut frame, mut waited) = (0, false);
    Box::pin(StreamBody::new(futures_util::stream::poll_fn(move |_| {
        waited = !waited;
        if waited {
            return Poll::Pending;
        }
        frame += 1;
        match (plan, frame) {
            (Plan::PanicInBody, 2) => panic!("in the body"),
            (Plan::BreakBody, 2) => Poll::Ready(Some(Err("broken".into()))),
            (_, 1 | 2) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"frame"))))),
            _ => Poll::Ready(None),
        }
    })))
}

fn answer(plan: Plan) -> TestFuture {
    let mut waited = false;
    Box::pin(poll_fn(move |_| {
        waited = !waited;
        if waited {
            return Poll::Pending;
        }
        Poll::Ready(match plan {
            Plan::Finish { status } => {
                Ok(Response::builder().status(status).body(body(plan)).expect("valid"))
            }
            Plan::Fail => Err("failed".into()),
            Plan::TimeOut => Err(tower::timeout::error::Elapsed::new().into()),
            Plan::Shed => Err(tower::load_shed::error::Overloaded::new().into()),
            Plan::PanicInFuture => panic!("in the future"),
            _ => Ok(Response::new(body(plan))),
        })
    }))
}

/// A request under way, advanced one poll at a time.
enum Running {
    Head(Plan, Pin<Box<ResponseFuture<TestFuture>>>),
    Body(Plan, Pin<Box<ResponseBody<TestBody>>>),
}

impl Running {
    /// One step. `None` when the request is over.
    fn step(self) -> Option<Self> {
        let mut cx = Context::from_waker(Waker::noop());
        match self {
            Self::Head(Plan::CancelBeforeHead, _) => None,
            Self::Head(plan, mut future) => {
                let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx)));
                match polled {
                    Ok(Poll::Pending) => Some(Self::Head(plan, future)),
                    Ok(Poll::Ready(Ok(response))) => {
                        Some(Self::Body(plan, Box::pin(response.into_body())))
                    }
                    Ok(Poll::Ready(Err(_))) | Err(_) => None,
                }
            }
            Self::Body(plan, mut body) => {
                let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll_frame(&mut cx)));
                match polled {
                    Ok(Poll::Pending) => Some(Self::Body(plan, body)),
                    Ok(Poll::Ready(Some(Ok(_)))) if plan != Plan::CancelMidBody => {
                        Some(Self::Body(plan, body))
                    }
                    _ => None,
                }
            }
        }
    }
}

fn signals(registry: &Registry) -> GoldenSignals {
    let routes = Routes::new(["/a", "/b"]).expect("valid");
    let objective = Objective::percent(99.0).expect("valid");
    let latency = Slo::latency("latency", objective, std::time::Duration::from_hours(1));
    let slos = [Slo::availability("availability", objective), latency];
    let slos = Slos::new("test", slos).expect("valid");
    let budgets = Budgets::new(registry, &slos).expect("valid");
    GoldenSignals::builder().routes(routes).slos(&budgets).build(registry).expect("valid")
}

/// Good, bad and excluded events of one SLO, together.
fn judged(registry: &Registry, slo: &str) -> u64 {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text.lines()
        .filter(|line| line.starts_with("slo_events_"))
        .filter(|line| line.contains(&format!("slo=\"{slo}\"")))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// Requests per thread of the stress test.
const PER_THREAD: usize = 4_000;

/// Starts a request that goes as planned.
fn start(signals: &GoldenSignals, plan: Plan, path: &str) -> Running {
    let mut service = signals.layer().layer(service_fn(move |_: Request<()>| answer(plan)));
    let future = service.call(Request::get(path).body(()).expect("valid"));
    Running::Head(plan, Box::pin(future))
}

/// Started, outcomes and in flight as one scrape prints them.
fn scraped(registry: &Registry) -> (u64, u64, u64) {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let sum = |name: &str| {
        text.lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    };
    (
        sum("sre_kit_http_server_requests_started_total"),
        sum("sre_kit_http_server_requests_total"),
        sum("http_server_active_requests"),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_law_holds_after_every_step(
        plans in proptest::collection::vec((plan(), any::<bool>()), 1..40),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..400),
    ) {
        silence_expected_panics();
        let registry = Registry::new();
        let signals = signals(&registry);
        let mut running: Vec<_> = plans
            .iter()
            .map(|&(plan, a)| start(&signals, plan, if a { "/a" } else { "/b" }))
            .collect();
        let check = |running: usize| {
            let (started, ended, active) = scraped(&registry);
            (started, ended, active)
                == (plans.len() as u64, (plans.len() - running) as u64, running as u64)
                && ["availability", "latency"].iter().all(|slo| judged(&registry, slo) == ended)
        };
        prop_assert!(check(running.len()));
        for index in order {
            if running.is_empty() {
                break;
            }
            let i = index.index(running.len());
            if let Some(next) = running.swap_remove(i).step() {
                running.push(next);
            }
            prop_assert!(check(running.len()));
        }
        // What is still under way is dropped: an abort, before the head or after it.
        let mut expected: HashMap<Outcome, u64> = HashMap::new();
        let left = running.len();
        running.clear();
        prop_assert!(check(0), "{left} were dropped");
        prop_assert_eq!(signals.in_flight(), 0);
        if left == 0 {
            for (plan, _) in &plans {
                *expected.entry(plan.outcome()).or_default() += 1;
            }
            for outcome in Outcome::ALL {
                let count = expected.get(&outcome).copied().unwrap_or(0);
                prop_assert_eq!(signals.ended(outcome), count, "{}", outcome);
            }
        }
    }
}

#[test]
fn every_plan_ends_as_planned() {
    silence_expected_panics();
    for plan in [
        Plan::Finish { status: 200 },
        Plan::Finish { status: 404 },
        Plan::Finish { status: 500 },
        Plan::Fail,
        Plan::TimeOut,
        Plan::Shed,
        Plan::PanicInFuture,
        Plan::PanicInBody,
        Plan::BreakBody,
        Plan::CancelBeforeHead,
        Plan::CancelMidBody,
    ] {
        let registry = Registry::new();
        let signals = signals(&registry);
        let mut running = Some(start(&signals, plan, "/a"));
        while let Some(request) = running.take() {
            running = request.step();
        }
        assert_eq!(signals.ended(plan.outcome()), 1, "{plan:?}");
        assert_eq!(signals.in_flight(), 0, "{plan:?}");
    }
}

#[test]
fn the_law_holds_in_every_scrape_while_threads_record() {
    silence_expected_panics();
    // Where each thread has cells of its own, and where most of them share some.
    for shards in [4, 1] {
        the_law_holds(shards);
    }
}

fn the_law_holds(shards: usize) {
    let registry = Registry::builder().shards(shards).build().expect("valid");
    let signals = signals(&registry);
    let done = Arc::new(AtomicBool::new(false));
    let scraper = {
        let (registry, done) = (registry.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut scrapes = 0;
            while !done.load(Ordering::Relaxed) || scrapes == 0 {
                let (started, ended, active) = scraped(&registry);
                // A torn read would show as a huge gauge, one below zero.
                assert_eq!(started, ended + active);
                assert!(active < 1_000, "{active} in flight");
                scrapes += 1;
            }
        })
    };
    let plans = [
        Plan::Finish { status: 200 },
        Plan::Fail,
        Plan::Shed,
        Plan::CancelBeforeHead,
        Plan::CancelMidBody,
        Plan::BreakBody,
    ];
    // Requests begin on one thread and end on another, as under a work-stealing runtime.
    let (send, receive) = std::sync::mpsc::sync_channel(64);
    let receive = Arc::new(std::sync::Mutex::new(receive));
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (send, signals) = (send.clone(), &signals);
            scope.spawn(move || {
                for i in 0..PER_THREAD {
                    let plan = plans[(worker + i) % plans.len()];
                    let path = if i % 2 == 0 { "/a" } else { "/b" };
                    send.send(start(signals, plan, path)).expect("a receiver is there");
                }
            });
        }
        drop(send);
        for _ in 0..4 {
            let receive = Arc::clone(&receive);
            scope.spawn(move || {
                loop {
                    let next = receive.lock().expect("not poisoned").recv();
                    let Ok(request) = next else { break };
                    let mut running = Some(request);
                    while let Some(request) = running.take() {
                        running = request.step();
                    }
                }
            });
        }
    });
    done.store(true, Ordering::Relaxed);
    scraper.join().expect("no scrape broke the law");
    let calls = u64::try_from(4 * PER_THREAD).expect("small");
    let ended: u64 = Outcome::ALL.into_iter().map(|outcome| signals.ended(outcome)).sum();
    assert_eq!((signals.started(), ended, signals.in_flight()), (calls, calls, 0));
    assert_eq!(judged(&registry, "availability"), calls);
    assert_eq!(judged(&registry, "latency"), calls);
}

/// Panics are part of the plan; their backtraces would bury a real failure.
fn silence_expected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>().copied().unwrap_or("");
            if !text.starts_with("in the ") {
                before(info);
            }
        }));
    });
}
