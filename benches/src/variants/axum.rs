//! Layers around an axum router, added as in an axum service.

use std::sync::OnceLock;

use ::axum::Router;
use ::axum::body::Body;
use ::axum::response::Response;
use ::axum::routing::any;
use ::sre_kit::golden_signals::RouteSource;
use axum_prometheus::PrometheusMetricLayerBuilder;
use axum_prometheus::metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use http::{Request, StatusCode};
use tower_layer::Identity;

use super::record::BOUNDS;
use super::{Group, Variant, otel, sre_kit};
use crate::request::{Mix, TEMPLATES, Wanted};
use crate::worker::{Loop, Worker};

pub(super) fn variants() -> Vec<Variant> {
    let (signals, registry) = sre_kit::signals(RouteSource::axum());
    let ours = Variant::new("axum-sre-kit", Group::Axum, sre_kit::RECORDS, move |mix| {
        boxed(router().layer(signals.layer()), mix)
    })
    .counted(move || sre_kit::text(&registry));

    let (meter, reader) = otel::meter();
    let tower_otel = Variant::new("axum-tower-otel", Group::Axum, otel::TOWER_OTEL, move |mix| {
        boxed(router().layer(tower_otel::metrics::HttpLayer::server(&meter)), mix)
    })
    .counted(move || reader.text());

    let (builder, reader) = otel::instrumentation();
    let layer = builder.build().expect("valid");
    let instrumentation = Variant::new(
        "axum-opentelemetry-instrumentation-tower",
        Group::Axum,
        otel::INSTRUMENTATION,
        move |mix| boxed(router().layer(layer.clone()), mix),
    )
    .counted(move || reader.text());

    vec![
        Variant::new("axum-bare", Group::Axum, "nothing", |mix| boxed(router(), mix)),
        Variant::new("axum-identity", Group::Axum, "nothing: the cost of any layer in axum", {
            |mix| boxed(router().layer(Identity::new()), mix)
        }),
        ours,
        Variant::new(
            "axum-prometheus",
            Group::Axum,
            "in flight, requests, duration; at the end of the body; drained periodically",
            |mix| {
                let (layer, _) = PrometheusMetricLayerBuilder::new()
                    .with_metrics_from_fn(|| recorder().clone())
                    .build_pair();
                boxed(router().layer(layer), mix)
            },
        )
        .upkeep(|| recorder().run_upkeep())
        .counted(|| recorder().render()),
        tower_otel,
        instrumentation,
    ]
}

/// Installs the global recorder of the `metrics` crate once.
pub(crate) fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &BOUNDS)
            .expect("valid bounds")
            .build_recorder();
        let handle = recorder.handle();
        axum_prometheus::metrics::set_global_recorder(recorder).expect("the first");
        handle
    })
}

fn router() -> Router {
    async fn answer(request: Request<Body>) -> Response {
        let mut response = Response::new(Body::from("hello world"));
        *response.status_mut() =
            request.extensions().get().map_or(StatusCode::OK, |Wanted(status)| *status);
        response
    }
    TEMPLATES.iter().fold(Router::new(), |router, template| router.route(template, any(answer)))
}

/// Prepares the router as `axum::serve` does: with its state, so that layers are applied once and
/// not for each request.
fn boxed(router: Router, mix: Mix) -> Box<dyn Worker> {
    Loop::<_, Body>::boxed(router.with_state::<()>(()), mix)
}
