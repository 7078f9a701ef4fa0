//! Load shedding, a time limit and a body limit in front of a service, in the right order.
//!
//! [`SreKit::protect`](crate::SreKit::protect) returns one layer for all of it:
//!
//! ```no_run
//! use sre_kit::protection::Protection;
//! use tower::Layer;
//! # fn f(kit: &sre_kit::SreKit) -> Result<(), sre_kit::ConfigError> {
//! # let app = tower::service_fn(|_: http::Request<http_body_util::Limited<sre_kit::server::RequestBody>>| async {
//! #     Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
//! # });
//! let app = kit.protect(Protection::new())?.layer(app);
//! # Ok(())
//! # }
//! ```
//!
//! # The order
//!
//! From the client to the service:
//!
//! 1. The [golden signals](crate::golden_signals) count every request, also those that are refused.
//! 2. [Admission](crate::admission) refuses what is above the concurrency limit. It holds the permit
//!    to the end of the response.
//! 3. The time limit starts after the wait in the queue of the admission, which has a timeout of its
//!    own. Around the admission it would count that wait as work.
//! 4. The body limit is the innermost, since it only wraps the body that the service reads.
//!
//! # Defaults
//!
//! | Setting | Default | What is beyond it |
//! |---|---|---|
//! | [`limit`](Protection::limit) | adaptive, 4 to 1 000, starting at 20 ([`GradientSettings`]) | is queued, then answered 503 with `Retry-After` and counted as `shed` |
//! | [`queue`](Protection::queue) | 100 requests for at most 250 ms | is answered 503 |
//! | [`time_limit`](Protection::time_limit) | 30 s from admission to the response head | is answered 504 and counted as `timeout`; the handler is dropped |
//! | [`max_body`](Protection::max_body) | 2 MiB | is answered 413; a body without a declared size fails when the service reads too much |
//!
//! A gRPC call whose time is over gets the status `DEADLINE_EXCEEDED` instead of 504. The body of a
//! response is not limited in time: a [`Server`](crate::server::Server) cuts clients that do not
//! read.

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use future::BoundFuture;
pub use layer::ProtectionLayer;
pub use service::BoundService;

use crate::ConfigError;
use crate::admission::{Admission, AdmissionBuilder, GradientSettings, Limit};
use crate::golden_signals::GoldenSignalsLayer;
use crate::metrics::Registry;

/// The longest time limit. A longer one is a typing error.
const MAX_TIME: Duration = Duration::from_hours(24);

/// The bounds of the time and the request body of a [`BoundService`].
#[derive(Clone, Copy, Debug)]
struct Bounds {
    time: Option<Duration>,
    body: usize,
}

/// The settings of a [`ProtectionLayer`]. See the [module](self) for the defaults.
#[must_use = "nothing is protected before the layer is built"]
#[derive(Debug)]
pub struct Protection {
    admission: AdmissionBuilder,
    bounds: Bounds,
}

impl Default for Protection {
    fn default() -> Self {
        Self::new()
    }
}

impl Protection {
    /// Creates settings with the [defaults](self#defaults).
    pub fn new() -> Self {
        Self {
            admission: Admission::builder()
                .limit(Limit::gradient(GradientSettings::default()))
                .queue(100, Duration::from_millis(250)),
            bounds: Bounds { time: Some(Duration::from_secs(30)), body: 2 * 1024 * 1024 },
        }
    }

    /// Sets how many requests may be in flight.
    pub fn limit(self, limit: Limit) -> Self {
        self.admission(|admission| admission.limit(limit))
    }

    /// Lets up to `length` requests wait, each of them for at most `timeout`.
    pub fn queue(self, length: usize, timeout: Duration) -> Self {
        self.admission(|admission| admission.queue(length, timeout))
    }

    /// Changes other settings of the admission: exempt and critical requests, weights,
    /// `Retry-After`.
    pub fn admission(mut self, change: impl FnOnce(AdmissionBuilder) -> AdmissionBuilder) -> Self {
        self.admission = change(self.admission);
        self
    }

    /// Sets the time that the service has from admission to the response head, at most a day. `None`
    /// sets no limit.
    pub fn time_limit(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.bounds.time = time.into();
        self
    }

    /// Sets the largest request body in bytes.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.bounds.body = bytes;
        self
    }

    /// Registers the metrics of the admission and returns the layer.
    ///
    /// # Errors
    ///
    /// Returns an error if the time limit is zero or longer than a day, or if the admission cannot
    /// be [built](AdmissionBuilder::build): a registry has one.
    pub fn build(
        self,
        signals: GoldenSignalsLayer,
        registry: &Registry,
    ) -> Result<ProtectionLayer, ConfigError> {
        if let Some(time) = self.bounds.time
            && (time.is_zero() || time > MAX_TIME)
        {
            return Err(ConfigError::new(
                "time_limit",
                time,
                "a request has more than no time and at most a day",
                "30 seconds suit most services; None sets no limit",
            ));
        }
        let admission = self.admission.build(registry)?;
        Ok(ProtectionLayer::new(signals, admission, self.bounds))
    }
}
