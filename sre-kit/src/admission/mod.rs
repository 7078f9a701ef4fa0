//! Admission control: a concurrency limit with a queue and load shedding.

mod body;
mod builder;
mod future;
mod handle;
mod layer;
mod limit;
mod permit;
mod priority;
mod queue;
mod refusal;
mod rules;
mod semaphore;
mod series;
mod service;
mod waiter;

use std::fmt;
use std::sync::Arc;

use handle::ShardedHandles;
use refusal::Refusals;
use rules::Rules;

pub use body::AdmissionBody;
pub use builder::AdmissionBuilder;
pub use future::AdmissionFuture;
pub use layer::AdmissionLayer;
pub use limit::{GradientSettings, Limit};
pub use permit::Permit;
pub use priority::Priority;
pub use service::AdmissionService;

/// Admission control, which keeps the number of concurrent requests within a limit.
///
/// A service that accepts more than it can serve does not only slow down. Its queue grows without
/// bound, every response comes after its caller has given up, and all of its work is wasted.
/// Admission control refuses the excess within microseconds, so that the service serves the rest at
/// its normal latency.
///
/// ```
/// use std::time::Duration;
///
/// use sre_kit::metrics::Registry;
/// use sre_kit::admission::{Admission, Limit};
/// use tower::Layer;
///
/// let registry = Registry::new();
/// let admission = Admission::builder()
///     .limit(Limit::fixed(64))
///     .queue(64, Duration::from_millis(200))
///     .exempt(|head| head.uri.path() == "/events")
///     .build(&registry)?;
/// # let my_service = tower::service_fn(|_: http::Request<()>| async {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
/// # });
/// let service = admission.layer().layer(my_service);
/// assert_eq!(admission.in_flight(), 0);
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
///
/// # When to use it
///
/// Use it on every listener that accepts requests from outside, with a limit as [`Limit`] derives
/// it. Do not use it on the listener of probes and metrics, because a full service must still
/// report that it is alive and how full it is. If probes use the same listener,
/// [`exempt`](AdmissionBuilder::exempt) them.
///
/// Put the layer inside the [golden signals](crate::golden_signals), which then count refused
/// requests as `shed`, and around timeouts and everything else.
///
/// # What happens to a request
///
/// 1. An exempt request passes. Admission control does not count it.
/// 2. If its weight is free and the queue is empty, it is admitted.
/// 3. Otherwise it waits for at most the timeout of the queue, if the queue has room. The oldest
///    request is admitted first. Once the queue has not been empty for its timeout, it is a
///    standing queue instead of a burst, and the newest request is admitted first, because the
///    requests that have waited longest are the likeliest to have been given up ("adaptive LIFO",
///    B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015). Critical requests are always admitted
///    before normal ones.
/// 4. Otherwise it is refused immediately with status 503, `Retry-After`, an empty body and
///    [`Shed`](crate::Shed) in the extensions. A gRPC client reads a 503 as `UNAVAILABLE`.
///
/// The permit is held until the *body* of the response ends, is dropped, fails or panics, because a
/// response that is still being sent is work. An upgraded connection does not hold a permit, which
/// is released with the response head.
///
/// # Metrics
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `sre_kit_http_server_concurrency_limit` | gauge | | units that may be in use now |
/// | `sre_kit_http_server_concurrency_in_flight` | gauge | | units in use; divided by the limit it is the saturation |
/// | `sre_kit_http_server_queue_depth` | gauge | | requests that wait |
/// | `sre_kit_http_server_queue_wait_seconds` | histogram | | time that requests waited, admitted or not; requests that did not wait are not included |
/// | `sre_kit_http_server_shed_total` | counter | `reason`: `limit`, `queue_full`, `queue_timeout`, `displaced` | requests refused |
/// | `sre_kit_http_server_concurrency_gradient` | gauge | | adaptive limit: the last gradient, 0.5 to 1 |
/// | `sre_kit_http_server_concurrency_latency_seconds` | gauge | `kind`: `baseline`, `window` | adaptive limit: the latencies that it compares, once measured |
/// | `sre_kit_http_server_concurrency_probes_total` | counter | | adaptive limit: measurements of the baseline |
///
/// # Cost
///
/// An uncontended request makes one atomic exchange at its start and one atomic subtraction at its
/// end, takes no lock and allocates nothing. With an adaptive limit it also reads the clock twice.
/// A request that waits allocates an entry of the queue and a timer. Waiting requires a Tokio
/// runtime with time; without one, requests are refused instead.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue or releases its permit. Units that were granted to it
/// at the same moment go to the next waiter.
///
/// Clones are cheap and share one limit.
#[derive(Clone)]
pub struct Admission {
    shared: Arc<Shared>,
}

/// The state that all clones of an [`Admission`] share.
struct Shared {
    handles: Arc<ShardedHandles>,
    rules: Rules,
    refusals: Refusals,
}

impl Admission {
    /// Admits `weight` units of work that is not an HTTP request, if they are free and the queue is
    /// empty. Returns `None` otherwise, without waiting.
    ///
    /// A weight of 0 counts as 1. A weight above the limit takes the whole limit.
    pub fn try_admit(&self, weight: u32) -> Option<Permit> {
        Permit::try_acquire(self.shared.handles.of_current_shard(), weight.max(1))
    }

    /// Returns the units in use.
    pub fn in_flight(&self) -> u64 {
        self.shared.handles.semaphore().in_flight()
    }

    /// Returns the units that may be in use now.
    pub fn limit(&self) -> u32 {
        self.shared.handles.semaphore().limit()
    }

    /// Returns the number of requests that wait.
    pub fn queued(&self) -> usize {
        self.shared.handles.semaphore().depth()
    }

    /// Returns the number of requests that have been refused.
    pub fn shed(&self) -> u64 {
        self.shared.handles.semaphore().series.shed_total()
    }

    /// Returns the units in use divided by the limit, so that a service can skip optional work
    /// before it is full. The value can exceed 1 for a moment after the limit was lowered.
    pub fn utilization(&self) -> f64 {
        self.in_flight() as f64 / f64::from(self.limit())
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("in_flight", &self.in_flight())
            .field("limit", &self.limit())
            .field("queued", &self.queued())
            .field("rules", &self.shared.rules)
            .finish_non_exhaustive()
    }
}
