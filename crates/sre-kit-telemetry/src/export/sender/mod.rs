//! The sender of all three signals, by gRPC or HTTP.
//!
//! It replaces the SDK's exporters, which report every failed connection as a network error, and
//! count what a collector rejects as exported.

mod call;
mod failure;

use std::fmt;
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use prost::Message;
use tokio::runtime::Handle;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};

pub(super) use call::Call;
use failure::{Failure, Retry};

use super::signal_counts::SignalCounts;
use super::tls;
use crate::settings::otlp::OtlpSettings;
use sre_kit_core::ConfigError;
use sre_kit_core::internal::with_causes;

/// The number of further attempts after a first one that failed.
const MAX_RETRIES: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// A response has one message, which a collector writes for people.
const MAX_RESPONSE: u64 = 64 * 1024;
const USER_AGENT: &str =
    concat!("sre-kit-telemetry/", env!("CARGO_PKG_VERSION"), " OTel-OTLP-Exporter-Rust");

/// A connection to the collector.
pub(super) struct Sender {
    transport: Transport,
    /// The longest time of one request with all of its attempts.
    timeout: Duration,
}

enum Transport {
    Grpc { channel: Channel, headers: HeaderMap, gzip: bool, runtime: Handle },
    Http { client: reqwest::blocking::Client, endpoint: String, headers: HeaderMap, gzip: bool },
}

impl Sender {
    pub(super) fn new(
        otlp: &OtlpSettings,
        timeout: Duration,
        grpc: Option<&Handle>,
    ) -> Result<Self, ConfigError> {
        let (headers, gzip) = (otlp.headers.iter().cloned().collect(), otlp.gzip);
        let timeout = timeout.min(otlp.timeout);
        let Some(runtime) = grpc.filter(|_| otlp.is_grpc()) else {
            let (client, endpoint) = (client(otlp, timeout)?, otlp.endpoint.clone());
            return Ok(Self {
                transport: Transport::Http { client, endpoint, headers, gzip },
                timeout,
            });
        };
        let endpoint = Endpoint::from_shared(otlp.endpoint.clone())
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .map_err(|error| setup_error(otlp, &error))?
            .timeout(timeout)
            .connect_timeout(timeout);
        let endpoint = tls::channel(endpoint, otlp)?;
        let _entered = runtime.enter();
        let channel = endpoint.connect_lazy();
        let runtime = runtime.clone();
        Ok(Self { transport: Transport::Grpc { channel, headers, gzip, runtime }, timeout })
    }

    /// Sends a request with `items`, blocks until it is answered, and counts the items that the
    /// collector rejects.
    ///
    /// A request that may succeed later is sent again, within the timeout.
    pub(super) fn send<C: Call>(
        &self,
        request: &C,
        items: usize,
        counts: &SignalCounts,
    ) -> Result<(), String> {
        let deadline = Instant::now() + self.timeout;
        let mut delay = FIRST_DELAY;
        let mut retries = MAX_RETRIES;
        loop {
            let failure = match self.attempt(request, deadline) {
                Ok(reply) => {
                    count_rejected::<C>(reply, items, counts);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let wait = match failure.retry {
                Retry::Never => return Err(failure.text),
                Retry::Backoff => delay + Duration::from_millis(fastrand::u64(0..=100)),
                Retry::After(asked) => asked.max(delay),
            };
            if retries == 0 || Instant::now() + wait >= deadline {
                return Err(failure.text);
            }
            (retries, delay) = (retries - 1, delay * 2);
            pause(wait);
        }
    }

    fn attempt<C: Call>(&self, request: &C, deadline: Instant) -> Result<C::Reply, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        match &self.transport {
            Transport::Grpc { channel, headers, gzip, runtime } => {
                let mut request = tonic::Request::new(request.clone());
                *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
                // Spawned and not blocked on, because the runtime may be shut down meanwhile.
                let (done, result) = mpsc::sync_channel(1);
                let (channel, gzip) = (channel.clone(), *gzip);
                runtime.spawn(async move {
                    let _ = done.send(C::call(channel, gzip, request).await);
                });
                let answer = result.recv_timeout(left).map_err(|_| Failure::timed_out())?;
                answer
                    .map(tonic::Response::into_inner)
                    .map_err(|status| Failure::of_status(&status))
            }
            Transport::Http { client, endpoint, headers, gzip } => {
                let mut call = client
                    .post(endpoint)
                    .timeout(left)
                    .headers(headers.clone())
                    .header("content-type", "application/x-protobuf");
                let mut body = request.encode_to_vec();
                if *gzip {
                    body = compressed(&body);
                    call = call.header("content-encoding", "gzip");
                }
                let response = call.body(body).send().map_err(Failure::of_connection)?;
                let (status, headers) = (response.status(), response.headers().clone());
                let mut answer = Vec::new();
                // An answer that breaks off says as much as its status does.
                let _ = response.take(MAX_RESPONSE).read_to_end(&mut answer);
                if !status.is_success() {
                    return Err(Failure::of_response(status, &headers, &answer));
                }
                Ok(C::Reply::decode(&*answer).unwrap_or_default())
            }
        }
    }
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).and_then(|()| packed.finish()).expect("a vector takes all bytes")
}

fn count_rejected<C: Call>(reply: C::Reply, items: usize, counts: &SignalCounts) {
    if let Some((rejected, message)) = C::rejected(reply)
        && rejected > 0
    {
        let message = &message[..message.floor_char_boundary(512)];
        let reason = format!("it rejected {rejected} of a batch: {message}");
        counts.reject(usize::try_from(rejected).unwrap_or(usize::MAX).min(items), &reason);
    }
}

#[allow(clippy::disallowed_methods, reason = "each exporter has a thread of its own")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Creates an HTTP client that trusts the configured authority in addition to the system's.
///
/// It is created on a separate thread: the blocking client starts a runtime, which panics on a
/// thread of another runtime.
fn client(
    otlp: &OtlpSettings,
    timeout: Duration,
) -> Result<reqwest::blocking::Client, ConfigError> {
    let builder = reqwest::blocking::Client::builder().timeout(timeout).user_agent(USER_AGENT);
    let builder = tls::http(builder, otlp)?;
    std::thread::spawn(move || builder.build())
        .join()
        .map_err(|_| setup_error(otlp, &"the client could not be started"))?
        .map_err(|error| setup_error(otlp, &with_causes(&error)))
}

/// Returns the error of an exporter that could not be set up.
pub(super) fn setup_error(otlp: &OtlpSettings, error: &dyn fmt::Display) -> ConfigError {
    ConfigError::new(
        "otlp exporter",
        &otlp.endpoint,
        format!("it could not be set up: {error}"),
        "correct the endpoint or its TLS files",
    )
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers carry credentials.
        f.debug_struct("Sender").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    use super::{OtlpSettings, Sender, SignalCounts};
    use crate::export::grpc_runtime::GrpcRuntime;
    use crate::settings::protocol::Protocol;
    use crate::settings::signal::Signal;

    #[test]
    fn the_error_of_a_refused_connection_says_so() {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
            let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
            drop(listener);
            let otlp = OtlpSettings::new(Signal::Traces, protocol, &endpoint).expect("valid");
            let runtime = GrpcRuntime::start().expect("a thread");
            let sender = Sender::new(&otlp, Duration::from_secs(10), runtime.handle());
            let request = ExportTraceServiceRequest::default();
            let counts = SignalCounts::new("traces", 1);
            let error = sender.expect("valid").send(&request, 1, &counts).expect_err("refused");
            assert!(error.contains("Connection refused"), "{protocol}: {error}");
        }
    }
}
