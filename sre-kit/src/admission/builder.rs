//! Settings of an admission, checked once.

use sre_kit_metrics::internal::RegistryInternals as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::gate::{Gate, Gates};
use super::limit;
use super::limit::{Controller, Limit};
use super::refusal::Refusals;
use super::rules::Rules;
use super::series::Series;
use super::{Admission, Shared};
use crate::ConfigError;
use crate::metrics::Registry;
use sre_kit_core::RequestHead;
use sre_kit_core::internal::Clock;

/// More waiters than this are not a burst but a second service's worth of work.
const LONGEST_QUEUE: usize = 1_000_000;

/// Builds an [`Admission`].
#[must_use = "nothing is limited before `build`"]
pub struct AdmissionBuilder {
    limit: Option<Limit>,
    queue: Option<(usize, Duration)>,
    retry_after: (Duration, Duration),
    rules: Rules,
    clock: Option<Clock>,
}

impl AdmissionBuilder {
    pub(crate) fn new() -> Self {
        Self {
            limit: None,
            queue: None,
            retry_after: (Duration::from_secs(1), Duration::from_secs(3)),
            rules: Rules::default(),
            clock: None,
        }
    }

    /// How many may be under way. Must be set: no number suits every service.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Lets up to `length` requests wait, each for at most `timeout`. Without it
    /// nobody waits, and what does not get in at once is refused.
    ///
    /// The queue is there for bursts. By Little's law one of `length` adds
    /// `length / rate` to the latency when it is full: make the timeout a fraction
    /// of what callers are willing to wait, and the queue about as long as the limit.
    pub fn queue(mut self, length: usize, timeout: Duration) -> Self {
        self.queue = Some((length, timeout));
        self
    }

    /// The `Retry-After` of refusals: whole seconds between these two, in turn, so
    /// that clients refused together do not return together. 1 to 3 s unless set.
    pub fn retry_after(mut self, from: Duration, to: Duration) -> Self {
        self.retry_after = (from, to);
        self
    }

    /// Requests that always pass and take no place: probes that come by this
    /// listener, event streams.
    pub fn exempt(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.exempt = Some(Box::new(rule));
        self
    }

    /// Requests that go before all others in the queue, and take a normal one's
    /// place when it is full. They keep to the limit like any other.
    pub fn critical(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.critical = Some(Box::new(rule));
        self
    }

    /// How many units of the limit a request takes: 1 unless set. 0 counts as 1; a
    /// request heavier than the limit takes all of it.
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
    /// When there is no limit or it is 0, the queue has no room or no time, bounds
    /// of an adaptive limit contradict each other, `Retry-After` is out of range,
    /// or a second admission is built on the same registry: give it a registry of
    /// its own, or clone the first.
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
        let (bound, patience) = self.queue.unwrap_or((0, Duration::MAX));
        if self.queue.is_some() {
            check_queue(bound, patience)?;
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
        let gate = Gate::new(initial, bound, patience, controller, series);
        let gates = Arc::new(Gates::new(gate, Arc::clone(registry.cells())));
        export(registry, &gates)?;
        if adaptive {
            export_internals(registry, &gates)?;
        }
        Ok(Admission { shared: Arc::new(Shared { gates, rules: self.rules, refusals }) })
    }
}

fn check_queue(length: usize, timeout: Duration) -> Result<(), ConfigError> {
    if length == 0 || length > LONGEST_QUEUE {
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

fn export(registry: &Registry, gates: &Arc<Gates>) -> Result<(), ConfigError> {
    let gauge = |name, help, read: fn(&Gate) -> f64| {
        let gates = Arc::clone(gates);
        registry.gauge_fn(name, help, &[], move |samples| {
            samples.push(&[], read(gates.shared().gate()));
        })
    };
    gauge(
        "http_server_concurrency_limit",
        "Units of work that may be under way at once.",
        |gate| f64::from(gate.limit()),
    )?;
    gauge(
        "http_server_concurrency_in_flight",
        "Units of work that are under way, to the end of the response body.",
        |gate| gate.in_flight() as f64,
    )?;
    gauge("http_server_queue_depth", "Requests that wait to be admitted.", |gate| {
        gate.depth() as f64
    })
}

fn export_internals(registry: &Registry, gates: &Arc<Gates>) -> Result<(), ConfigError> {
    let source = Arc::clone(gates);
    registry.gauge_fn(
        "http_server_concurrency_gradient",
        "What the adaptive limit was last multiplied with: 1 is no queue.",
        &[],
        move |samples| {
            if let Some(controller) = &source.shared().gate().controller {
                samples.push(&[], controller.internals().gradient);
            }
        },
    )?;
    let source = Arc::clone(gates);
    registry.gauge_fn(
        "http_server_concurrency_latency_seconds",
        "Time to response head that the adaptive limit compares.",
        &["kind"],
        move |samples| {
            let Some(controller) = &source.shared().gate().controller else { return };
            let internals = controller.internals();
            for (kind, nanos) in [("baseline", internals.baseline), ("window", internals.mean)] {
                if let Some(nanos) = nanos {
                    samples.push(&[kind], nanos / 1e9);
                }
            }
        },
    )?;
    let source = Arc::clone(gates);
    registry.counter_fn(
        "http_server_concurrency_probes_total",
        "How often the adaptive limit went to its minimum to measure its baseline.",
        &[],
        move |samples| {
            if let Some(controller) = &source.shared().gate().controller {
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
