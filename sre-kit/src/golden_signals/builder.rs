//! Settings of the layer, checked once.

use sre_kit_metrics::internal::{BucketsInternals as _, RegistryInternals as _};
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::GoldenSignals;
use super::hub::{ErrorRule, Hub, MarkRule, Root, StreamRule};
use super::label::{self, Label, LabelDef};
use super::objectives::Objectives;
use super::outcome::Outcome;
use super::route::{Directory, Flags, RouteSource};
use super::series::{Bounds, Store};
use super::trace::{self, Traces};
use crate::ConfigError;
use crate::metrics::{Buckets, Registry};
use crate::slo::Budgets;
use crate::{RequestHead, ResponseHead};
use sre_kit_core::internal::Clock;

/// The scheme of requests that do not name one: all of HTTP/1's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// Plain text, or TLS ended before this process.
    #[default]
    Http,
    /// This process ends TLS.
    Https,
}

/// Builds [`GoldenSignals`].
#[must_use = "nothing is recorded before `build`"]
pub struct GoldenSignalsBuilder {
    source: RouteSource,
    flags: HashMap<String, Flags>,
    scheme: Scheme,
    bounds: Bounds,
    labels: Vec<LabelDef>,
    max_routes: usize,
    on_error: Option<ErrorRule>,
    is_stream: Option<StreamRule>,
    count_bodies: bool,
    objectives: Objectives,
    mark: Option<MarkRule>,
    clock: Option<Clock>,
    traces: Traces,
}

impl GoldenSignalsBuilder {
    pub(crate) fn new() -> Self {
        Self {
            source: RouteSource::none(),
            flags: HashMap::new(),
            scheme: Scheme::Http,
            bounds: Bounds {
                duration: Buckets::http_duration(),
                size: Buckets::body_size(),
                stream: Buckets::stream_duration(),
            },
            labels: Vec::new(),
            max_routes: 1_000,
            on_error: None,
            is_stream: None,
            count_bodies: false,
            objectives: Objectives::default(),
            mark: None,
            clock: None,
            traces: Traces::default(),
        }
    }

    /// Where `http_route` comes from. No routes unless set.
    pub fn routes(mut self, source: impl Into<RouteSource>) -> Self {
        self.source = source.into();
        self
    }

    /// Routes that are not recorded at all, by template.
    pub fn exclude<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        for template in templates {
            self.flags.entry(template.into()).or_default().excluded = true;
        }
        self
    }

    /// Routes whose every response is a stream, by template. Server-sent events
    /// and upgrades are known as such without this.
    pub fn streams<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        for template in templates {
            self.flags.entry(template.into()).or_default().stream = true;
        }
        self
    }

    /// Tells streams by their response head, beside what is known already.
    pub fn stream_if(
        mut self,
        rule: impl Fn(ResponseHead<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.is_stream = Some(Arc::new(rule));
        self
    }

    /// The scheme of requests that do not name one. [`Scheme::Http`] unless set.
    pub fn default_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Bounds of the two latency histograms. Unless set, the fourteen that the
    /// OpenTelemetry semantic conventions advise, from 5 ms to 10 s.
    pub fn duration_buckets(mut self, buckets: Buckets) -> Self {
        self.bounds.duration = buckets;
        self
    }

    /// Bounds of the two body size histograms. Unless set, 0, then powers of
    /// four from 64 B to 1 GiB.
    pub fn body_size_buckets(mut self, buckets: Buckets) -> Self {
        self.bounds.size = buckets;
        self
    }

    /// A label of one's own on the duration histogram, read from the request.
    pub fn request_label<L: Label>(
        mut self,
        read: impl Fn(RequestHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        self.labels.push(LabelDef::request(read));
        self
    }

    /// A label of one's own on the duration histogram, read from the response.
    pub fn response_label<L: Label>(
        mut self,
        read: impl Fn(ResponseHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        self.labels.push(LabelDef::response(read));
        self
    }

    /// How many routes are told apart before further ones share an overflow
    /// series. 1 000 unless set.
    pub fn max_routes(mut self, limit: usize) -> Self {
        self.max_routes = limit;
        self
    }

    /// Records the size of request bodies that declare none, as a
    /// [`CountRequestBodyLayer`](super::CountRequestBodyLayer) further in counts
    /// them. Without that layer they count as 0 bytes.
    pub fn count_request_bodies(mut self) -> Self {
        self.count_bodies = true;
        self
    }

    /// Tells the outcome of errors of the inner service; `None` leaves it to the
    /// layer, which knows `tower`'s `Elapsed` and `Overloaded`.
    pub fn classify_error(
        mut self,
        rule: impl Fn(&(dyn Any + 'static)) -> Option<Outcome> + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(Arc::new(rule));
        self
    }

    /// Counts each request for the availability and latency SLOs that select it,
    /// once, when it has ended. What an outcome counts as says
    /// [`Slo`](crate::slo::Slo#what-counts).
    ///
    /// [`build`](Self::build) refuses an SLO that names a route, method or outcome
    /// that this layer does not have. May be called for several sets.
    pub fn slos(mut self, budgets: &Budgets) -> Self {
        self.objectives.add(budgets);
        self
    }

    /// Marks requests as they come in, such as those of a synthetic probe, for
    /// SLOs that leave them out. A [`SloExclusion`](super::SloExclusion) in the response
    /// takes precedence.
    pub fn slo_exclusion(
        mut self,
        rule: impl Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        self.mark = Some(Arc::new(rule));
        self
    }

    /// Makes a span of each request that is sampled, named `GET /items/{id}`, with
    /// the attributes that the semantic conventions for HTTP servers name; passes on
    /// the context of every request, sampled or not; and shows the spans of slow and
    /// fast requests as exemplars of `http_server_request_duration_seconds`.
    ///
    /// The span ends with the body, as the duration does. What the handler and the
    /// body do is within it; what they spawn is not, see
    /// [`TraceExt`](crate::telemetry::TraceExt).
    #[cfg(feature = "telemetry")]
    pub fn telemetry(mut self, telemetry: &crate::telemetry::Telemetry) -> Self {
        self.traces =
            Some(sre_kit_telemetry::internal::TelemetryInternals::server_traces(telemetry));
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
    /// When bounds do not match their unit, a label is malformed, a marked route
    /// is not declared, an SLO names what can not occur, a limit is out of range, or a second layer is built on
    /// the same registry: give it a registry of its own, or clone the first.
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
        let columns = registry.cells().shard_count();
        let directory = Directory::new(self.source, self.flags, self.max_routes, columns)?;
        for route in self.objectives.routes() {
            directory.reserve(route)?;
        }
        let traced = trace::asked(&self.traces);
        let curious = !self.labels.is_empty() || self.count_bodies || self.mark.is_some() || traced;
        let store = Store::new(registry, self.bounds, self.labels.into())?;
        let hub = Hub {
            clock: self.clock.unwrap_or_default(),
            store,
            default_scheme: self.scheme as usize,
            on_error: self.on_error,
            is_stream: self.is_stream,
            count_bodies: self.count_bodies,
            objectives: self.objectives,
            mark: self.mark,
            traces: self.traces,
            is_curious: curious,
        };
        Ok(GoldenSignals { root: Root::new(hub, directory) })
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
