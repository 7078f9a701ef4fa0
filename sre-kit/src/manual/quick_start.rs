//! Quick start: metrics, probes and graceful shutdown in three statements.
//!
//! ```toml
//! [dependencies]
//! sre-kit = { version = "0.1", features = ["console"] }
//! ```
//!
//! With every framework, three statements in `main` build the kit, add its layer and serve. The
//! frameworks differ in where the *route* of a request comes from. The label `http_route` never
//! holds a raw path.
//!
//! # hyper, and any other tower service
//!
//! The routes are a table of templates in the syntax of `matchit`.
//!
//! ```no_run
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use sre_kit::lifecycle::{self, ShutdownReport};
//! use sre_kit::server::RequestBody;
//! use tower::{ServiceBuilder, service_fn};
//!
//! async fn answer(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::new("Hello.\n".into())))
//! }
//!
//! // Unlike `#[tokio::main]`, this does not wait without a bound for blocking work.
//! fn main() -> std::io::Result<std::process::ExitCode> {
//!     lifecycle::run_main(serve())
//! }
//!
//! async fn serve() -> Result<ShutdownReport, Box<dyn std::error::Error>> {
//!     let kit = SreKit::builder(sre_kit::build_info!())
//!         .routes(Routes::new(["/hello/{name}"])?)
//!         .with_env()?
//!         .build()?;
//!     let service = ServiceBuilder::new().layer(kit.http_layer()).service(service_fn(answer));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     Ok(kit.serve(listener, service).await?)
//! }
//! ```
//!
//! # axum
//!
//! With the feature `axum`, the route is the path that the router matched, so you do not declare
//! routes twice. Add the layer with [`Router::layer`], after the last route and the fallback. A
//! layer around the whole router runs before axum matches, and sees no route.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::RouteSource;
//! use sre_kit::slo::Slo;
//!
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .routes(RouteSource::axum())
//!     .slo(Slo::availability("hello", "99.9".parse()?).routes(["/hello/{name}"]))
//!     .build()?;
//! let layer = kit.http_layer();
//! // let app = Router::new().route("/hello/{name}", get(hello)).layer(layer);
//! // kit.serve(listener, app).await?;
//! # let _ = layer;
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! # tonic
//!
//! With the feature `tonic`, you declare a service by its generated type and its methods. The gRPC
//! status determines the outcome of a call. The feature also adds the gRPC health checking
//! protocol.
//!
#![cfg_attr(feature = "tonic", doc = "```")]
#![cfg_attr(not(feature = "tonic"), doc = "```ignore")]
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//!
//! let routes = Routes::default()
//!     // .tonic::<GreeterServer<Polite>>(["Hello"])?
//!     .grpc("grpc.health.v1.Health", ["Check", "Watch"])?;
//! let kit = SreKit::builder(sre_kit::build_info!()).routes(routes).build()?;
//! let health = kit.health().grpc().into_server();
//! # let _ = health;
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! The folder [`examples/`](https://github.com/sre-kit/sre-kit/tree/main/examples/examples) of the
//! repository has complete programs, which its tests run.
//!
//! # The life of a request
//!
#![doc = include_str!("pictures/request.svg")]
//!
//! [`golden_signals`](crate::golden_signals) defines each of these times and outcomes.
//!
//! # Look at the service
//!
//! | Open | Shows |
//! |---|---|
//! | `http://127.0.0.1:9464/` in a browser | the console: all signals, live (feature `console`) |
//! | `curl 127.0.0.1:9464/metrics` | the metrics that Prometheus scrapes |
//! | `curl 127.0.0.1:9464/slo` | error budgets and burn rates of this process |
//! | `curl '127.0.0.1:9464/readyz?verbose'` | each readiness check with its result |
//!
//! [`SRE_KIT_ADMIN`](crate::SreKitBuilder) sets the address of the admin listener; in a pod, use
//! `0.0.0.0:9464`. Other machines then see the probes, `/metrics` and `/version`; the other pages need
//! a token ([who may ask](crate::admin#who-may-ask)). Do not expose this port together with the
//! service.
//!
//! # Add a health check, and protect the service
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::SreKit;
//! use sre_kit::health::Check;
//! use sre_kit::admission::Limit;
//! use sre_kit::protection::Protection;
//!
//! # async fn ping() -> Result<(), std::io::Error> { Ok(()) }
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .check(Check::new("database", || async { ping().await }).interval(Duration::from_secs(5)))
//!     .build()?;
//! // In the place of `kit.http_layer()`.
//! let layer = kit.protect(Protection::new().limit(Limit::fixed(512)))?;
//! # let _ = layer;
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! A check is only reported by default and gates neither startup nor readiness;
//! [`health`](crate::health) explains why. [`protection`](crate::protection) lists the defaults and
//! explains the order of the layers, [`admission`](crate::admission) how to choose a limit.
//!
//! [`Router::layer`]: https://docs.rs/axum/latest/axum/struct.Router.html#method.layer
