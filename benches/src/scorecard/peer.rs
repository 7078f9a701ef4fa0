//! The peers: each layer around the same router, with a function that reads its metrics.

use std::fmt;

use axum::Router;
use axum_prometheus::PrometheusMetricLayerBuilder;
use sre_kit::golden_signals::RouteSource;

use super::router::router;
use super::snapshot::Snapshot;
use crate::variants::{
    axum_recorder, otel_instrumentation, otel_meter, sre_kit_signals, sre_kit_text,
};

/// The names of a peer's metrics that the scenes compare.
pub(super) struct Names {
    /// The counter of completed requests.
    pub(super) ended: &'static str,
    pub(super) in_flight: &'static str,
    /// The sums of durations in seconds, and of response bytes.
    pub(super) seconds: &'static str,
    pub(super) bytes: &'static str,
}

/// A layer around the router of the scenes.
pub struct Peer {
    /// The name of its crate.
    pub name: &'static str,
    pub(super) names: Names,
    pub(super) router: Router,
    look: Box<dyn Fn() -> Snapshot>,
}

impl Peer {
    /// Returns the current values of the metrics.
    pub(super) fn look(&self) -> Snapshot {
        (self.look)()
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns all peers, sre-kit first.
pub fn peers() -> Vec<Peer> {
    vec![sre_kit(), axum_prometheus(), tower_otel(), instrumentation()]
}

fn sre_kit() -> Peer {
    let (signals, registry) = sre_kit_signals(RouteSource::axum());
    Peer {
        name: "sre-kit",
        names: Names {
            ended: "sre_kit_http_server_requests_total",
            in_flight: "http_server_active_requests",
            seconds: "http_server_request_duration_seconds_sum",
            bytes: "http_server_response_body_size_bytes_sum",
        },
        router: router().layer(signals.layer()),
        look: Box::new(move || Snapshot::of_text(&sre_kit_text(&registry))),
    }
}

fn axum_prometheus() -> Peer {
    let (layer, _) = PrometheusMetricLayerBuilder::new()
        .enable_response_body_size(true)
        .with_metrics_from_fn(|| axum_recorder().clone())
        .build_pair();
    Peer {
        name: "axum-prometheus",
        names: Names {
            ended: "axum_http_requests_total",
            in_flight: "axum_http_requests_pending",
            seconds: "axum_http_requests_duration_seconds_sum",
            bytes: "axum_http_response_body_size_sum",
        },
        router: router().layer(layer),
        look: Box::new(|| {
            axum_recorder().run_upkeep();
            Snapshot::of_text(&axum_recorder().render())
        }),
    }
}

const OTEL: Names = Names {
    ended: "http.server.request.duration.count",
    in_flight: "http.server.active_requests",
    seconds: "http.server.request.duration.sum",
    bytes: "http.server.response.body.size.sum",
};

fn tower_otel() -> Peer {
    let (meter, reader) = otel_meter();
    Peer {
        name: "tower-otel",
        names: OTEL,
        router: router().layer(tower_otel::metrics::HttpLayer::server(&meter)),
        look: Box::new(move || Snapshot::of_otel(&reader.collected())),
    }
}

fn instrumentation() -> Peer {
    let (builder, reader) = otel_instrumentation();
    Peer {
        name: "opentelemetry-instrumentation-tower",
        names: OTEL,
        router: router().layer(builder.build().expect("valid")),
        look: Box::new(move || Snapshot::of_otel(&reader.collected())),
    }
}
