//! The settings of the calls to others.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use sre_kit_core::internal::Clock;
use sre_kit_metrics::internal::{BucketsInternals as _, Scale};
use sre_kit_slo::EventSource;

use super::Outbound;
use super::failure::CallFailure;
use super::peer::Peer;
use super::series::{PeerSeries, Store};
use super::shared::{FailureRule, Shared};
use super::trace::Traces;
use crate::ConfigError;
use crate::budget::{Budget, Budgets};
use crate::metrics::{Buckets, Registry};

/// A builder of [`Outbound`].
#[must_use = "nothing is recorded before `build`"]
pub struct OutboundBuilder {
    peers: Vec<Peer>,
    duration: Buckets,
    rule: Option<FailureRule>,
    traces: Traces,
    budgets: Vec<Budgets>,
}

impl Outbound {
    /// Returns a builder without peers.
    pub fn builder() -> OutboundBuilder {
        OutboundBuilder {
            peers: Vec::new(),
            duration: Buckets::http_duration(),
            rule: None,
            traces: Traces::default(),
            budgets: Vec::new(),
        }
    }

    /// Creates the recorder with these peers and the default settings.
    ///
    /// # Errors
    ///
    /// Those of [`OutboundBuilder::build`].
    pub fn new(
        registry: &Registry,
        peers: impl IntoIterator<Item = Peer>,
    ) -> Result<Self, ConfigError> {
        peers.into_iter().fold(Self::builder(), OutboundBuilder::peer).build(registry)
    }
}

impl OutboundBuilder {
    /// Adds a peer.
    pub fn peer(mut self, peer: Peer) -> Self {
        self.peers.push(peer);
        self
    }

    /// Returns whether there are no peers.
    #[cfg(feature = "serve")]
    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Sets the bucket bounds of the latency histograms, in seconds. Defaults to the 14 bounds from
    /// 5 ms to 10 s that the OpenTelemetry semantic conventions recommend.
    pub fn duration_buckets(mut self, buckets: Buckets) -> Self {
        self.duration = buckets;
        self
    }

    /// Sets a rule that names the cause of errors whose types [`CallFailure::of`] does not know. If
    /// it returns `None`, `CallFailure::of` decides.
    ///
    /// reqwest, for example, has no public type for a timeout:
    ///
    /// ```
    /// use sre_kit::outbound::{CallFailure, Outbound};
    ///
    /// let outbound = Outbound::builder().classify_error(|error| {
    ///     let error = error.downcast_ref::<reqwest::Error>()?;
    ///     error.is_timeout().then_some(CallFailure::Timeout)
    /// });
    /// ```
    pub fn classify_error(
        mut self,
        rule: impl Fn(&(dyn Error + 'static)) -> Option<CallFailure> + Send + Sync + 'static,
    ) -> Self {
        self.rule = Some(Arc::new(rule));
        self
    }

    /// Counts each call for the SLOs of its peer, once, when it has ended.
    ///
    /// [`Slo::dependency`](crate::slo::Slo::dependency) defines them. [`build`](Self::build) returns
    /// an error if one names a peer, route, method or outcome that does not exist here.
    pub fn slos(mut self, budgets: &Budgets) -> Self {
        self.budgets.push(budgets.clone());
        self
    }

    /// Adds the current trace to the headers of each request, and builds a client span if the trace
    /// is sampled. The span ends where the duration does.
    #[cfg(feature = "telemetry")]
    #[cfg_attr(docsrs, doc(cfg(feature = "telemetry")))]
    pub fn telemetry(mut self, telemetry: &crate::telemetry::Telemetry) -> Self {
        self.traces =
            Some(sre_kit_telemetry::internal::TelemetryInternals::client_traces(telemetry));
        self
    }

    /// Checks the settings and registers the families.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - two peers have the same name or the same authority;
    /// - a route is malformed or conflicts with another;
    /// - an SLO names a peer, route, method or outcome that does not exist here;
    /// - the bucket bounds are not in seconds; or
    /// - the registry already has an `Outbound` or a `telemetry::HttpClient`.
    pub fn build(self, registry: &Registry) -> Result<Outbound, ConfigError> {
        if self.duration.scale() != Scale::Nanos {
            return Err(ConfigError::new(
                "duration_buckets",
                self.duration,
                "the bounds are of another unit than the histogram",
                "make them with `Buckets::seconds`",
            ));
        }
        for (i, peer) in self.peers.iter().enumerate() {
            if self.peers[..i].iter().any(|before| before.name == peer.name) {
                return Err(ConfigError::new(
                    "peer",
                    &peer.name,
                    "that name is declared already",
                    "declare each peer once",
                ));
            }
            let same = |before: &&Peer| before.host == peer.host && before.port == peer.port;
            if let Some(before) = self.peers[..i].iter().find(same) {
                return Err(ConfigError::new(
                    format!("peer `{}`", peer.name),
                    &peer.authority,
                    format!("the peer `{}` has that authority already", before.name),
                    "declare one of them, with the routes of both",
                ));
            }
        }
        for slo in self.budgets.iter().flat_map(Budgets::iter).map(Budget::definition) {
            let EventSource::Calls(name) = slo.source() else { continue };
            if !self.peers.iter().any(|peer| peer.name == *name) {
                return Err(ConfigError::new(
                    format!("slo `{}`", slo.name()),
                    name,
                    "no peer of that name is declared, so nothing would be counted",
                    "declare it with `Peer::http`",
                ));
            }
        }
        let peers = self.peers.into_iter().map(Some).chain([None]);
        let peers = peers.map(|peer| PeerSeries::new(peer, &self.budgets));
        let peers = peers.collect::<Result<_, _>>()?;
        let store = Store::new(registry, &self.duration)?;
        let (rule, traces) = (self.rule, self.traces);
        let shared = Shared { store, peers, clock: Clock::new(), rule, traces };
        Ok(Outbound { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for OutboundBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundBuilder").field("peers", &self.peers).finish_non_exhaustive()
    }
}
