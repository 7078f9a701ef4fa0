//! Traces, logs and exemplars of requests, without a collector.
#![cfg(feature = "telemetry")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use sre_kit::golden_signals::{GoldenSignals, Routes};
use sre_kit::metrics::{Format, Registry};
use sre_kit::telemetry::{
    FlushStatus, HttpClient, LogFormat, Protocol, Sampler, Telemetry, TelemetryBuilder,
    TraceContext, TraceExt,
};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::telemetry::{Kept, attribute};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Longer than any flush takes.
const LONG: Duration = Duration::from_mins(1);

/// A service under the layer, and what became of its requests.
struct Scene {
    telemetry: Telemetry,
    registry: Registry,
    signals: GoldenSignals,
    spans: Kept<SpanData>,
    log: Kept<u8>,
}

impl Scene {
    fn new(sampler: Sampler) -> Self {
        Self::of(|telemetry| telemetry.sampler(sampler))
    }

    fn of(change: impl FnOnce(TelemetryBuilder) -> TelemetryBuilder) -> Self {
        let (registry, spans, log) = (Registry::new(), Kept::default(), Kept::<u8>::default());
        let writer = log.clone();
        let telemetry = Telemetry::builder()
            .span_exporter(spans.clone())
            .log_format(LogFormat::Json)
            .log_writer(move || writer.clone());
        let telemetry = change(telemetry).build().expect("valid");
        telemetry.register(&registry).expect("its own registry");
        let signals = GoldenSignals::builder()
            .routes(Routes::new(["/items/{id}"]).expect("valid"))
            .telemetry(&telemetry)
            .build(&registry)
            .expect("valid");
        Self { telemetry, registry, signals, spans, log }
    }

    /// One request from its start to the end of its body, with the scene's subscriber.
    fn request(&self, request: Request<()>, handler: fn(Request<()>) -> Response<Full<Bytes>>) {
        let service = self.signals.layer().layer(service_fn(move |request| {
            std::future::ready(Ok::<_, Infallible>(handler(request)))
        }));
        let call = async move {
            let Ok(response) = service.oneshot(request).await;
            response.into_body().collect().await.expect("infallible");
        };
        tracing::dispatcher::with_default(self.telemetry.dispatch(), || call.now_or_never())
            .expect("nothing waits");
    }

    /// The spans, all of them: nothing is recorded from now on.
    fn spans(&self) -> Vec<SpanData> {
        assert!(self.telemetry.shutdown_blocking(LONG).is_complete());
        self.spans.all()
    }

    fn metrics(&self) -> String {
        let mut out = Vec::new();
        self.registry.encode(Format::OpenMetrics, &mut out);
        String::from_utf8(out).expect("text")
    }
}

fn get(target: &str) -> http::request::Builder {
    Request::get(target).header("host", "shop.example:8443")
}

fn ok(_: Request<()>) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(b"hello")))
}

fn status(status: u16) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).expect("valid")
}

#[test]
fn a_sampled_request_is_one_span_with_the_attributes_of_the_conventions() {
    let scene = Scene::new(Sampler::always_on());
    let request = get("/items/1?sig=secret&a=b").header("traceparent", PARENT);
    scene.request(request.header("user-agent", "curl/8").body(()).expect("valid"), ok);
    let spans = scene.spans();
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((&*span.name, &span.span_kind), ("GET /items/{id}", &SpanKind::Server));
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert!(span.parent_span_is_remote);
    assert_eq!(span.status, Status::Unset);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/items/{id}"),
        ("url.path", "/items/1"),
        ("url.query", "sig=REDACTED&a=b"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("server.address", "shop.example"),
        ("server.port", "8443"),
        ("user_agent.original", "curl/8"),
        ("http.response.status_code", "200"),
        ("http.response.body.size", "5"),
        ("sre_kit.outcome", "ok"),
        ("error.type", ""),
    ] {
        assert_eq!(attribute(span, name), value, "{name}");
    }
}

#[test]
fn the_span_and_the_metric_last_equally_long() {
    let scene = Scene::new(Sampler::always_on());
    scene.request(get("/items/1").body(()).expect("valid"), ok);
    let span = scene.spans().remove(0);
    let metrics = scene.metrics();
    let sum = metrics.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        name.starts_with("http_server_request_duration_seconds_sum{").then_some(value)
    });
    let lasted = span.end_time.duration_since(span.start_time).expect("not before it began");
    assert_eq!(sum.expect("recorded"), lasted.as_secs_f64().to_string());
}

#[test]
fn who_is_at_fault_decides_on_the_status() {
    let scene = Scene::new(Sampler::always_on());
    scene.request(get("/items/1").body(()).expect("valid"), |_| status(404));
    scene.request(get("/items/1").body(()).expect("valid"), |_| status(503));
    scene.request(get("/nowhere").body(()).expect("valid"), ok);
    let unknown = Request::builder().method("BREW").uri("/items/1").body(()).expect("valid");
    scene.request(unknown, ok);
    let spans = scene.spans();
    let facts: Vec<_> = spans
        .iter()
        .map(|span| (&*span.name, attribute(span, "error.type"), span.status.clone()))
        .collect();
    let unset = |name| (name, String::new(), Status::Unset);
    assert_eq!(
        facts,
        [
            unset("GET /items/{id}"),
            ("GET /items/{id}", "503".to_owned(), Status::error("")),
            unset("GET"),
            unset("HTTP /items/{id}"),
        ]
    );
    assert_eq!(attribute(&spans[3], "http.request.method"), "_OTHER");
    assert_eq!(attribute(&spans[3], "http.request.method_original"), "BREW");
}

#[test]
fn a_request_that_is_given_up_and_one_that_panics_end_their_spans() {
    let scene = Scene::new(Sampler::always_on());
    let mut service = scene.signals.layer().layer(service_fn(|request: Request<()>| async move {
        if request.uri().path() == "/items/2" {
            std::panic::resume_unwind(Box::new("stop"));
        }
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
    }));
    drop(service.call(get("/items/1").body(()).expect("valid")));
    let call = std::panic::AssertUnwindSafe(async {
        let _ = service.call(get("/items/2").body(()).expect("valid")).await;
    });
    let panicked = std::panic::catch_unwind(|| call.now_or_never());
    assert!(panicked.is_err());
    assert_eq!(TraceContext::current(), None, "nothing is left behind on the thread");
    let spans = scene.spans();
    let facts: Vec<_> = spans
        .iter()
        .map(|s| (attribute(s, "sre_kit.outcome"), attribute(s, "error.type"), s.status.clone()))
        .collect();
    let fact = |outcome: &str, error: &str, status| (outcome.to_owned(), error.to_owned(), status);
    assert_eq!(
        facts,
        [
            fact("aborted_before_headers", "canceled", Status::Unset),
            fact("panic", "panic", Status::error("")),
        ]
    );
}

fn work(request: Request<()>) -> Response<Full<Bytes>> {
    let _span = tracing::info_span!("load").entered();
    tracing::info!("at work");
    ok(request)
}

#[test]
fn the_line_the_exemplar_and_the_span_name_the_same_trace() {
    let scene = Scene::new(Sampler::always_on());
    scene.request(get("/items/1").body(()).expect("valid"), work);
    let metrics = scene.metrics();
    let spans = scene.spans();
    let [inner, server] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((&*inner.name, inner.parent_span_id), ("load", server.span_context.span_id()));
    let trace = server.span_context.trace_id().to_string();
    assert_eq!(inner.span_context.trace_id().to_string(), trace);
    let lines = scene.log.lines();
    assert_eq!(lines[0]["trace_id"], trace);
    assert_eq!(lines[0]["span_id"], inner.span_context.span_id().to_string());
    assert_eq!(lines[0]["trace_flags"], "01");
    let exemplars: Vec<_> = metrics.lines().filter(|line| line.contains(" # {")).collect();
    let [exemplar] = exemplars[..] else { panic!("{exemplars:?}") };
    assert!(exemplar.starts_with("http_server_request_duration_seconds_bucket{"), "{exemplar}");
    let id = format!(" # {{trace_id=\"{trace}\",span_id=\"{}\"}} ", server.span_context.span_id());
    assert!(exemplar.contains(&id), "{exemplar} is not of {id}");
}

#[test]
fn an_unsampled_request_has_a_trace_but_no_span_no_exemplar() {
    let scene = Scene::new(Sampler::default());
    let request = get("/items/1").header("traceparent", UNSAMPLED).body(()).expect("valid");
    scene.request(request, |request| {
        let context = TraceContext::current().expect("within a request");
        assert_eq!(context.trace_id().to_string(), TRACE);
        assert!(!context.is_sampled());
        work(request)
    });
    assert!(!scene.metrics().contains(" # {"));
    assert!(scene.spans().is_empty(), "not even of what `tracing` opened within");
    let line = scene.log.lines().remove(0);
    assert_eq!((&line["trace_id"], &line["trace_flags"]), (&TRACE.into(), &"00".into()));
}

#[test]
fn a_process_that_records_nothing_passes_on_a_sampled_context_and_is_a_hop_of_another_one() {
    let registry = Registry::new();
    let telemetry = Telemetry::builder().build().expect("valid");
    let signals = GoldenSignals::builder().telemetry(&telemetry).build(&registry).expect("valid");
    let service = signals.layer().layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(
            TraceContext::current().expect("current").traceparent().as_str().to_owned(),
        ))))
    }));
    let passed_on = |parent: &str| {
        let request = get("/").header("traceparent", parent).body(()).expect("valid");
        let body = async {
            let Ok(response) = service.clone().oneshot(request).await;
            response.into_body().collect().await.expect("infallible").to_bytes()
        };
        let bytes = body.now_or_never().expect("nothing waits");
        String::from_utf8(bytes.to_vec()).expect("text")
    };
    assert_eq!(passed_on(PARENT), PARENT, "a span that is never exported would tear the trace");
    let hop = passed_on(UNSAMPLED);
    assert_eq!((&hop[..36], &hop[52..]), (&UNSAMPLED[..36], "-00"));
    assert_ne!(hop, UNSAMPLED, "each hop has an id of its own");
}

#[test]
fn what_is_malformed_is_passed_over_in_silence_and_gets_a_trace_of_its_own() {
    let huge = format!("a={}", "x".repeat(64 * 1024));
    let scene = Scene::new(Sampler::always_on());
    for (name, value) in [
        ("traceparent", "nonsense"),
        ("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        ("traceparent", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "=,=,="),
        ("baggage", huge.as_str()),
        ("baggage", ";;;===\u{1}"),
    ] {
        let Ok(request) = get("/items/1").header(name, value).body(()) else { continue };
        scene.request(request, |request| {
            assert!(TraceContext::current().is_some());
            ok(request)
        });
    }
    let spans = scene.spans();
    assert!(spans.len() >= 5);
    let traces: std::collections::HashSet<_> =
        spans.iter().map(|span| span.span_context.trace_id()).collect();
    assert_eq!(traces.len(), spans.len(), "each has a trace of its own");
    assert!(spans.iter().all(|span| !span.parent_span_is_remote));
    assert!(scene.log.all().is_empty(), "and nothing is logged");
}

#[test]
fn a_tracestate_without_a_valid_traceparent_belongs_to_no_trace() {
    use opentelemetry::trace::TraceContextExt;

    fn state() -> String {
        opentelemetry::Context::current().span().span_context().trace_state().header()
    }
    for sampler in [Sampler::always_on(), Sampler::always_off()] {
        let scene = Scene::new(sampler);
        let request = || get("/items/1").header("tracestate", "foo=1");
        for broken in [request(), request().header("traceparent", "nonsense")] {
            scene.request(broken.body(()).expect("valid"), |request| {
                assert_eq!(state(), "");
                ok(request)
            });
        }
        let whole = request().header("traceparent", PARENT).body(()).expect("valid");
        scene.request(whole, |request| {
            assert_eq!(state(), "foo=1");
            ok(request)
        });
    }
}

#[test]
fn an_invalid_setting_is_an_error_at_the_start_if_the_environment_is_strict() {
    for (name, value) in [
        ("OTEL_TRACES_SAMPLER", "now_and_then"),
        ("OTEL_TRACES_SAMPLER_ARG", "twice"),
        ("OTEL_PROPAGATORS", "tracecontext,smoke_signals"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"),
        ("SRE_KIT_LOG_FORMAT", "xml"),
        ("RUST_LOG", "a=b=c"),
    ] {
        let err = Telemetry::builder_from_vars(|asked| match asked {
            _ if asked == name => Some(value.to_owned()),
            "OTEL_TRACES_SAMPLER" => Some("traceidratio".to_owned()),
            "OTEL_TRACES_EXPORTER" => Some("otlp".to_owned()),
            "SRE_KIT_STRICT_ENV" => Some("true".to_owned()),
            _ => None,
        })
        .expect_err(value);
        assert_eq!(err.field(), name, "{err}");
        assert!(!err.rule().is_empty() && !err.advice().is_empty(), "{err}");
    }
}

#[test]
fn a_task_belongs_to_the_trace_that_it_is_given() {
    let scene = Scene::new(Sampler::always_on());
    scene.request(get("/items/1").body(()).expect("valid"), |request| {
        let with = async { TraceContext::current() }.in_current_trace();
        let spawned = std::thread::spawn(|| (with.now_or_never(), TraceContext::current()));
        let (with, without) = spawned.join().expect("no panic");
        let with = with.expect("nothing waits");
        assert_eq!((with, without), (TraceContext::current(), None));
        ok(request)
    });
}

#[test]
fn the_level_of_the_log_changes_while_it_runs_and_nonsense_changes_nothing() {
    let scene = Scene::new(Sampler::always_off());
    let log =
        || tracing::dispatcher::with_default(scene.telemetry.dispatch(), || tracing::debug!("x"));
    log();
    scene.telemetry.log_level().set("debug").expect("valid");
    log();
    scene.telemetry.log_level().set("a=b=c").expect_err("nonsense");
    log();
    assert_eq!(scene.telemetry.log_level().get(), "debug");
    assert_eq!(scene.log.lines().len(), 2);
}

#[test]
fn what_became_of_the_spans_is_counted_and_a_full_queue_drops() {
    let scene = Scene::of(|_| {
        let vars = |name: &str| {
            let value = match name {
                // Nothing is sent before the end, so the queue stays full.
                "OTEL_BSP_MAX_QUEUE_SIZE" | "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" => "8",
                "OTEL_BSP_SCHEDULE_DELAY" => "3600000",
                _ => return None,
            };
            Some(value.to_owned())
        };
        Telemetry::builder_from_vars(vars).expect("valid").span_exporter(Stuck)
    });
    for _ in 0..100 {
        scene.request(get("/items/1").body(()).expect("valid"), ok);
    }
    let sample = |text: &str| {
        let text = format!("{text} ");
        let metrics = scene.metrics();
        let found = metrics.lines().find_map(|line| line.strip_prefix(&text)).map(str::to_owned);
        found.expect("shown").parse::<f64>().expect("a number")
    };
    let dropped = "sre_kit_telemetry_items_total{signal=\"traces\",result=\"dropped\"}";
    let (before, waiting) =
        (sample(dropped), sample("sre_kit_telemetry_queue_ratio{signal=\"traces\"}"));
    // One batch may be with the exporter, another one in the queue.
    assert!(before >= 100.0 - 16.0 && waiting <= 1.0, "{before} dropped, {waiting} full");
    let flushed = scene.telemetry.shutdown_blocking(Duration::from_millis(50));
    assert_eq!(flushed.signals().collect::<Vec<_>>(), [("traces", FlushStatus::TimedOut)]);
}

/// Takes a batch and never answers.
#[derive(Debug)]
struct Stuck;

impl opentelemetry_sdk::trace::SpanExporter for Stuck {
    async fn export(&self, _: Vec<SpanData>) -> opentelemetry_sdk::error::OTelSdkResult {
        std::future::pending().await
    }
}

/// A collector that takes connections and never answers.
#[cfg(feature = "otlp")]
fn black_hole() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, endpoint)
}

#[cfg(feature = "otlp")]
#[test]
fn a_dead_collector_does_not_keep_a_process_from_ending_on_any_runtime() {
    let (_listener, endpoint) = black_hole();
    let shut_down = async || {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
            let telemetry = Telemetry::builder().otlp_traces(protocol, &endpoint).expect("valid");
            let telemetry = telemetry.sampler(Sampler::always_on()).build().expect("valid");
            tracing::dispatcher::with_default(telemetry.dispatch(), || tracing::info_span!("x"));
            let flushed = telemetry.shutdown(Duration::from_millis(100)).await;
            assert_eq!(flushed.signals().count(), 1);
            assert!(!flushed.is_complete(), "{flushed}");
            assert_eq!(telemetry.shutdown(LONG).await.signals().count(), 0, "there is one end");
        }
    };
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build();
    single.expect("a runtime").block_on(shut_down());
    for workers in [1, 2] {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(workers).enable_all().build().expect("a runtime");
        runtime.block_on(shut_down());
    }
}

/// What a server was told, and what the client's histogram says, of a request made
/// while another one is served.
fn call_out(sampler: Sampler, parent: &str) -> (http::HeaderMap, Scene) {
    let scene = Scene::new(sampler);
    let told = Kept::<http::HeaderMap>::default();
    let client = HttpClient::new(&scene.registry, &scene.telemetry).expect("its own registry");
    let (told_to, layer) = (told.clone(), client.layer());
    let service = scene.signals.layer().layer(service_fn(move |_: Request<()>| {
        let told = told_to.clone();
        let client = layer.layer(service_fn(move |request: Request<()>| {
            told.push([request.headers().clone()]);
            std::future::ready(Ok::<_, Infallible>(status(503)))
        }));
        async move {
            let request = Request::get("http://me:pw@db.example/x?token=1").body(());
            client.oneshot(request.expect("valid")).await
        }
    }));
    let request = get("/items/1").header("traceparent", parent).header("baggage", "team=a");
    let call = async { drop(service.oneshot(request.body(()).expect("valid")).await) };
    call.now_or_never().expect("nothing waits");
    (told.all().remove(0), scene)
}

#[test]
fn a_request_to_another_service_takes_the_context_along() {
    for (sampler, parent, flag) in [
        (Sampler::default(), PARENT, "01"),
        (Sampler::default(), UNSAMPLED, "00"),
        (Sampler::always_off(), PARENT, "00"),
    ] {
        let (told, scene) = call_out(sampler, parent);
        let context = told["traceparent"].to_str().expect("text").to_owned();
        assert!(context.starts_with(&format!("00-{TRACE}-")), "{context}");
        assert!(context.ends_with(flag), "{context}");
        assert_eq!(told["baggage"], "team=a");
        assert_eq!(scene.spans().is_empty(), flag == "00");
    }
}

#[test]
fn a_sampled_call_is_a_span_within_the_request_and_a_sample_with_an_exemplar() {
    let (told, scene) = call_out(Sampler::always_on(), PARENT);
    let metrics = scene.metrics();
    let spans = scene.spans();
    let [client, server] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((&*client.name, &client.span_kind), ("GET", &SpanKind::Client));
    assert_eq!(client.parent_span_id, server.span_context.span_id());
    assert!(
        told["traceparent"]
            .to_str()
            .expect("text")
            .contains(&client.span_context.span_id().to_string())
    );
    assert_eq!(client.status, Status::error(""));
    for (name, value) in [
        ("url.full", "http://REDACTED:REDACTED@db.example/x?token=REDACTED"),
        ("server.address", "db.example"),
        ("server.port", "80"),
        ("http.response.status_code", "503"),
        ("error.type", "503"),
    ] {
        assert_eq!(attribute(client, name), value, "{name}");
    }
    let sample = "http_client_request_duration_seconds_bucket{http_request_method=\"GET\",\
                  server_address=\"db.example\",server_port=\"80\",\
                  http_response_status_code=\"503\",error_type=\"503\",le=";
    let id = client.span_context.span_id().to_string();
    let linked = metrics.lines().filter(|line| line.starts_with(sample) && line.contains(&id));
    assert_eq!(linked.count(), 1, "{metrics}");
}

#[test]
fn a_call_that_is_given_up_is_canceled_and_no_error() {
    let scene = Scene::new(Sampler::always_on());
    let client = HttpClient::new(&scene.registry, &scene.telemetry).expect("its own registry");
    let mut service = client.layer().layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<()>, Infallible>>()
    }));
    drop(service.call(Request::get("https://a.example/").body(()).expect("valid")));
    assert!(scene.metrics().contains("server_port=\"443\",error_type=\"canceled\""));
    let span = scene.spans().remove(0);
    assert_eq!((attribute(&span, "error.type"), span.status), ("canceled".into(), Status::Unset));
}
