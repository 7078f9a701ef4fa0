//! Requests to other services: the context goes along, a span is made where the
//! trace is sampled, and the time to the response head is recorded.

mod call;
mod future;
mod layer;
mod service;

use std::fmt;
use std::sync::Arc;

pub use future::HttpClientFuture;
pub use layer::HttpClientLayer;
pub use service::HttpClientService;

use super::Telemetry;
use super::traces::client::ClientTraces;
use sre_kit_core::ConfigError;
use sre_kit_metrics::internal::BucketsInternals as _;
use sre_kit_metrics::{Buckets, HistogramFamily, Registry};

/// Records requests to other services. Cloning is cheap; clones count together.
///
/// The current trace goes along in the request's headers, and is a span of its own
/// where it is sampled. Put the layer inside of retries, so that each attempt is one
/// span and one sample.
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
/// | `http_client_request_duration_seconds` | histogram | `http_request_method`, `server_address`, `server_port`, `http_response_status_code`, `error_type` | call to response head |
///
/// Name, labels and bounds are those of the OpenTelemetry semantic conventions for
/// HTTP. `error_type` is the status for 4xx and 5xx, `canceled` for a call that was
/// dropped, and `client_error` where there was no response. Hosts past the registry's
/// limit of series share the overflow series.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

struct Inner {
    durations: HistogramFamily,
    traces: ClientTraces,
}

impl HttpClient {
    /// Registers the histogram in `registry`.
    ///
    /// # Errors
    ///
    /// When the registry has it already: clone the first.
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

    /// The layer, for any `Service<http::Request<B>>` that sends requests.
    pub fn layer(&self) -> HttpClientLayer {
        HttpClientLayer::new(self.clone())
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
