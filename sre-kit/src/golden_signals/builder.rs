//! The settings of a layer.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sre_kit_metrics::internal::BucketsInternals as _;

use super::GoldenSignals;
use super::handle::ShardedHandles;
use super::label::{self, Label, LabelDef};
use super::objectives::Objectives;
use super::outcome::Outcome;
use super::route::{RouteFlags, RouteIndex, RouteSource};
use super::series::{BucketBounds, Store};
use super::shared::{ErrorRule, ExclusionRule, Shared, StreamRule};
use super::trace::{self, Traces};
use crate::ConfigError;
use crate::metrics::{Buckets, Registry};
use crate::slo::Budgets;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::Clock;

/// The URL scheme of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Plain text, or TLS that a proxy in front of this process terminates.
    #[default]
    Http,
    /// TLS that this process terminates.
    Https,
}

/// A builder of [`GoldenSignals`].
#[must_use = "nothing is recorded before `build`"]
pub struct GoldenSignalsBuilder {
    source: RouteSource,
    flags: HashMap<String, RouteFlags>,
    scheme: Scheme,
    bounds: BucketBounds,
    labels: Vec<LabelDef>,
    max_routes: usize,
    error_rule: Option<ErrorRule>,
    stream_rule: Option<StreamRule>,
    exclusion_rule: Option<ExclusionRule>,
    counts_bodies: bool,
    objectives: Objectives,
    clock: Option<Clock>,
    traces: Traces,
}

impl GoldenSignals {
    /// Creates a layer with the defaults, which has no routes.
    ///
    /// # Errors
    ///
    /// Returns an error if `registry` holds metrics of the same names, for example those of another
    /// `GoldenSignals`.
    pub fn new(registry: &Registry) -> Result<Self, ConfigError> {
        Self::builder().build(registry)
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> GoldenSignalsBuilder {
        GoldenSignalsBuilder::new()
    }
}

impl GoldenSignalsBuilder {
    fn new() -> Self {
        Self {
            source: RouteSource::none(),
            flags: HashMap::new(),
            scheme: Scheme::Http,
            bounds: BucketBounds {
                duration: Buckets::http_duration(),
                size: Buckets::body_size(),
                stream: Buckets::stream_duration(),
            },
            labels: Vec::new(),
            max_routes: 1_000,
            error_rule: None,
            stream_rule: None,
            exclusion_rule: None,
            counts_bodies: false,
            objectives: Objectives::default(),
            clock: None,
            traces: Traces::default(),
        }
    }

    /// Sets the source of the label `http_route`. Defaults to [`RouteSource::none`].
    pub fn routes(mut self, source: impl Into<RouteSource>) -> Self {
        self.source = source.into();
        self
    }

    /// Excludes routes, by template. Their requests are not recorded.
    pub fn exclude<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        for template in templates {
            self.flags.entry(template.into()).or_default().excluded = true;
        }
        self
    }

    /// Declares routes whose responses are all streams, by template.
    ///
    /// The layer recognizes server-sent events and upgrades without this setting.
    pub fn streams<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        for template in templates {
            self.flags.entry(template.into()).or_default().stream = true;
        }
        self
    }

    /// Adds a rule that recognizes streams by their response head. It runs for responses that are
    /// not already known to be streams.
    pub fn stream_if(
        mut self,
        rule: impl Fn(ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.stream_rule = Some(Arc::new(rule));
        self
    }

    /// Sets the scheme of requests that name none, as all requests of HTTP/1 do. Defaults to
    /// [`Scheme::Http`].
    pub fn default_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets the bucket bounds of the two latency histograms, in seconds. Defaults to the 14 bounds
    /// from 5 ms to 10 s that the OpenTelemetry semantic conventions recommend.
    pub fn duration_buckets(mut self, buckets: Buckets) -> Self {
        self.bounds.duration = buckets;
        self
    }

    /// Sets the bucket bounds of the two body size histograms, in bytes. Defaults to 0 and the
    /// powers of four from 64 B to 1 GiB.
    pub fn body_size_buckets(mut self, buckets: Buckets) -> Self {
        self.bounds.size = buckets;
        self
    }

    /// Adds a custom label to the duration histogram, read from the request.
    pub fn request_label<L: Label>(
        mut self,
        read: impl Fn(RequestHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        self.labels.push(LabelDef::request(read));
        self
    }

    /// Adds a custom label to the duration histogram, read from the response.
    pub fn response_label<L: Label>(
        mut self,
        read: impl Fn(ResponseHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        self.labels.push(LabelDef::response(read));
        self
    }

    /// Sets how many routes have series of their own. Further routes share one overflow series.
    /// Defaults to 1 000.
    pub fn max_routes(mut self, limit: usize) -> Self {
        self.max_routes = limit;
        self
    }

    /// Records the size of request bodies that declare none, as an inner
    /// [`CountRequestBodyLayer`](super::CountRequestBodyLayer) counts it. Without that layer the
    /// recorded size is 0 bytes.
    pub fn count_request_bodies(mut self) -> Self {
        self.counts_bodies = true;
        self
    }

    /// Sets a rule that classifies errors of the inner service. If it returns `None`, the layer
    /// classifies the error itself: `tower`'s `Elapsed` is a timeout, `Overloaded` is shed, and any
    /// other error is a service error.
    pub fn classify_error(
        mut self,
        rule: impl Fn(&(dyn Any + 'static)) -> Option<Outcome> + Send + Sync + 'static,
    ) -> Self {
        self.error_rule = Some(Arc::new(rule));
        self
    }

    /// Counts each request for the availability and latency SLOs that select it, once, when it has
    /// ended.
    ///
    /// [`Slo`](crate::slo::Slo#what-counts) lists how each outcome counts. Several calls add several
    /// sets of SLOs. [`build`](Self::build) returns an error if an SLO names a route, method or
    /// outcome that this layer does not have.
    pub fn slos(mut self, budgets: &Budgets) -> Self {
        self.objectives.add(budgets);
        self
    }

    /// Sets a rule that returns the reason for which SLOs exclude a request, such as that of a
    /// synthetic probe.
    ///
    /// A [`SloExclusion`](super::SloExclusion) in the response takes precedence.
    pub fn slo_exclusion(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        self.exclusion_rule = Some(Arc::new(rule));
        self
    }

    /// Traces requests.
    ///
    /// - Each sampled request has a span, named like `GET /items/{id}`, with the attributes of the
    ///   semantic conventions for HTTP servers.
    /// - The context of every request is propagated, sampled or not.
    /// - Spans of slow and fast requests are exemplars of `http_server_request_duration_seconds`.
    ///
    /// The span ends with the body, as the duration does. It is current while the handler and the
    /// body are polled. Tasks that they spawn are not part of it, see
    /// [`TraceExt`](crate::telemetry::TraceExt).
    #[cfg(feature = "telemetry")]
    pub fn telemetry(mut self, telemetry: &crate::telemetry::Telemetry) -> Self {
        self.traces =
            Some(sre_kit_telemetry::internal::TelemetryInternals::server_traces(telemetry));
        self
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks the settings and registers the families.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - bucket bounds have another unit than their histogram;
    /// - a custom label is malformed;
    /// - an excluded or streaming route is not in the table of routes;
    /// - an SLO refers to a route, method or outcome that this layer can never produce;
    /// - `max_routes` is out of range; or
    /// - the registry already has `GoldenSignals`: clone those, or use another registry.
    pub fn build(self, registry: &Registry) -> Result<GoldenSignals, ConfigError> {
        self.bounds.check()?;
        label::check(&self.labels)?;
        if let Some(empty) = self.flags.keys().find(|template| template.is_empty()) {
            return Err(ConfigError::new(
                "route",
                empty,
                "a route that is excluded or marked as a stream has a name",
                "write the template as the router has it, such as `/items/{id}`",
            ));
        }
        let excluded = |route: &str| self.flags.get(route).is_some_and(|flags| flags.excluded);
        self.objectives.check(&self.source, excluded)?;
        let index = RouteIndex::new(self.source, self.flags, self.max_routes)?;
        for route in self.objectives.routes() {
            index.reserve(route)?;
        }
        let inspects_requests = !self.labels.is_empty()
            || self.counts_bodies
            || self.exclusion_rule.is_some()
            || trace::is_enabled(&self.traces);
        let store = Store::new(registry, self.bounds, self.labels.into())?;
        let shared = Shared {
            clock: self.clock.unwrap_or_default(),
            store,
            default_scheme: self.scheme as usize,
            error_rule: self.error_rule,
            stream_rule: self.stream_rule,
            exclusion_rule: self.exclusion_rule,
            counts_bodies: self.counts_bodies,
            objectives: self.objectives,
            traces: self.traces,
            inspects_requests,
        };
        Ok(GoldenSignals { handles: ShardedHandles::new(shared, index) })
    }
}

impl fmt::Debug for GoldenSignalsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoldenSignalsBuilder")
            .field("source", &self.source)
            .field("bounds", &self.bounds)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
