//! An OTLP collector in the process of the test.

mod answer;
mod service;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sre_kit_telemetry::testing::{OtlpRecord, Span};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use answer::Answer;

use state::State;

/// An OTLP collector on a loopback port, which takes traces, logs and metrics over HTTP and gRPC
/// on the same port and answers as a script says.
///
/// It has a thread of its own, so that a test may block on a flush. Dropping it closes the port
/// and all connections.
///
/// ```
/// use std::time::Duration;
/// use sre_kit::telemetry::{Protocol, Sampler, Telemetry};
/// use sre_kit::testing::{Answer, Collector};
///
/// let collector = Collector::start()?;
/// collector.answer_next([Answer::Unavailable, Answer::Accept]);
/// let telemetry = Telemetry::builder()
///     .sampler(Sampler::always_on())
///     .otlp_traces(Protocol::HttpProtobuf, collector.endpoint())?
///     .build()?;
/// tracing::dispatcher::with_default(telemetry.dispatch(), || {
///     tracing::info_span!("pay").in_scope(|| ());
/// });
/// let report = telemetry.shutdown_blocking(Duration::from_secs(30));
/// assert!(report.is_complete(), "the exporter tries again: {report}");
/// collector.assert_spans(["pay"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Collector {
    endpoint: String,
    state: Arc<State>,
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
}

impl Collector {
    /// Starts a collector that accepts everything.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no free port, or if its thread cannot be started.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("collector")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        listener.set_nonblocking(true)?;
        let entered = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(entered);
        let state = Arc::<State>::default();
        runtime.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { endpoint, state, runtime: Some(runtime) })
    }

    /// Returns its endpoint for both protocols, such as `http://127.0.0.1:40000`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets how it answers the next requests, one answer per request. Further requests are answered
    /// as [`answer_always`](Self::answer_always) says.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().script.next.extend(answers);
    }

    /// Sets how it answers requests for which no other answer is left. Defaults to
    /// [`Answer::Accept`].
    pub fn answer_always(&self, answer: Answer) {
        self.state.lock().script.then = answer;
    }

    /// Returns how many requests arrived, those included that it did not accept.
    pub fn requests(&self) -> usize {
        self.state.lock().requests
    }

    /// Returns the spans that it accepted.
    pub fn spans(&self) -> Vec<Span> {
        self.state.lock().taken.spans.clone()
    }

    /// Returns the log records that it accepted.
    pub fn records(&self) -> Vec<OtlpRecord> {
        self.state.lock().taken.records.clone()
    }

    /// Returns the names of the metrics that it accepted.
    pub fn metrics(&self) -> BTreeSet<String> {
        self.state.lock().taken.metrics.clone()
    }

    /// Returns the resource attributes of what it accepted.
    pub fn resource(&self) -> BTreeMap<String, String> {
        self.state.lock().taken.resource.clone()
    }

    /// Asserts that it accepted spans of these names and no others, in any order.
    ///
    /// # Panics
    ///
    /// Panics if it did not. The message has the names that it accepted, and why requests were
    /// malformed.
    #[track_caller]
    pub fn assert_spans<T: Into<String>>(&self, names: impl IntoIterator<Item = T>) {
        let mut expected: Vec<String> = names.into_iter().map(Into::into).collect();
        let mut found: Vec<_> = self.spans().iter().map(|span| span.name().to_owned()).collect();
        expected.sort_unstable();
        found.sort_unstable();
        let inner = self.state.lock();
        let list = |names: &[String]| match names {
            [] => "no spans".to_owned(),
            names => format!("the spans `{}`", names.join("`, `")),
        };
        assert!(
            expected == found,
            "expected the collector to have {}, but it has {}.\n{} requests arrived, {} of them \
             were malformed: {:?}",
            list(&expected),
            list(&found),
            inner.requests,
            inner.refused.len(),
            inner.refused
        );
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // An error of `accept` concerns one connection, whose exporter tries again.
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| service::serve(Arc::clone(&state), request));
            let http = auto::Builder::new(TokioExecutor::new());
            // A connection that breaks off is that of an exporter, which reports it.
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // In the background: a runtime must not be dropped within another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
