//! The recorder of outbound requests.

use std::fmt;
use std::sync::Arc;

use crate::telemetry::Telemetry;
use crate::traces::client::ClientTraces;
use sre_kit_core::ConfigError;
use sre_kit_metrics::internal::BucketsInternals as _;
use sre_kit_metrics::{Buckets, HistogramFamily, Registry};

/// The recorder of outbound HTTP requests. Cloning is cheap; clones share one histogram.
///
/// It adds the current trace to the request headers, and builds a client span if the trace is
/// sampled. Put the layer inside of retries, so that each attempt is one span and one sample.
///
/// ```
/// use sre_kit_metrics::Registry;
/// use sre_kit_telemetry::{HttpClient, Telemetry};
/// use tower::Layer;
///
/// let (registry, telemetry) = (Registry::new(), Telemetry::builder().build()?);
/// let client = HttpClient::new(&registry, &telemetry)?;
/// # let pooled = tower::service_fn(|_: http::Request<()>| async {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(()))
/// # });
/// // Any `Service<http::Request<B>>`, such as hyper-util's pooled client.
/// let service = client.layer().layer(pooled);
/// # Ok::<(), sre_kit_telemetry::ConfigError>(())
/// ```
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `http_client_request_duration_seconds` | histogram | `http_request_method`, `server_address`, `server_port`, `http_response_status_code`, `error_type` | time from the call to the response head |
///
/// Name, labels and bounds are those of the OpenTelemetry [semantic conventions][conventions].
/// `error_type` is the status for 4xx and 5xx, `canceled` for a call that was dropped, and
/// `client_error` if the call failed without a response. The registry bounds the cardinality:
/// hosts beyond its limit of series share the overflow series.
///
/// [conventions]: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#http-client
#[derive(Clone)]
pub struct HttpClient {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) durations: HistogramFamily,
    pub(super) traces: ClientTraces,
}

impl HttpClient {
    /// Creates a recorder whose histogram is registered in `registry`.
    ///
    /// # Errors
    ///
    /// Returns an error if the registry already has this histogram: clone the first `HttpClient`,
    /// or use another registry.
    pub fn new(registry: &Registry, telemetry: &Telemetry) -> Result<Self, ConfigError> {
        let durations = registry.histogram_family(
            "http_client_request_duration_seconds",
            "Time from the call to the response head.",
            &Buckets::http_duration(),
            &[
                "http_request_method",
                "server_address",
                "server_port",
                "http_response_status_code",
                "error_type",
            ],
        )?;
        let traces = telemetry.client_traces();
        Ok(Self { inner: Arc::new(Inner { durations, traces }) })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
