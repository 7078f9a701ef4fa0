//! Who gets in, who waits, who is refused, and what each of them is told.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use sre_kit::admission::{
    Admission, AdmissionBody, AdmissionBuilder, GradientSettings, Limit, Permit,
};
use sre_kit::golden_signals::{GoldenSignals, Outcome};
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::{ConfigError, Shed};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn};

const PATIENCE: Duration = Duration::from_millis(200);

fn fixed(limit: u32) -> AdmissionBuilder {
    Admission::builder().limit(Limit::fixed(limit))
}

fn queued(limit: u32, length: usize) -> Admission {
    fixed(limit).queue(length, PATIENCE).build(&Registry::new()).expect("valid")
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("valid")
}

fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

type Answer = Response<Bytes>;

/// A service that answers with the path once it is told to.
#[derive(Clone, Default)]
struct Desk {
    door: Arc<Notify>,
    served: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Desk {
    /// Sends a request in, and reads its answer to the end. It has got as far as it
    /// can before this returns.
    async fn send(&self, admission: &Admission, path: &str) -> JoinHandle<Answer> {
        let desk = self.clone();
        let service = admission.layer().layer(service_fn(move |request: Request<()>| {
            let desk = desk.clone();
            async move {
                let path = request.uri().path().to_owned();
                desk.served.lock().expect("not poisoned").push(path.clone());
                desk.door.notified().await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(path))))
            }
        }));
        let request = get(path);
        let task = tokio::spawn(async move {
            let Ok(response) = service.oneshot(request).await;
            let (head, body) = response.into_parts();
            let Ok(body) = body.collect().await;
            Response::from_parts(head, body.to_bytes())
        });
        settle().await;
        task
    }

    /// Lets the request in that has waited longest inside the service.
    async fn finish_one(&self) {
        self.door.notify_one();
        settle().await;
    }

    fn served(&self) -> Vec<String> {
        self.served.lock().expect("not poisoned").clone()
    }
}

/// Lets every task of a current-thread runtime run until it waits.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn done(task: JoinHandle<Answer>) -> Answer {
    let answer = task.await.expect("no panic");
    settle().await;
    answer
}

// ===== the limit =====

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_inside_and_the_rest_is_refused_at_once() {
    let admission = fixed(2).build(&Registry::new()).expect("valid");
    let desk = Desk::default();
    let first = desk.send(&admission, "/1").await;
    let second = desk.send(&admission, "/2").await;
    assert_eq!((admission.in_flight(), admission.limit()), (2, 2));
    let refused = done(desk.send(&admission, "/3").await).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.extensions().get::<Shed>().is_some());
    assert!(refused.into_body().is_empty(), "a refusal has no body");
    assert_eq!(desk.served(), ["/1", "/2"], "the service has not seen it");
    desk.finish_one().await;
    desk.finish_one().await;
    drop((done(first).await, done(second).await));
    assert_eq!((admission.in_flight(), admission.shed()), (0, 1));
    let third = desk.send(&admission, "/3").await;
    desk.finish_one().await;
    assert_eq!(done(third).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn refusals_take_turns_in_when_to_come_back() {
    let admission = fixed(1)
        .retry_after(Duration::from_millis(1_500), Duration::from_secs(4))
        .build(&Registry::new())
        .expect("valid");
    let held = admission.try_admit(1).expect("free");
    let mut service = admission.layer().layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    }));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let Ok(response) = service.ready().await.expect("ready").call(get("/")).await;
        seen.push(response.headers()["retry-after"].to_str().expect("text").to_owned());
    }
    assert_eq!(seen, ["2", "3", "4", "2"], "whole seconds, rounded up, in turn");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_heavy_request_takes_its_weight_and_never_more_than_there_is() {
    let admission = fixed(4)
        .weight(|head| match head.uri.path() {
            "/free" => 0,
            "/heavy" => 3,
            "/monster" => 1_000,
            _ => 1,
        })
        .build(&Registry::new())
        .expect("valid");
    let desk = Desk::default();
    let heavy = desk.send(&admission, "/heavy").await;
    assert_eq!(admission.in_flight(), 3);
    let free = desk.send(&admission, "/free").await;
    assert_eq!(admission.in_flight(), 4, "nothing is free");
    assert_eq!(done(desk.send(&admission, "/light").await).await.status(), 503);
    desk.finish_one().await;
    desk.finish_one().await;
    drop((done(heavy).await, done(free).await));
    let monster = desk.send(&admission, "/monster").await;
    assert_eq!(admission.in_flight(), 4, "it takes all there is");
    desk.finish_one().await;
    assert_eq!(done(monster).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_exempt_pass_whatever_is_going_on() {
    let admission = fixed(1)
        .queue(1, PATIENCE)
        .exempt(|head| head.uri.path() == "/livez")
        .build(&Registry::new())
        .expect("valid");
    let desk = Desk::default();
    let _inside = desk.send(&admission, "/1").await;
    let _waiting = desk.send(&admission, "/2").await;
    for _ in 0..10 {
        let probe = desk.send(&admission, "/livez").await;
        assert_eq!(desk.served().last().expect("some"), "/livez");
        probe.abort();
        settle().await;
    }
    assert_eq!((admission.in_flight(), admission.queued(), admission.shed()), (1, 1, 0));
}

#[test]
fn work_that_is_no_request_shares_the_limit() {
    let admission = fixed(3).build(&Registry::new()).expect("valid");
    let held: Vec<Permit> = (0..3).map(|_| admission.try_admit(1).expect("free")).collect();
    assert!(admission.try_admit(1).is_none());
    assert!((admission.utilization() - 1.0).abs() < f64::EPSILON);
    drop(held);
    assert_eq!(admission.try_admit(0).expect("free").weight(), 1);
    assert_eq!(admission.try_admit(7).expect("free").weight(), 3);
    assert_eq!(admission.in_flight(), 0);
}

// ===== the queue =====

#[tokio::test(start_paused = true)]
async fn a_burst_is_served_in_the_order_of_arrival() {
    let admission = queued(1, 3);
    let desk = Desk::default();
    let mut tasks = Vec::new();
    for path in ["/1", "/2", "/3", "/4"] {
        tasks.push(desk.send(&admission, path).await);
    }
    assert_eq!((admission.in_flight(), admission.queued()), (1, 3));
    let refused = done(desk.send(&admission, "/5").await).await;
    assert_eq!(refused.status(), 503, "the queue is bounded");
    for task in tasks {
        desk.finish_one().await;
        assert_eq!(done(task).await.status(), 200);
    }
    assert_eq!(desk.served(), ["/1", "/2", "/3", "/4"]);
    assert_eq!((admission.in_flight(), admission.queued()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_others_wait_does_not_overtake_them() {
    let admission = fixed(2)
        .queue(8, PATIENCE)
        .weight(|head| if head.uri.path() == "/heavy" { 2 } else { 1 })
        .build(&Registry::new())
        .expect("valid");
    let desk = Desk::default();
    let _first = desk.send(&admission, "/1").await;
    let _heavy = desk.send(&admission, "/heavy").await;
    let _light = desk.send(&admission, "/light").await;
    assert_eq!(desk.served(), ["/1"], "one unit is free, and it is the heavy one's turn");
    assert!(admission.try_admit(1).is_none(), "nor does other work");
}

#[tokio::test(start_paused = true)]
async fn when_the_heavy_one_at_the_front_leaves_the_light_ones_go_in() {
    let admission = fixed(2)
        .queue(8, PATIENCE)
        .weight(|head| if head.uri.path() == "/heavy" { 2 } else { 1 })
        .build(&Registry::new())
        .expect("valid");
    let desk = Desk::default();
    let _first = desk.send(&admission, "/1").await;
    let heavy = desk.send(&admission, "/heavy").await;
    let _light = desk.send(&admission, "/light").await;
    heavy.abort();
    settle().await;
    assert_eq!(desk.served(), ["/1", "/light"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_timeout() {
    let registry = Registry::new();
    let admission = Admission::builder()
        .limit(Limit::fixed(1))
        .queue(8, PATIENCE)
        .build(&registry)
        .expect("valid");
    let desk = Desk::default();
    let _inside = desk.send(&admission, "/1").await;
    let before = tokio::time::Instant::now();
    let refused = done(desk.send(&admission, "/2").await).await;
    // Paused time moves only when all tasks wait, so this is exact but for the tick.
    assert_eq!(before.elapsed().as_millis() / 10, PATIENCE.as_millis() / 10);
    assert_eq!(refused.status(), 503);
    assert_eq!(admission.queued(), 0, "it has left the queue");
    let text = exposition(&registry);
    assert!(
        text.contains("sre_kit_http_server_shed_total{reason=\"queue_timeout\"} 1\n"),
        "{text}"
    );
    assert!(
        text.contains("sre_kit_http_server_queue_wait_seconds_bucket{le=\"0.1\"} 0\n"),
        "{text}"
    );
    assert!(
        text.contains("sre_kit_http_server_queue_wait_seconds_bucket{le=\"0.25\"} 1\n"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_stands_serves_the_newest_first() {
    let admission = queued(1, 8);
    let desk = Desk::default();
    let _inside = desk.send(&admission, "/1").await;
    // Somebody has always been waiting for longer than anybody waits.
    let _early = desk.send(&admission, "/2").await;
    tokio::time::sleep(PATIENCE * 3 / 4).await;
    let _old = desk.send(&admission, "/old").await;
    tokio::time::sleep(PATIENCE / 2).await;
    let _new = desk.send(&admission, "/new").await;
    desk.finish_one().await;
    desk.finish_one().await;
    assert_eq!(desk.served(), ["/1", "/new", "/old"], "/2 has timed out");
    // Once it was empty, it is a burst again.
    desk.finish_one().await;
    for path in ["/a", "/b", "/c"] {
        drop(desk.send(&admission, path).await);
    }
    desk.finish_one().await;
    desk.finish_one().await;
    assert_eq!(desk.served()[3..], ["/a", "/b", "/c"]);
}

#[tokio::test(start_paused = true)]
async fn critical_requests_go_first_and_displace_others_when_the_queue_is_full() {
    let registry = Registry::new();
    let admission = Admission::builder()
        .limit(Limit::fixed(1))
        .queue(2, PATIENCE)
        .critical(|head| head.uri.path().starts_with("/pay"))
        .build(&registry)
        .expect("valid");
    let desk = Desk::default();
    let _inside = desk.send(&admission, "/1").await;
    let _second = desk.send(&admission, "/2").await;
    let third = desk.send(&admission, "/3").await;
    let _pay = desk.send(&admission, "/pay/1").await;
    assert_eq!(done(third).await.status(), 503, "the last one had to go");
    assert_eq!(admission.queued(), 2);
    desk.finish_one().await;
    desk.finish_one().await;
    assert_eq!(desk.served(), ["/1", "/pay/1", "/2"]);
    assert!(
        exposition(&registry).contains("sre_kit_http_server_shed_total{reason=\"displaced\"} 1\n")
    );
    // Critical ones do not displace each other.
    let _a = desk.send(&admission, "/pay/2").await;
    let _b = desk.send(&admission, "/pay/3").await;
    assert_eq!(done(desk.send(&admission, "/pay/4").await).await.status(), 503);
}

#[test]
fn without_a_runtime_nobody_waits_and_nothing_panics() {
    let admission = queued(1, 8);
    let _held = admission.try_admit(1).expect("free");
    let mut service = admission.layer().layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    }));
    let future = pin!(service.call(get("/")));
    let Poll::Ready(Ok(response)) = future.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("answered at once")
    };
    assert_eq!(response.status(), 503);
}

// ===== readiness =====

#[tokio::test]
async fn the_instance_that_was_polled_ready_is_the_one_that_is_called() {
    let admission = queued(1, 8);
    let (mut spawned, mut handle) =
        tower_test::mock::spawn_with(|mock| admission.layer().layer(mock));
    handle.allow(0);
    assert_pending!(spawned.poll_ready(), "not ready before the service within is");
    assert_eq!(admission.in_flight(), 0, "readiness takes no place");
    handle.allow(1);
    assert_ready!(spawned.poll_ready()).expect("open");
    let held = admission.try_admit(1).expect("free");
    // Waits, and takes the instance that is ready with it.
    let mut waiting = task::spawn(spawned.call(get("/waits")));
    assert_pending!(waiting.poll());
    drop(held);
    assert!(waiting.is_woken());
    // The mock panics when a service is called that was not polled ready.
    assert_pending!(waiting.poll());
    let (request, respond) = handle.next_request().await.expect("called");
    assert_eq!(request.uri().path(), "/waits");
    respond.send_response(Response::new(Full::new(Bytes::from_static(b"x"))));
    let response = assert_ready!(waiting.poll()).expect("answered");
    assert_eq!((response.status(), admission.in_flight()), (StatusCode::OK, 1));
    drop(response);
    assert_eq!(admission.in_flight(), 0);
}

#[tokio::test]
async fn a_refusal_leaves_the_readiness_to_the_next_request() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let (mut spawned, mut handle) =
        tower_test::mock::spawn_with(|mock| admission.layer().layer(mock));
    handle.allow(1);
    assert_ready!(spawned.poll_ready()).expect("open");
    let held = admission.try_admit(1).expect("free");
    let refused = assert_ready!(task::spawn(spawned.call(get("/"))).poll()).expect("answered");
    assert_eq!(refused.status(), 503);
    drop(held);
    assert_ready!(spawned.poll_ready()).expect("still ready");
    let mut call = task::spawn(spawned.call(get("/served")));
    assert_pending!(call.poll());
    let (request, respond) = handle.next_request().await.expect("called");
    assert_eq!(request.uri().path(), "/served");
    respond.send_response(Response::new(Full::new(Bytes::new())));
    assert_ready!(call.poll()).expect("answered");
}

#[tokio::test]
async fn an_error_of_the_service_gives_the_permit_back() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let mut service = admission
        .layer()
        .layer(service_fn(|_: Request<()>| ready(Err::<Response<Empty<Bytes>>, _>("broken"))));
    for _ in 0..3 {
        let err = service.ready().await.expect("ready").call(get("/")).await.expect_err("broken");
        assert_eq!((err, admission.in_flight()), ("broken", 0));
    }
}

// ===== how long a permit is held =====

fn poll_frame<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// Admits one request that is answered with `body`.
fn respond<B>(admission: &Admission, body: B) -> AdmissionBody<B>
where
    B: Body<Data = Bytes>,
{
    let mut body = Some(body);
    let mut service = admission.layer().layer(Once(move || body.take().expect("once")));
    let mut future = pin!(service.call(get("/")));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response.into_body(),
        _ => panic!("answered at once"),
    }
}

/// A service that cannot really be cloned, which an admitted request never needs.
struct Once<F>(F);

impl<F> Clone for Once<F> {
    fn clone(&self) -> Self {
        panic!("cloned although nobody waits")
    }
}

impl<F: FnMut() -> B, B> Service<Request<()>> for Once<F> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<B>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new((self.0)())))
    }
}

type Frames = Vec<Result<Frame<Bytes>, &'static str>>;

fn frames(frames: Frames) -> impl Body<Data = Bytes, Error = &'static str> + Unpin {
    StreamBody::new(futures_util::stream::iter(frames))
}

fn data() -> Frame<Bytes> {
    Frame::data(Bytes::from_static(b"data"))
}

#[test]
fn a_permit_is_held_until_the_last_frame() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let mut body = respond(&admission, frames(vec![Ok(data()), Ok(data())]));
    for _ in 0..2 {
        assert_eq!(admission.in_flight(), 1, "the head is out and the body is not");
        assert!(poll_frame(&mut body).is_ready());
    }
    assert_eq!(admission.in_flight(), 1, "nobody knows yet that this was the last");
    assert!(matches!(poll_frame(&mut body), Poll::Ready(None)));
    assert_eq!(admission.in_flight(), 0);
}

#[test]
fn a_permit_goes_back_at_each_kind_of_end() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    drop(respond(&admission, frames(vec![Ok(data())])));
    assert_eq!(admission.in_flight(), 0, "dropped");

    let mut failing = respond(&admission, frames(vec![Ok(data()), Err("broken"), Ok(data())]));
    assert!(poll_frame(&mut failing).is_ready());
    assert_eq!(admission.in_flight(), 1);
    assert!(matches!(poll_frame(&mut failing), Poll::Ready(Some(Err("broken")))));
    assert_eq!(admission.in_flight(), 0, "failed");

    let trailers = Ok(Frame::trailers(http::HeaderMap::new()));
    let mut trailing = respond(&admission, frames(vec![Ok(data()), trailers]));
    assert!(poll_frame(&mut trailing).is_ready());
    assert_eq!(admission.in_flight(), 1);
    assert!(poll_frame(&mut trailing).is_ready());
    assert_eq!(admission.in_flight(), 0, "trailers are last");

    let mut full = respond(&admission, Full::new(Bytes::from_static(b"data")));
    assert!(poll_frame(&mut full).is_ready());
    assert_eq!(admission.in_flight(), 0, "it says itself that it has ended");

    let _empty = respond(&admission, Empty::new());
    assert_eq!(admission.in_flight(), 0, "there is nothing to wait for");
}

#[test]
fn a_panic_gives_the_permit_back_even_if_what_panicked_is_kept() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let mut service = admission.layer().layer(service_fn(|request: Request<()>| {
        assert_ne!(request.uri().path(), "/call", "in the call");
        async { panic!("in the future") as Result<Response<Empty<Bytes>>, Infallible> }
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| service.call(get("/call")))).is_err());
    assert_eq!(admission.in_flight(), 0, "in the call");

    let mut future = Box::pin(service.call(get("/")));
    assert_eq!(admission.in_flight(), 1);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))).is_err());
    assert_eq!(admission.in_flight(), 0, "in the future");

    let panicking = StreamBody::new(futures_util::stream::poll_fn(|_| {
        panic!("in the body") as Poll<Option<Result<Frame<Bytes>, Infallible>>>
    }));
    let mut body = respond(&admission, panicking);
    assert_eq!(admission.in_flight(), 1);
    assert!(catch_unwind(AssertUnwindSafe(|| poll_frame(&mut body))).is_err());
    assert_eq!(admission.in_flight(), 0, "in the body");
}

#[test]
fn a_wrapped_body_keeps_its_length() {
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let body = respond(&admission, Full::new(Bytes::from_static(b"hello")));
    assert_eq!(body.size_hint().exact(), Some(5));
    assert_eq!(AdmissionBody::<Full<Bytes>>::default().size_hint().exact(), Some(0));
}

// ===== beside the golden signals =====

#[tokio::test]
async fn a_refusal_counts_as_shed_and_neither_as_an_error_nor_as_ok() {
    let registry = Registry::new();
    let signals = GoldenSignals::builder().build(&registry).expect("valid");
    let admission = Admission::builder().limit(Limit::fixed(1)).build(&registry).expect("valid");
    let service = signals.layer().layer(admission.layer().layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"x")))))
    })));
    let held = admission.try_admit(1).expect("free");
    let Ok(refused) = service.clone().oneshot(get("/")).await;
    let _ = refused.into_body().collect().await;
    drop(held);
    let Ok(served) = service.oneshot(get("/")).await;
    let _ = served.into_body().collect().await;
    for outcome in Outcome::ALL {
        let expected = u64::from(matches!(outcome, Outcome::Shed | Outcome::Ok));
        assert_eq!(signals.ended(outcome), expected, "{outcome}");
    }
    let text = exposition(&registry);
    assert!(text.contains("error_type=\"overloaded\""), "{text}");
}

// ===== metrics and settings =====

#[test]
fn every_counter_exists_before_the_first_request() {
    let registry = Registry::new();
    let settings = GradientSettings::default();
    let _admission =
        Admission::builder().limit(Limit::gradient(settings)).build(&registry).expect("valid");
    let text = exposition(&registry);
    for line in [
        "sre_kit_http_server_concurrency_limit 20.0",
        "sre_kit_http_server_concurrency_in_flight 0.0",
        "sre_kit_http_server_queue_depth 0.0",
        "sre_kit_http_server_queue_wait_seconds_count 0",
        "sre_kit_http_server_shed_total{reason=\"limit\"} 0",
        "sre_kit_http_server_shed_total{reason=\"queue_full\"} 0",
        "sre_kit_http_server_shed_total{reason=\"queue_timeout\"} 0",
        "sre_kit_http_server_shed_total{reason=\"displaced\"} 0",
        "sre_kit_http_server_concurrency_gradient 1.0",
        "sre_kit_http_server_concurrency_probes_total 0",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in\n{text}");
    }
    let latency = "sre_kit_http_server_concurrency_latency_seconds{";
    assert!(!text.contains(latency), "what was not measured is not 0");
}

#[test]
fn bad_settings_are_refused_in_one_sentence() {
    let gradient = |change: fn(GradientSettings) -> GradientSettings| {
        let limit = Limit::gradient(change(GradientSettings::default()));
        Admission::builder().limit(limit).build(&Registry::new())
    };
    let second = Duration::from_secs(1);
    let cases: Vec<(&str, Result<Admission, ConfigError>)> = vec![
        ("limit", Admission::builder().build(&Registry::new())),
        ("limit", fixed(0).build(&Registry::new())),
        ("queue.length", fixed(1).queue(0, second).build(&Registry::new())),
        ("queue.length", fixed(1).queue(usize::MAX, second).build(&Registry::new())),
        ("queue.timeout", fixed(1).queue(1, Duration::ZERO).build(&Registry::new())),
        ("queue.timeout", fixed(1).queue(1, Duration::MAX).build(&Registry::new())),
        ("retry_after", fixed(1).retry_after(Duration::ZERO, second).build(&Registry::new())),
        ("retry_after", fixed(1).retry_after(second * 2, second).build(&Registry::new())),
        ("retry_after", fixed(1).retry_after(second, Duration::MAX).build(&Registry::new())),
        ("gradient.min", gradient(|s| s.min(0))),
        ("gradient.min", gradient(|s| s.min(50).max(10))),
        ("gradient.initial", gradient(|s| s.initial(2))),
        ("gradient.initial", gradient(|s| s.initial(2_000))),
        ("gradient.tolerance", gradient(|s| s.tolerance(0.5))),
        ("gradient.tolerance", gradient(|s| s.tolerance(f64::NAN))),
        ("gradient.tolerance", gradient(|s| s.tolerance(f64::INFINITY))),
        ("gradient.smoothing", gradient(|s| s.smoothing(0.0))),
        ("gradient.smoothing", gradient(|s| s.smoothing(1.5))),
        ("gradient.smoothing", gradient(|s| s.smoothing(f64::NAN))),
        ("gradient.min_samples", gradient(|s| s.min_samples(0))),
        ("gradient.window", gradient(|s| s.window(Duration::ZERO))),
        ("gradient.probe_interval", gradient(|s| s.probe_interval(Duration::ZERO))),
        ("gradient.probe_interval", gradient(|s| s.probe_interval(Duration::MAX))),
    ];
    for (i, (field, result)) in cases.into_iter().enumerate() {
        let err = result.expect_err(field);
        assert_eq!(err.field(), field, "case {i}");
        assert!(!err.rule().is_empty() && !err.advice().is_empty(), "case {i}: {err}");
    }
    let err = gradient(|s| s.min(50).max(10)).expect_err("refused");
    assert_eq!(
        err.to_string(),
        "gradient.min is 50, but it is not above gradient.max, which is 10; \
         swap the two, or set both to the same for a fixed limit"
    );
}

#[test]
fn a_second_admission_on_one_registry_is_refused() {
    let registry = Registry::new();
    let build = || Admission::builder().limit(Limit::fixed(1)).build(&registry);
    let _first = build().expect("valid");
    assert_eq!(build().expect_err("taken").field(), "metric name");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_gives_up_while_it_waits_leaves_the_queue() {
    let admission = queued(1, 1);
    let desk = Desk::default();
    let _inside = desk.send(&admission, "/1").await;
    for _ in 0..10 {
        let waiting = desk.send(&admission, "/2").await;
        assert_eq!(admission.queued(), 1);
        waiting.abort();
        settle().await;
        assert_eq!(admission.queued(), 0);
    }
    assert_eq!(admission.shed(), 0, "it went by itself");
}

#[tokio::test]
async fn what_is_inside_is_gone_before_its_place_is_free() {
    struct Work(Admission, Arc<AtomicUsize>);
    impl Drop for Work {
        fn drop(&mut self) {
            self.1.store(usize::try_from(self.0.in_flight()).expect("small"), Ordering::Relaxed);
        }
    }
    let admission = fixed(1).build(&Registry::new()).expect("valid");
    let seen = Arc::new(AtomicUsize::new(usize::MAX));
    let (inner, count) = (admission.clone(), Arc::clone(&seen));
    let mut service = admission.layer().layer(service_fn(move |_: Request<()>| {
        let work = Work(inner.clone(), Arc::clone(&count));
        async move {
            let _work = work;
            pending::<Result<Response<Empty<Bytes>>, Infallible>>().await
        }
    }));
    drop(service.call(get("/")));
    assert_eq!(seen.load(Ordering::Relaxed), 1, "the place was still taken");
    assert_eq!(admission.in_flight(), 0);
}
