//! Quick start: build, layer, serve.
//!
//! ```toml
//! [dependencies]
//! sre-kit = { version = "0.1", features = ["console"] }
//! ```
//!
//! The kit is three statements in `main`, whatever the framework. What differs is where
//! the *route* of a request comes from, for a label never holds a raw path.
//!
//! # hyper, and any other tower service
//!
//! Routes are a table of templates, as `matchit` writes them.
//!
//! ```no_run
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use hyper::body::Incoming;
//! use sre_kit::SreKit;
//! use sre_kit::golden_signals::Routes;
//! use tower::{ServiceBuilder, service_fn};
//!
//! async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(Response::new(Full::new("Hello.\n".into())))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<sre_kit::lifecycle::ShutdownReport, Box<dyn std::error::Error>> {
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
//! With the feature `axum` routes are those that the router matched, and nothing is
//! declared twice. The layer goes to [`Router::layer`], after the last route and the
//! fallback: further out, axum has not matched yet.
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
//! With the feature `tonic` a service is named by its generated type and its methods;
//! the gRPC status decides how a call ended, and the health protocol is there too.
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
//! Whole programs, each tested, are in the repository's `examples/`.
//!
//! # Look at it
//!
//! | Ask | See |
//! |---|---|
//! | `http://127.0.0.1:9464/` in a browser | the console: all of it, live (feature `console`) |
//! | `curl 127.0.0.1:9464/metrics` | what Prometheus scrapes |
//! | `curl 127.0.0.1:9464/slo` | error budgets and burn rates of this process |
//! | `curl '127.0.0.1:9464/readyz?verbose'` | why it is ready, or is not |
//!
//! [`SRE_KIT_ADMIN`](crate::SreKitBuilder) moves the admin listener; in a pod it is
//! `0.0.0.0:9464`. It is never published with the service: everything there can be
//! read by whoever reaches it.
//!
//! # One more minute: a check, and a limit
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::SreKit;
//! use sre_kit::health::Check;
//! use sre_kit::admission::{Admission, Limit};
//!
//! # async fn ping() -> Result<(), std::io::Error> { Ok(()) }
//! let kit = SreKit::builder(sre_kit::build_info!())
//!     .check(Check::new("database", || async { ping().await }).interval(Duration::from_secs(5)))
//!     .build()?;
//! // Inside of the kit's layer: what is refused is counted as `shed`.
//! let admission = Admission::builder().limit(Limit::fixed(512)).build(kit.registry())?;
//! let layers = (kit.http_layer(), admission.layer());
//! # let _ = layers;
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! A check is reported and holds nothing back unless it is told to; why is in
//! [`health`](crate::health). What a limit does is in [`saturation`](crate::saturation).
//!
//! [`Router::layer`]: https://docs.rs/axum/latest/axum/struct.Router.html#method.layer
