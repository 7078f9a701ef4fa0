//! Permits come back, whatever happens to those who hold or await them.

use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use proptest::prelude::*;
use sre_kit::admission::{Admission, AdmissionBody, GradientSettings, Limit};
use sre_kit::metrics::Registry;
use tower::{BoxError, Layer, Service, service_fn};

/// What a request does once it is inside, and what may happen to it from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Plan {
    Finish,
    Fail,
    PanicInCall,
    PanicInFuture,
    PanicInBody,
    BreakBody,
    CancelBeforeHead,
    CancelMidBody,
}

const PLANS: [Plan; 8] = [
    Plan::Finish,
    Plan::Fail,
    Plan::PanicInCall,
    Plan::PanicInFuture,
    Plan::PanicInBody,
    Plan::BreakBody,
    Plan::CancelBeforeHead,
    Plan::CancelMidBody,
];

type TestBody = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;
type TestFuture = Pin<Box<dyn Future<Output = Result<Response<TestBody>, BoxError>> + Send>>;
type Running =
    Pin<Box<dyn Future<Output = Result<Response<AdmissionBody<TestBody>>, BoxError>> + Send>>;

/// Counts those inside, the way the service itself sees it.
struct Inside(Arc<Census>, u64);

#[derive(Default)]
struct Census {
    now: AtomicU64,
    most: AtomicU64,
}

impl Inside {
    fn new(census: &Arc<Census>, weight: u64) -> Self {
        let now = census.now.fetch_add(weight, Ordering::SeqCst) + weight;
        census.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(census), weight)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(self.1, Ordering::SeqCst);
    }
}

/// Ends being inside just before the body's last frame, as the admission sees it: on
/// another thread the next one may be in before this body is dropped.
fn body(plan: Plan, inside: Inside) -> TestBody {
    let (mut frame, mut inside) = (0, Some(inside));
    Box::pin(StreamBody::new(futures_util::stream::poll_fn(move |_| {
        frame += 1;
        if frame > 2 || (frame == 2 && matches!(plan, Plan::PanicInBody | Plan::BreakBody)) {
            inside = None;
        }
        match (plan, frame) {
            (Plan::PanicInBody, 2) => panic!("in the body"),
            (Plan::BreakBody, 2) => Poll::Ready(Some(Err("broken".into()))),
            (_, 1 | 2) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"frame"))))),
            _ => {
                assert!(inside.is_none());
                Poll::Ready(None)
            }
        }
    })))
}

fn start(admission: &Admission, census: &Arc<Census>, plan: Plan, weight: u64) -> Option<Running> {
    let census = Arc::clone(census);
    let mut service = admission.layer().layer(service_fn(move |_: Request<()>| -> TestFuture {
        assert_ne!(plan, Plan::PanicInCall, "in the call");
        let inside = Inside::new(&census, weight);
        Box::pin(async move {
            tokio::task::yield_now().await;
            match plan {
                Plan::Fail => Err("failed".into()),
                Plan::PanicInFuture => {
                    drop(inside);
                    panic!("in the future")
                }
                _ => Ok(Response::new(body(plan, inside))),
            }
        })
    }));
    let request = Request::builder().header("weight", weight.to_string()).body(()).expect("valid");
    catch_unwind(AssertUnwindSafe(|| Box::pin(service.call(request)) as Running)).ok()
}

/// A request under way, advanced one poll at a time.
enum Step {
    Head(Plan, Running),
    Body(Plan, AdmissionBody<TestBody>),
}

impl Step {
    /// One step. `None` when the request is over.
    fn step(self) -> Option<Self> {
        let mut cx = Context::from_waker(Waker::noop());
        match self {
            Self::Head(plan, mut future) => {
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))) {
                    Ok(Poll::Pending) if plan == Plan::CancelBeforeHead => None,
                    Ok(Poll::Pending) => Some(Self::Head(plan, future)),
                    Ok(Poll::Ready(Ok(response))) => Some(Self::Body(plan, response.into_body())),
                    Ok(Poll::Ready(Err(_))) | Err(_) => None,
                }
            }
            Self::Body(plan, mut body) => {
                let poll = || Pin::new(&mut body).poll_frame(&mut cx);
                match catch_unwind(AssertUnwindSafe(poll)) {
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

fn admission(limit: Limit, queue: usize) -> Admission {
    let builder = Admission::builder()
        .limit(limit)
        .weight(|head| {
            let text = head.headers.get("weight").and_then(|value| value.to_str().ok());
            text.and_then(|text| text.parse().ok()).unwrap_or(1)
        })
        .critical(|head| head.headers.get("weight").is_some_and(|value| value == "2"));
    match queue {
        0 => builder.build(&Registry::new()),
        length => builder.queue(length, Duration::from_mins(10)).build(&Registry::new()),
    }
    .expect("valid")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn permits_return_to_the_limit_and_nobody_is_forgotten_in_the_queue(
        limit in 1_u32..6,
        queue in 0_usize..6,
        requests in proptest::collection::vec((0..PLANS.len(), 1_u64..4), 1..30),
        order in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..300),
    ) {
        silence_expected_panics();
        // A queue needs a runtime for its timer. It does not turn: the steps are ours.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        let _entered = runtime.enter();
        let admission = admission(Limit::fixed(limit), queue);
        let census = Arc::new(Census::default());
        let mut running = Vec::new();
        let mut requests = requests.into_iter();
        for (index, begin) in order {
            if begin && let Some((plan, weight)) = requests.next() {
                let plan = PLANS[plan];
                running.extend(
                    start(&admission, &census, plan, weight.min(u64::from(limit)))
                        .map(|future| Step::Head(plan, future)),
                );
            } else if !running.is_empty() {
                let i = index.index(running.len());
                if let Some(next) = running.swap_remove(i).step() {
                    running.push(next);
                }
            }
            prop_assert!(admission.in_flight() <= u64::from(limit));
            prop_assert!(admission.queued() <= queue);
            // The gate may have granted what its owner has not come to use yet.
            prop_assert!(census.now.load(Ordering::SeqCst) <= admission.in_flight());
            if admission.in_flight() == 0 {
                prop_assert_eq!(admission.queued(), 0, "free, and yet somebody waits");
            }
        }
        running.clear();
        prop_assert_eq!(admission.in_flight(), 0);
        prop_assert_eq!(admission.queued(), 0);
        prop_assert!(census.most.load(Ordering::SeqCst) <= u64::from(limit));
        let whole = admission.try_admit(limit);
        prop_assert_eq!(whole.map(|permit| permit.weight()), Some(limit));
    }
}

/// Requests on many tasks and threads; some are aborted from outside at any moment.
async fn storm(admission: Admission, tasks: usize) -> (Admission, Arc<Census>) {
    silence_expected_panics();
    let census = Arc::new(Census::default());
    let handles: Vec<_> = (0..tasks)
        .map(|i| {
            let (admission, census) = (admission.clone(), Arc::clone(&census));
            tokio::spawn(async move {
                let plan = PLANS[i % PLANS.len()];
                let weight = 1 + (i / 3 % 3) as u64;
                let Some(future) = start(&admission, &census, plan, weight) else { return };
                if plan == Plan::CancelBeforeHead {
                    // Some leave the queue, some leave the service.
                    let patience = Duration::from_micros((i % 50) as u64);
                    let _ = tokio::time::timeout(patience, future).await;
                    return;
                }
                let Ok(response) = future.await else { return };
                let mut body = response.into_body();
                loop {
                    let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
                    match frame.await {
                        Some(Ok(_)) if plan != Plan::CancelMidBody => {
                            tokio::task::yield_now().await;
                        }
                        _ => break,
                    }
                }
            })
        })
        .collect();
    for (i, handle) in handles.into_iter().enumerate() {
        if i % 7 == 0 {
            handle.abort();
        }
        let _ = handle.await;
    }
    (admission, census)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_tasks_leave_nothing_behind() {
    let (admission, census) = storm(admission(Limit::fixed(7), 64), 10_000).await;
    assert_eq!((admission.in_flight(), admission.queued()), (0, 0));
    assert_eq!(census.now.load(Ordering::SeqCst), 0);
    let most = census.most.load(Ordering::SeqCst);
    assert!((1..=7).contains(&most), "{most} units inside at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_do_they_while_the_limit_moves() {
    let settings = GradientSettings::default()
        .min(3)
        .initial(7)
        .max(20)
        .window(Duration::from_micros(100))
        .min_samples(2)
        .probe_interval(Duration::from_millis(1));
    let (admission, census) = storm(admission(Limit::gradient(settings), 64), 10_000).await;
    assert_eq!((admission.in_flight(), admission.queued()), (0, 0));
    let most = census.most.load(Ordering::SeqCst);
    assert!((1..=20).contains(&most), "{most} units inside at once");
}

#[test]
fn the_plans_are_all_different() {
    assert_eq!(PLANS.iter().collect::<HashSet<_>>().len(), PLANS.len());
}

/// Panics are part of the plan; their backtraces would bury a real failure.
fn silence_expected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info
                .payload()
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| info.payload().downcast_ref::<String>().cloned());
            if !text.unwrap_or_default().contains("in the ") {
                before(info);
            }
        }));
    });
}
