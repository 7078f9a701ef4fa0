//! Admits what the service can carry and refuses the rest at once.

mod body;
mod builder;
mod future;
mod gate;
mod layer;
mod limit;
mod permit;
mod queue;
mod refusal;
mod rules;
mod series;
mod service;

use std::fmt;
use std::sync::Arc;

use gate::Gates;
use refusal::Refusals;
use rules::Rules;

pub use body::AdmissionBody;
pub use builder::AdmissionBuilder;
pub use future::AdmissionFuture;
pub use layer::AdmissionLayer;
pub use limit::{GradientSettings, Limit};
pub use permit::Permit;
pub use service::AdmissionService;

/// Who goes first when there is a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Priority {
    /// Waits its turn.
    #[default]
    Normal,
    /// Goes before every normal request, and takes the place of one when the
    /// queue is full.
    Critical,
}

/// Keeps the number of requests under way within a limit.
///
/// A service that takes in more than it can carry does not slow down a little:
/// its queue grows without bound, every answer comes after its caller has given
/// up, and all of its work is wasted. Admission refuses what is too much in
/// microseconds, so that the rest is served as well as on a quiet day.
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
/// On every listener that strangers can reach, with the limit of [`Limit`]'s
/// reckoning. Not on the listener of probes and metrics: a full service must still
/// be able to say that it is alive and how full it is. Where probes come in by the
/// same listener, [`exempt`](AdmissionBuilder::exempt) them.
///
/// Put it inside the [golden signals](crate::golden_signals), which then count
/// what it refuses as `shed`, and outside of timeouts and everything that works.
///
/// # What happens to a request
///
/// 1. An exempt request passes, counted by nobody here.
/// 2. If its weight is free and nobody waits, it is admitted.
/// 3. Otherwise it waits, if the queue has room, and at most for the queue's
///    timeout. The first to come is the first to go in. Once the queue has not
///    been empty for as long as its timeout, it is no burst any more and the
///    newest goes first: those who have waited longest are the likeliest to have
///    given up ("adaptive LIFO", B. Maurer, "Fail at Scale", ACM Queue 13(8),
///    2015). Critical requests always go before normal ones.
/// 4. Otherwise it is answered at once: 503 with `Retry-After`, an empty body, and
///    [`Shed`](crate::Shed) in the extensions. A gRPC client reads a 503 as
///    `UNAVAILABLE`.
///
/// The permit is held until the *body* of the response ends, is dropped, fails or
/// panics: a response that is still being sent is work under way. An upgraded
/// connection is none: its permit goes back with the response head.
///
/// # Metrics
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `http_server_concurrency_limit` | gauge | | units that may be in use now |
/// | `http_server_concurrency_in_flight` | gauge | | units in use; over the limit it is the saturation |
/// | `http_server_queue_depth` | gauge | | requests that wait |
/// | `http_server_queue_wait_seconds` | histogram | | how long they waited, admitted or not; those that did not wait are not in it |
/// | `http_server_shed_total` | counter | `reason`: `limit`, `queue_full`, `queue_timeout`, `displaced` | requests refused |
/// | `http_server_concurrency_gradient` | gauge | | adaptive limit: the last gradient, 0.5 to 1 |
/// | `http_server_concurrency_latency_seconds` | gauge | `kind`: `baseline`, `window` | adaptive limit: what it compares, once measured |
/// | `http_server_concurrency_probes_total` | counter | | adaptive limit: how often the baseline was measured anew |
///
/// # Cost
///
/// An uncontended request makes one atomic exchange on its way in and one
/// subtraction on its way out, takes no lock and allocates nothing. With an
/// adaptive limit it reads the clock twice more. A request that waits allocates
/// its place in the queue and a timer, and needs a Tokio runtime with time; where
/// there is none, nothing waits.
///
/// # Cancel safety
///
/// A future that is dropped leaves the queue or gives its permit back, and what
/// was granted to it in the same moment goes to the next one.
///
/// Cloning is cheap; clones share one limit.
#[derive(Clone)]
pub struct Admission {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) gates: Arc<Gates>,
    pub(crate) rules: Rules,
    pub(crate) refusals: Refusals,
}

impl Admission {
    /// Begins an admission whose families are registered in `registry`.
    pub fn builder() -> AdmissionBuilder {
        AdmissionBuilder::new()
    }

    /// The layer. Put it inside the golden signals and outside of the rest.
    pub fn layer(&self) -> AdmissionLayer {
        AdmissionLayer::new(self.clone())
    }

    /// Admits `weight` units of work that is not an HTTP request, if they are free
    /// and nobody waits. Does not wait. A weight of 0 counts as 1, one above the
    /// limit as the whole limit.
    pub fn try_admit(&self, weight: u32) -> Option<Permit> {
        self.shared.gates.admit(weight.max(1))
    }

    /// Units in use.
    pub fn in_flight(&self) -> u64 {
        self.shared.gates.shared().gate().in_flight()
    }

    /// Units that may be in use now.
    pub fn limit(&self) -> u32 {
        self.shared.gates.shared().gate().limit()
    }

    /// Requests that wait.
    pub fn queued(&self) -> usize {
        self.shared.gates.shared().gate().depth()
    }

    /// Requests that were refused so far.
    pub fn shed(&self) -> u64 {
        self.shared.gates.shared().gate().series.shed_total()
    }

    /// How full it is: units in use over the limit. Above 1 for a moment after the
    /// limit has shrunk. A service can leave optional work out before it is full.
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
