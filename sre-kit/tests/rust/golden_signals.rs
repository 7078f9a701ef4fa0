//! Every way a request can end, each counted once.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use sre_kit::golden_signals::{GoldenSignals, Label, Outcome, RouteSource, Routes, Streaming};
use sre_kit::metrics::{Registry, TextFormat};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

type Kit = (Registry, GoldenSignals);

fn kit() -> Kit {
    let registry = Registry::new();
    let routes = Routes::new(["/", "/items/{id}", "/events"]).expect("valid");
    let signals = GoldenSignals::builder().routes(routes).build(&registry).expect("valid");
    (registry, signals)
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("valid")
}

fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    text
}

/// The value of the one line that begins with `name` and holds all of `labels`.
fn value(registry: &Registry, name: &str, labels: &[&str]) -> f64 {
    let text = exposition(registry);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with(&format!("{name}{{")))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .collect();
    match lines[..] {
        [line] => line.rsplit(' ').next().and_then(|v| v.parse().ok()).expect("a number"),
        _ => panic!("{} lines of {name} with {labels:?} in\n{text}", lines.len()),
    }
}

/// Asserts that one request was made, that it ended in `outcome`, and that nothing is in flight.
fn assert_ended(signals: &GoldenSignals, outcome: Outcome) {
    assert_eq!(signals.started(), 1);
    for other in Outcome::ALL {
        assert_eq!(signals.ended(other), u64::from(other == outcome), "{other}");
    }
    assert_eq!(signals.in_flight(), 0);
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn respond<B: Body<Data = Bytes>>(signals: &GoldenSignals, response: Response<B>)
where
    B::Error: std::fmt::Debug,
{
    let mut response = Some(response);
    let mut service = signals.layer().layer(service_fn(move |_: Request<()>| {
        let response = response.take().expect("called once");
        async move { Ok::<_, Infallible>(response) }
    }));
    let response = service.ready().await.expect("ready").call(get("/items/7")).await;
    let Ok(response) = response;
    let _ = response.into_body().collect().await;
}

#[tokio::test]
async fn a_status_decides_where_nothing_else_does() {
    for (status, outcome) in [
        (200, Outcome::Ok),
        (302, Outcome::Ok),
        (404, Outcome::ClientError),
        (500, Outcome::Error),
        (503, Outcome::Error),
        (504, Outcome::Timeout),
    ] {
        let (_, signals) = kit();
        let response = Response::builder().status(status).body(Full::from("x")).expect("valid");
        respond(&signals, response).await;
        assert_ended(&signals, outcome);
    }
}

#[tokio::test]
async fn a_service_that_knows_better_is_believed() {
    let (registry, signals) = kit();
    let mut response = Response::builder().status(503).body(Full::from("later")).expect("valid");
    response.extensions_mut().insert(Outcome::Shed);
    respond(&signals, response).await;
    assert_ended(&signals, Outcome::Shed);
    let labels = ["error_type=\"overloaded\"", "http_response_status_code=\"503\""];
    assert!(value(&registry, "http_server_request_duration_seconds_count", &labels) > 0.0);
}

async fn fail(signals: &GoldenSignals, error: BoxError) {
    let mut error = Some(error);
    let service = signals.layer().layer(service_fn(move |_: Request<()>| {
        let error = error.take().expect("called once");
        async move { Err::<Response<Empty<Bytes>>, _>(error) }
    }));
    assert!(service.oneshot(get("/")).await.is_err());
}

#[tokio::test]
async fn errors_of_the_service_are_told_apart() {
    let (_, signals) = kit();
    fail(&signals, "broken".into()).await;
    assert_ended(&signals, Outcome::ServiceError);

    let (_, signals) = kit();
    fail(&signals, tower::timeout::error::Elapsed::new().into()).await;
    assert_ended(&signals, Outcome::Timeout);

    let (_, signals) = kit();
    fail(&signals, tower::load_shed::error::Overloaded::new().into()).await;
    assert_ended(&signals, Outcome::Shed);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_within_is_counted_as_a_timeout() {
    let (_, signals) = kit();
    let service = tower::ServiceBuilder::new()
        .layer(signals.layer())
        .timeout(Duration::from_secs(1))
        .service_fn(|_: Request<()>| pending::<Result<Response<Empty<Bytes>>, BoxError>>());
    assert!(service.oneshot(get("/")).await.is_err());
    assert_ended(&signals, Outcome::Timeout);
}

#[test]
fn a_future_that_is_dropped_was_aborted_before_headers() {
    let (registry, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    }));
    let mut future = Box::pin(service.call(get("/items/1")));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(signals.in_flight(), 1);
    drop(future);
    assert_ended(&signals, Outcome::AbortedBeforeHeaders);
    let labels = ["error_type=\"canceled\"", "http_route=\"/items/{id}\""];
    assert!(value(&registry, "http_server_request_duration_seconds_count", &labels) > 0.0);
}

#[test]
fn a_future_that_was_never_polled_is_an_abort_too() {
    let (_, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    }));
    drop(service.call(get("/")));
    assert_ended(&signals, Outcome::AbortedBeforeHeaders);
}

fn chunks(n: usize) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
    let frames = (0..n).map(|_| Ok(Frame::data(Bytes::from_static(b"chunk"))));
    StreamBody::new(futures_util::stream::iter(frames))
}

#[tokio::test]
async fn a_body_that_is_dropped_halfway_was_aborted_mid_body() {
    let (registry, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(chunks(3)))
    }));
    let Ok(response) = service.call(get("/")).await;
    let mut body = response.into_body();
    assert!(body.frame().await.is_some());
    assert_eq!(signals.in_flight(), 1, "in flight until the end of the body");
    drop(body);
    assert_ended(&signals, Outcome::AbortedMidBody);
    let sum = value(&registry, "http_server_response_body_size_bytes_sum", &[]);
    assert!((sum - 5.0).abs() < f64::EPSILON, "the bytes that did go out are counted");
}

#[tokio::test]
async fn a_body_that_fails_is_an_error_though_its_head_said_200() {
    let (registry, signals) = kit();
    let frames = [Ok(Frame::data(Bytes::from_static(b"x"))), Err("broken pipe")];
    respond(&signals, Response::new(StreamBody::new(futures_util::stream::iter(frames)))).await;
    assert_ended(&signals, Outcome::Error);
    let labels = ["error_type=\"body_error\"", "http_response_status_code=\"200\""];
    assert!(value(&registry, "http_server_request_duration_seconds_count", &labels) > 0.0);
}

#[test]
fn a_panic_is_counted_wherever_it_happens_and_goes_on() {
    // In `call`.
    let (_, signals) = kit();
    let mut service = signals.layer().layer(service_fn(
        |_: Request<()>| -> std::future::Ready<Result<Response<Empty<Bytes>>, Infallible>> {
            panic!("in call")
        },
    ));
    assert!(catch_unwind(AssertUnwindSafe(|| service.call(get("/")))).is_err());
    assert_ended(&signals, Outcome::Panic);

    // In the future.
    let (_, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        poll_fn(|_| -> Poll<Result<Response<Empty<Bytes>>, Infallible>> { panic!("in poll") })
    }));
    let mut future = Box::pin(service.call(get("/")));
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).is_err());
    assert_ended(&signals, Outcome::Panic);
    drop(future);
    assert_ended(&signals, Outcome::Panic);

    // In the body.
    let (_, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| async {
        let frames =
            futures_util::stream::poll_fn(|_| -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                panic!("in the body")
            });
        Ok::<_, Infallible>(Response::new(StreamBody::new(frames)))
    }));
    let mut future = pin!(service.call(get("/")));
    let Poll::Ready(Ok(response)) = poll_once(future.as_mut()) else { panic!("ready") };
    let mut body = response.into_body();
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(pin!(body.frame())))).is_err());
    drop(body);
    assert_ended(&signals, Outcome::Panic);
}

#[test]
fn somebody_elses_panic_is_an_abort() {
    let (_, signals) = kit();
    let mut service = signals.layer().layer(service_fn(|_: Request<()>| {
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    }));
    let future = service.call(get("/"));
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _dropped_while_unwinding = future;
        panic!("elsewhere");
    }));
    assert!(unwound.is_err());
    assert_ended(&signals, Outcome::AbortedBeforeHeaders);
}

#[tokio::test]
async fn a_stream_leaves_the_latency_alone_and_ends_when_its_client_leaves() {
    for (case, response) in [
        ("sse", {
            let builder = Response::builder().header("content-type", "Text/Event-Stream; x=y");
            builder.body(chunks(9)).expect("valid")
        }),
        ("stream", {
            let mut response = Response::new(chunks(9));
            response.extensions_mut().insert(Streaming);
            response
        }),
    ] {
        let (registry, signals) = kit();
        let mut response = Some(response);
        let mut service = signals.layer().layer(service_fn(move |_: Request<()>| {
            let response = response.take().expect("called once");
            async move { Ok::<_, Infallible>(response) }
        }));
        let Ok(response) = service.call(get("/events")).await;
        let mut body = response.into_body();
        assert!(body.frame().await.is_some());
        drop(body);
        assert_ended(&signals, Outcome::Ok);
        let label = format!("stream=\"{case}\"");
        let count =
            value(&registry, "sre_kit_http_server_stream_duration_seconds_count", &[&label]);
        assert!(count > 0.0);
        assert!(!exposition(&registry).contains("http_server_request_duration_seconds_count"));
        let count = value(&registry, "sre_kit_http_server_time_to_headers_seconds_count", &[]);
        assert!(count > 0.0, "a stream still has a time to headers");
    }
}

#[tokio::test]
async fn a_route_marked_as_a_stream_is_one() {
    let registry = Registry::new();
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/items/{id}"]).expect("valid"))
        .streams(["/items/{id}"])
        .build(&registry)
        .expect("valid");
    respond(&signals, Response::new(chunks(2))).await;
    let labels = ["stream=\"stream\"", "http_route=\"/items/{id}\""];
    assert!(value(&registry, "sre_kit_http_server_stream_duration_seconds_count", &labels) > 0.0);
}

#[tokio::test]
async fn an_upgrade_ends_with_its_head_and_its_lifetime_is_told_apart() {
    use sre_kit::golden_signals::UpgradeTimer;

    let (registry, signals) = kit();
    let mut kept = None;
    let mut service = signals.layer().layer(service_fn(|request: Request<()>| {
        kept = request.extensions().get::<UpgradeTimer>().cloned();
        let response = Response::builder().status(101).body(Empty::<Bytes>::new()).expect("valid");
        std::future::ready(Ok::<_, Infallible>(response))
    }));
    let mut request = get("/events");
    request.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
    let Ok(_response) = service.call(request).await;
    drop(service);
    assert_ended(&signals, Outcome::Ok);
    assert!(!exposition(&registry).contains("sre_kit_http_server_stream_duration_seconds_count"));
    let open = kept.expect("left in the extensions").start();
    drop(open);
    let labels = ["stream=\"upgrade\"", "http_route=\"/events\""];
    assert!(value(&registry, "sre_kit_http_server_stream_duration_seconds_count", &labels) > 0.0);
}

async fn grpc(trailers: Option<HeaderMap>) -> Kit {
    let (registry, signals) = kit();
    let frames =
        [Some(Frame::data(Bytes::from_static(b"\0\0\0\0\0"))), trailers.map(Frame::trailers)];
    let frames = frames.into_iter().flatten().map(Ok::<_, Infallible>);
    let response = Response::builder()
        .header("content-type", "application/grpc+proto")
        .body(StreamBody::new(futures_util::stream::iter(frames)))
        .expect("valid");
    respond(&signals, response).await;
    (registry, signals)
}

#[tokio::test]
async fn a_grpc_call_ends_as_its_trailers_say() {
    let status = |code| {
        HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static(code),
        )])
    };
    assert_ended(&grpc(Some(status("0"))).await.1, Outcome::Ok);
    assert_ended(&grpc(Some(status("5"))).await.1, Outcome::ClientError);
    assert_ended(&grpc(Some(status("4"))).await.1, Outcome::Timeout);
    let (registry, signals) = grpc(Some(status("13"))).await;
    assert_ended(&signals, Outcome::Error);
    let labels = ["error_type=\"INTERNAL\""];
    assert!(value(&registry, "http_server_request_duration_seconds_count", &labels) > 0.0);
    assert_ended(&grpc(None).await.1, Outcome::Error);
}

#[tokio::test]
async fn a_grpc_call_refused_in_its_head_is_read_there() {
    let (_, signals) = kit();
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "14")
        .body(Empty::<Bytes>::new())
        .expect("valid");
    respond(&signals, response).await;
    assert_ended(&signals, Outcome::Error);
}

#[tokio::test]
async fn invented_paths_methods_and_hosts_make_no_series() {
    let (registry, signals) = kit();
    let service = signals.layer().layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(
            Response::builder().status(404).body(Empty::<Bytes>::new()).expect("ok"),
        )
    }));
    for i in 0..10_000 {
        let request = Request::builder()
            .method(format!("M{i}").as_str())
            .uri(format!("http://host{i}.example/invented/{i}"))
            .body(())
            .expect("valid");
        let Ok(_) = service.clone().oneshot(request).await;
    }
    let text = exposition(&registry);
    assert!(text.lines().count() < 150, "{} lines", text.lines().count());
    assert!(!text.contains("invented") && !text.contains("example"), "{text}");
    let labels = ["http_request_method=\"_OTHER\""];
    let started = value(&registry, "sre_kit_http_server_requests_started_total", &labels);
    assert!((started - 10_000.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn invented_routes_share_one_series_that_says_so() {
    let registry = Registry::new();
    let source = RouteSource::from_fn(|head| Some(head.uri.path().to_owned().leak()));
    let signals = GoldenSignals::builder().routes(source).max_routes(50).build(&registry);
    let signals = signals.expect("valid");
    let service = signals.layer().layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));
    for i in 0..10_000 {
        let Ok(_) = service.clone().oneshot(get(&format!("/{i}"))).await;
    }
    let overflow = ["metric=\"sre_kit_http_server_requests_started_total\""];
    let overflow = value(&registry, "sre_kit_metrics_overflow_total", &overflow);
    assert!((overflow - 9_950.0).abs() < f64::EPSILON, "{overflow}");
    let text = exposition(&registry);
    let series =
        text.lines().filter(|l| l.starts_with("sre_kit_http_server_requests_started_total"));
    assert_eq!(series.count(), 51);
    assert_eq!((signals.started(), signals.ended(Outcome::Ok)), (10_000, 10_000));
}

#[derive(Clone, Copy)]
enum Tier {
    Free,
    Paid,
}

impl Label for Tier {
    const NAME: &'static str = "tier";
    const VALUES: &'static [&'static str] = &["free", "paid"];
    fn index(self) -> usize {
        self as usize
    }
}

#[derive(Clone, Copy)]
struct Cached;

impl Label for Cached {
    const NAME: &'static str = "cache";
    const VALUES: &'static [&'static str] = &["hit"];
    fn index(self) -> usize {
        0
    }
}

#[tokio::test]
async fn labels_come_from_the_request_and_from_the_response() {
    let registry = Registry::new();
    let signals = GoldenSignals::builder()
        .request_label(|head| {
            Some(if head.headers.contains_key("x-paid") { Tier::Paid } else { Tier::Free })
        })
        .response_label(|head| head.headers.get("x-cache").map(|_| Cached))
        .build(&registry)
        .expect("valid");
    let response = Response::builder().header("x-cache", "1").body(Full::from("x")).expect("valid");
    respond(&signals, response).await;
    let labels = ["tier=\"free\"", "cache=\"hit\""];
    assert!(value(&registry, "http_server_request_duration_seconds_count", &labels) > 0.0);
}

#[tokio::test]
async fn an_excluded_route_leaves_no_trace() {
    let registry = Registry::new();
    let signals = GoldenSignals::builder()
        .routes(Routes::new(["/items/{id}"]).expect("valid"))
        .exclude(["/items/{id}"])
        .build(&registry)
        .expect("valid");
    respond(&signals, Response::new(Full::from("x"))).await;
    assert_eq!(signals.started(), 0);
    assert!(!exposition(&registry).contains("{http_request_method"));
}

#[test]
fn bad_settings_are_named_with_their_value_and_rule() {
    use sre_kit::metrics::Buckets;

    let built = |edit: fn(sre_kit::golden_signals::GoldenSignalsBuilder) -> _| {
        let builder = GoldenSignals::builder();
        sre_kit::golden_signals::GoldenSignalsBuilder::build(edit(builder), &Registry::new())
            .expect_err("refused")
    };
    let routes = || Routes::new(["/"]).expect("valid");
    let err = Routes::new(["items"]).expect_err("no slash");
    assert_eq!((err.field(), err.value()), ("route", "\"items\""));
    assert!(Routes::new([""]).is_err());
    let err = Routes::new(["/a", "/a"]).expect_err("twice");
    assert!(err.rule().contains("declared already"), "{err}");
    assert!(Routes::new(["/{a}", "/{b}"]).is_err());
    assert!(Routes::new(["/{"]).is_err());

    let err = built(|b| b.max_routes(0));
    assert_eq!((err.field(), err.value()), ("max_routes", "0"));
    let err = GoldenSignals::builder().routes(routes()).exclude(["/b"]).build(&Registry::new());
    assert_eq!(err.expect_err("not declared").value(), "\"/b\"");
    assert_eq!(built(|b| b.streams([""])).field(), "route");
    let err = built(|b| b.duration_buckets(Buckets::units([1, 2]).expect("valid")));
    assert_eq!(err.field(), "duration_buckets");
    let err = built(|b| b.body_size_buckets(Buckets::seconds([1.0]).expect("valid")));
    assert_eq!(err.field(), "body_size_buckets");
    let err = built(|b| b.request_label(|_| None::<Tier>).response_label(|_| None::<Tier>));
    assert_eq!((err.field(), err.value()), ("label name", "\"tier\""));
}

#[test]
fn two_layers_on_one_registry_are_refused_and_on_two_are_fine() {
    let registry = Registry::new();
    GoldenSignals::builder().build(&registry).expect("first");
    let err = GoldenSignals::builder().build(&registry).expect_err("second");
    assert_eq!(err.field(), "metric name");
    GoldenSignals::builder().build(&Registry::new()).expect("a registry of its own");
}

#[tokio::test]
async fn the_size_of_a_request_body_is_declared_or_counted_and_never_guessed() {
    use sre_kit::golden_signals::CountRequestBodyLayer;

    let size = |registry: &Registry| {
        let text = exposition(registry);
        let of = |suffix: &str| {
            let name = format!("http_server_request_body_size_bytes_{suffix}{{");
            let line = text.lines().find(|line| line.starts_with(&name)).expect("a series");
            line.rsplit(' ').next().and_then(|v| v.parse::<u64>().ok()).expect("a number")
        };
        (of("count"), of("sum"))
    };
    for (counting, header, expected) in [
        (false, Some(("content-length", "7")), (1, 7)),
        (false, Some(("transfer-encoding", "chunked")), (0, 0)),
        (false, None, (1, 0)),
        (true, Some(("transfer-encoding", "chunked")), (1, 15)),
    ] {
        let registry = Registry::new();
        let mut builder = GoldenSignals::builder();
        if counting {
            builder = builder.count_request_bodies();
        }
        let service = tower::ServiceBuilder::new()
            .layer(builder.build(&registry).expect("valid").layer())
            .layer(CountRequestBodyLayer::new())
            .service_fn(|request: Request<_>| async {
                let _ = BodyExt::collect(request.into_body()).await;
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            });
        let mut request = Request::new(chunks(3));
        if let Some((name, value)) = header {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let Ok(_) = service.oneshot(request).await;
        assert_eq!(size(&registry), expected, "{header:?}, counting: {counting}");
    }
}
