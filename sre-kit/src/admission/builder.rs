//! The settings of an admission.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sre_kit_metrics::internal::RegistryInternals as _;

use super::handle::ShardedHandles;
use super::limit::{self, Controller, Limit};
use super::refusal::Refusals;
use super::rules::Rules;
use super::semaphore::Semaphore;
use super::series::Series;
use super::{Admission, Shared};
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_core::RequestHead;
use sre_kit_core::internal::Clock;

/// The longest queue that can be set.
const MAX_QUEUE: usize = 1_000_000;

/// A builder of [`Admission`].
#[must_use = "nothing is limited before `build`"]
pub struct AdmissionBuilder {
    limit: Option<Limit>,
    queue: Option<(usize, Duration)>,
    retry_after: (Duration, Duration),
    rules: Rules,
    clock: Option<Clock>,
}

impl Admission {
    /// Returns a builder. A [`limit`](AdmissionBuilder::limit) must be set.
    pub fn builder() -> AdmissionBuilder {
        AdmissionBuilder::new()
    }
}

impl AdmissionBuilder {
    fn new() -> Self {
        Self {
            limit: None,
            queue: None,
            retry_after: (Duration::from_secs(1), Duration::from_secs(3)),
            rules: Rules::default(),
            clock: None,
        }
    }

    /// Sets how many units of work may be in use at the same time. There is no default, because no
    /// number suits every service.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lets up to `length` requests wait, each of them for at most `timeout`. Defaults to no queue:
    /// a request that cannot be admitted immediately is refused.
    ///
    /// The queue is meant for bursts. By Little's law a full queue adds `length / rate` to the
    /// latency. Make the timeout a fraction of the time that callers wait for, and the queue about
    /// as long as the limit.
    pub fn queue(mut self, length: usize, timeout: Duration) -> Self {
        self.queue = Some((length, timeout));
        self
    }

    /// Sets the range of the `Retry-After` header of refusals. Defaults to 1 s to 3 s.
    ///
    /// Refusals use the whole seconds of the range in turn, so that clients that are refused
    /// together do not retry together.
    pub fn retry_after(mut self, from: Duration, to: Duration) -> Self {
        self.retry_after = (from, to);
        self
    }

    /// Sets a rule for requests that are always admitted and use no units, such as probes on this
    /// listener or event streams.
    pub fn exempt(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.exempt = Some(Box::new(rule));
        self
    }

    /// Sets a rule for critical requests.
    ///
    /// They are served before all others in the queue, and displace a normal request if the queue
    /// is full. The limit holds for them too.
    pub fn critical(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.critical = Some(Box::new(rule));
        self
    }

    /// Sets a rule that returns the weight of a request in units of the limit. Defaults to 1.
    ///
    /// A weight of 0 counts as 1. A weight above the limit takes the whole limit.
    pub fn weight(
        mut self,
        weigh: impl Fn(RequestHead<'_>) -> u32 + Send + Sync + 'static,
    ) -> Self {
        self.rules.weight = Some(Box::new(weigh));
        self
    }

    #[cfg(test)]
    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks the settings and registers the families.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - there is no limit, or it is 0;
    /// - the length or the timeout of the queue is out of range;
    /// - the settings of an adaptive limit contradict each other;
    /// - `Retry-After` is out of range; or
    /// - the registry already has an `Admission`: clone that one, or use another registry.
    pub fn build(self, registry: &Registry) -> Result<Admission, ConfigError> {
        let Some(limit) = self.limit else {
            return Err(ConfigError::new(
                "limit",
                "missing",
                "an admission needs one, and no number suits every service",
                "take the requests per second you can carry times the seconds one takes",
            ));
        };
        limit.check()?;
        let (max_queue, max_wait) = self.queue.unwrap_or((0, Duration::MAX));
        if self.queue.is_some() {
            check_queue(max_queue, max_wait)?;
        }
        let (from, to) = self.retry_after;
        let refusals = Refusals::new(from, to)?;
        let initial = limit.initial();
        let series = Series::new(registry)?;
        let controller = match limit.kind {
            limit::Kind::Fixed(_) => None,
            limit::Kind::Gradient(settings) => {
                let clock = self.clock.unwrap_or_default();
                Some(Controller::new(settings, clock, Arc::clone(registry.cells())))
            }
        };
        let adaptive = controller.is_some();
        let semaphore = Semaphore::new(initial, max_queue, max_wait, controller, series);
        let handles = Arc::new(ShardedHandles::new(semaphore, Arc::clone(registry.cells())));
        export(registry, &handles)?;
        if adaptive {
            export_internals(registry, &handles)?;
        }
        Ok(Admission { shared: Arc::new(Shared { handles, rules: self.rules, refusals }) })
    }
}

fn check_queue(length: usize, timeout: Duration) -> Result<(), ConfigError> {
    if length == 0 || length > MAX_QUEUE {
        return Err(ConfigError::new(
            "queue.length",
            length,
            "a queue has room for at least one request and at most a million",
            "leave the queue out to refuse at once, or make it about as long as the limit",
        ));
    }
    if timeout.is_zero() || timeout > Duration::from_hours(1) {
        return Err(ConfigError::new(
            "queue.timeout",
            timeout,
            "a wait is longer than nothing and at most an hour",
            "leave the queue out to refuse at once, or take a fraction of what callers wait",
        ));
    }
    Ok(())
}

fn export(registry: &Registry, handles: &Arc<ShardedHandles>) -> Result<(), ConfigError> {
    let gauge = |name, help, read: fn(&Semaphore) -> f64| {
        let handles = Arc::clone(handles);
        registry.gauge_fn(name, help, &[], move |samples| {
            samples.push(&[], read(handles.semaphore()));
        })
    };
    gauge(
        "sre_kit_http_server_concurrency_limit",
        "Units of work that may be under way at once.",
        |semaphore| f64::from(semaphore.limit()),
    )?;
    gauge(
        "sre_kit_http_server_concurrency_in_flight",
        "Units of work that are under way, to the end of the response body.",
        |semaphore| semaphore.in_flight() as f64,
    )?;
    gauge("sre_kit_http_server_queue_depth", "Requests that wait to be admitted.", |semaphore| {
        semaphore.depth() as f64
    })
}

fn export_internals(registry: &Registry, handles: &Arc<ShardedHandles>) -> Result<(), ConfigError> {
    let source = Arc::clone(handles);
    registry.gauge_fn(
        "sre_kit_http_server_concurrency_gradient",
        "What the adaptive limit was last multiplied with: 1 is no queue.",
        &[],
        move |samples| {
            if let Some(controller) = &source.semaphore().controller {
                samples.push(&[], controller.internals().gradient);
            }
        },
    )?;
    let source = Arc::clone(handles);
    registry.gauge_fn(
        "sre_kit_http_server_concurrency_latency_seconds",
        "Time to response head that the adaptive limit compares.",
        &["kind"],
        move |samples| {
            let Some(controller) = &source.semaphore().controller else { return };
            let internals = controller.internals();
            for (kind, nanos) in [("baseline", internals.baseline), ("window", internals.mean)] {
                if let Some(nanos) = nanos {
                    samples.push(&[kind], nanos / 1e9);
                }
            }
        },
    )?;
    let source = Arc::clone(handles);
    registry.counter_fn(
        "sre_kit_http_server_concurrency_probes_total",
        "How often the adaptive limit went to its minimum to measure its baseline.",
        &[],
        move |samples| {
            if let Some(controller) = &source.semaphore().controller {
                samples.push(&[], controller.internals().probes as f64);
            }
        },
    )
}

impl fmt::Debug for AdmissionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionBuilder")
            .field("limit", &self.limit)
            .field("queue", &self.queue)
            .field("retry_after", &self.retry_after)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
