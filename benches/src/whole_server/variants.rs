//! The servers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ::sre_kit::SreKit;
use ::sre_kit::admission::{Admission, Limit};
use ::sre_kit::golden_signals::{GoldenSignals, RouteSource, Routes};
use ::sre_kit::metrics::Registry;
use ::sre_kit::server::Server as KitServer;
use ::sre_kit::slo::Slo;
use ::sre_kit::telemetry::{Sampler, Telemetry};
use axum::Router;
use axum::routing::get;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry::trace::TracerProvider;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_layer::Layer;
use tower_service::Service;
use tracing_subscriber::layer::SubscriberExt;

use crate::variants::{Bare, Discard, axum_recorder, trace_provider};

type Serving = Pin<Box<dyn Future<Output = ()>>>;

/// One server.
#[derive(Clone, Copy)]
pub struct Server {
    /// The name on the command line and in the table.
    pub name: &'static str,
    /// The name of the server whose count it is compared with.
    pub over: &'static str,
    /// Serves connections of the listener until the runtime ends.
    pub serve: fn(TcpListener) -> Serving,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

const HYPER: &str = "hyper-util with its header timeout";
const AXUM: &str = "axum";

/// Returns the servers, in the order of the table.
pub fn servers() -> Vec<Server> {
    let hyper = |name, serve| Server { name, over: HYPER, serve };
    let axum = |name, serve| Server { name, over: AXUM, serve };
    vec![
        hyper("hyper-util without timeouts", |listener| hyper_server(listener, Bare, None)),
        hyper(HYPER, |listener| hyper_server(listener, Bare, Some(HEADER_TIMEOUT))),
        hyper("hyper-util with its header timeout, sre-kit's layer", |listener| {
            let signals = signals(routes());
            hyper_server(listener, signals.layer().layer(Bare), Some(HEADER_TIMEOUT))
        }),
        hyper("sre-kit's server", |listener| kit_server(listener, Bare)),
        hyper("sre-kit's server and layer", |listener| {
            let signals = signals(routes());
            kit_server(listener, signals.layer().layer(Bare))
        }),
        hyper("sre-kit's server, layer, two SLOs and admission", |listener| {
            everything(listener, None)
        }),
        hyper("sre-kit's server, layer, two SLOs, admission and traces at 1 %", |listener| {
            everything(listener, Some(0.01))
        }),
        axum(AXUM, |listener| axum_server(listener, router())),
        axum("axum, sre-kit's layer", |listener| {
            let signals = signals(RouteSource::axum());
            axum_server(listener, router().layer(signals.layer()))
        }),
        axum("axum on sre-kit's server, layer and two SLOs", |listener| {
            let kit = kit(RouteSource::axum(), None);
            let app = router().layer(kit.http_layer());
            Box::pin(async move { drop(kit.serve(listener, app).await) })
        }),
        axum("axum, axum-prometheus", |listener| axum_server(listener, with_prometheus(router()))),
        axum("axum, axum-prometheus, TraceLayer and tracing-opentelemetry at 1 %", usual_stack),
    ]
}

/// Returns the server of this name.
pub fn by_name(name: &str) -> Option<Server> {
    servers().into_iter().find(|server| server.name == name)
}

const PATH: &str = "/hello";

/// What sre-kit's server has as its default.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

fn hyper_server<S, B>(listener: TcpListener, service: S, timeout: Option<Duration>) -> Serving
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + 'static,
    S: Send,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: std::error::Error + Send + Sync,
{
    Box::pin(async move {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().header_read_timeout(timeout);
        if timeout.is_some() {
            builder.http1().timer(TokioTimer::new());
            builder.http2().timer(TokioTimer::new());
        }
        while let Ok((socket, _)) = listener.accept().await {
            let _ = socket.set_nodelay(true);
            let (builder, service) = (builder.clone(), TowerToHyperService::new(service.clone()));
            tokio::spawn(async move {
                let _ = builder.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    })
}

fn kit_server<S>(listener: TcpListener, service: S) -> Serving
where
    S: ::sre_kit::server::HttpService + Send + Sync + 'static,
{
    Box::pin(async move {
        let server = KitServer::builder().build().expect("valid");
        let _running = server.start(listener, service);
        std::future::pending::<()>().await;
    })
}

fn everything(listener: TcpListener, ratio: Option<f64>) -> Serving {
    let kit = kit(routes().into(), ratio);
    let admission = Admission::builder().limit(Limit::fixed(100)).build(kit.registry());
    let service = ServiceBuilder::new()
        .layer(kit.http_layer())
        .layer(admission.expect("valid").layer())
        .service(Bare);
    Box::pin(async move { drop(kit.serve(listener, service).await) })
}

fn kit(routes: RouteSource, ratio: Option<f64>) -> SreKit {
    let objective = "99.9".parse().expect("an objective");
    let slos = [
        Slo::availability("availability", objective).routes([PATH]),
        Slo::latency("latency", objective, Duration::from_millis(250)).routes([PATH]),
    ];
    let mut builder = SreKit::builder(::sre_kit::build_info!()).routes(routes).slos(slos);
    if let Some(ratio) = ratio {
        let sampler = Sampler::ratio(ratio).expect("a ratio").parent_based();
        let telemetry = Telemetry::builder().sampler(sampler).span_exporter(Discard);
        builder = builder.telemetry(&telemetry.build().expect("valid"));
    }
    builder.without_admin().build().expect("valid")
}

fn signals(routes: impl Into<RouteSource>) -> GoldenSignals {
    GoldenSignals::builder().routes(routes).build(&Registry::new()).expect("valid")
}

fn routes() -> Routes {
    Routes::new([PATH]).expect("valid")
}

/// What most services with axum use.
fn usual_stack(listener: TcpListener) -> Serving {
    let provider = trace_provider(0.01);
    let traces = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    let subscriber = tracing_subscriber::registry().with(level).with(traces);
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let make = tower_http::trace::DefaultMakeSpan::new().level(tracing::Level::INFO);
    let layer = tower_http::trace::TraceLayer::new_for_http().make_span_with(make);
    let serving = axum_server(listener, with_prometheus(router()).layer(layer));
    Box::pin(async move {
        serving.await;
        drop(provider);
    })
}

fn router() -> Router {
    Router::new().route(PATH, get(async || "hello world"))
}

fn axum_server(listener: TcpListener, router: Router) -> Serving {
    use axum::serve::ListenerExt as _;

    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    Box::pin(async move { drop(axum::serve(listener, router).await) })
}

fn with_prometheus(router: Router) -> Router {
    let (layer, _) = axum_prometheus::PrometheusMetricLayerBuilder::new()
        .with_metrics_from_fn(|| axum_recorder().clone())
        .build_pair();
    router.layer(layer)
}
