//! The last spans of a process, with a collector that takes them and with others
//! that do not, on every kind of runtime.
#![cfg(feature = "telemetry")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use sre_kit::metrics::{Format, Registry};
use sre_kit::telemetry::{FlushStatus, Protocol, Sampler, Telemetry};
use tokio::runtime::{Builder, Runtime};

const SPANS: usize = 100;
/// Longer than any flush takes.
const LONG: Duration = Duration::from_mins(1);

/// How a collector answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Takes,
    TooManyRequests,
    /// Reads, and closes the connection without a word.
    Closes,
}

/// A collector in this process, on a runtime of its own.
struct Collector {
    endpoint: String,
    received: Arc<AtomicUsize>,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Service {
    answer: Answer,
    received: Arc<AtomicUsize>,
}

impl Service {
    fn take(&self, request: &ExportTraceServiceRequest) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        self.received.fetch_add(scopes.map(|scope| scope.spans.len()).sum(), Ordering::Relaxed);
    }

    async fn http(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BrokenOff> {
        let body = request.into_body().collect().await.map_err(|_| BrokenOff)?.to_bytes();
        let status = match self.answer {
            Answer::Takes => {
                self.take(&ExportTraceServiceRequest::decode(body).map_err(|_| BrokenOff)?);
                200
            }
            Answer::TooManyRequests => 429,
            Answer::Closes => return Err(BrokenOff),
        };
        Ok(Response::builder().status(status).body(Full::default()).expect("valid"))
    }
}

#[derive(Debug)]
struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off")
    }
}

impl std::error::Error for BrokenOff {}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        match self.answer {
            Answer::Takes => {
                self.take(request.get_ref());
                Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
            }
            Answer::TooManyRequests => Err(tonic::Status::resource_exhausted("too many")),
            Answer::Closes => Err(tonic::Status::unavailable("closing")),
        }
    }
}

impl Collector {
    fn start(protocol: Protocol, answer: Answer) -> Self {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let received = Arc::new(AtomicUsize::new(0));
        let service = Service { answer, received: Arc::clone(&received) };
        let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let endpoint = format!("http://{}", bound.local_addr().expect("bound"));
        bound.set_nonblocking(true).expect("it can be");
        let _entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(bound).expect("bound");
        if protocol == Protocol::Grpc {
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            let server = tonic::transport::Server::builder()
                .add_service(TraceServiceServer::new(service))
                .serve_with_incoming(incoming);
            runtime.spawn(server);
        } else {
            runtime.spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let service = service.clone();
                    let service = hyper::service::service_fn(move |r| service.clone().http(r));
                    let http = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(http.serve_connection(TokioIo::new(socket), service));
                }
                Ok::<_, Infallible>(())
            });
        }
        Self { endpoint, received, _runtime: runtime }
    }
}

fn telemetry(protocol: Protocol, collector: &Collector) -> (Telemetry, Registry) {
    let registry = Registry::new();
    let telemetry = Telemetry::builder().sampler(Sampler::always_on());
    let telemetry = telemetry.otlp_traces(protocol, &collector.endpoint).expect("valid");
    let telemetry = telemetry.build().expect("valid");
    telemetry.register(&registry).expect("its own registry");
    (telemetry, registry)
}

fn make_spans(telemetry: &Telemetry) {
    tracing::dispatcher::with_default(telemetry.dispatch(), || {
        for _ in 0..SPANS {
            tracing::info_span!("work").in_scope(|| ());
        }
    });
}

/// Spans by what became of them.
fn became(registry: &Registry, result: &str) -> usize {
    let mut out = Vec::new();
    registry.encode(Format::OpenMetrics, &mut out);
    let sample = format!("sre_kit_telemetry_items_total{{signal=\"traces\",result=\"{result}\"}} ");
    let text = String::from_utf8(out).expect("text");
    let found = text.lines().find_map(|line| line.strip_prefix(&*sample)).expect("shown");
    found.parse().expect("a number")
}

/// A process with one thread, with one worker, and with two.
fn runtimes() -> [Runtime; 3] {
    let workers = |n| Builder::new_multi_thread().worker_threads(n).enable_all().build();
    let single = Builder::new_current_thread().enable_all().build();
    [single, workers(1), workers(2)].map(|runtime| runtime.expect("a runtime"))
}

#[test]
fn a_healthy_collector_gets_every_span_whatever_the_runtime() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for runtime in runtimes() {
            let collector = Collector::start(protocol, Answer::Takes);
            let (telemetry, registry) = runtime.block_on(async { telemetry(protocol, &collector) });
            // From a task, which is where a worker waits for itself if it can.
            let flushed = runtime.block_on(async {
                let spawned = tokio::spawn(async move {
                    make_spans(&telemetry);
                    telemetry.shutdown(LONG).await
                });
                spawned.await.expect("no panic")
            });
            assert_eq!(flushed.to_string(), "traces flushed");
            assert_eq!(collector.received.load(Ordering::Relaxed), SPANS);
            assert_eq!(became(&registry, "exported"), SPANS);
        }
    }
}

#[test]
fn what_a_collector_does_not_take_is_told_and_counted() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for answer in [Answer::TooManyRequests, Answer::Closes] {
            let collector = Collector::start(protocol, answer);
            let (telemetry, registry) = telemetry(protocol, &collector);
            make_spans(&telemetry);
            let flushed = telemetry.shutdown_blocking(LONG);
            assert!(!flushed.is_complete(), "{protocol:?} {answer:?}: {flushed}");
            assert_eq!(flushed.signals().next(), Some(("traces", FlushStatus::Failed)));
            let lost = became(&registry, "failed") + became(&registry, "dropped");
            assert_eq!(
                (became(&registry, "exported"), lost),
                (0, SPANS),
                "{protocol:?} {answer:?}"
            );
        }
    }
}
