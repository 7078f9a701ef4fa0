//! Coming from axum-prometheus, autometrics or opentelemetry-instrumentation-tower.
//!
//! Run both for one release: the kit's names differ from the others', and dashboards
//! and alerts can be moved one by one. Put the kit's layer outermost. Then take the
//! other one out; two layers cost twice.
//!
//! # What changes whoever you come from
//!
//! | Question | The kit |
//! |---|---|
//! | When does a request end? | at the end of the response's *body*. Latencies of large or slow bodies grow; time to the head is `http_server_time_to_headers_seconds` |
//! | A client that goes away? | an outcome of its own, `aborted_before_headers` or `aborted_mid_body`; it is counted once and leaves the gauge |
//! | A panic, an error of the inner service? | outcomes `panic` and `service_error`; counted, and the panic goes on |
//! | A stream, SSE, a WebSocket? | no latency: `http_server_stream_duration_seconds` |
//! | A path without a route? | no label. Never the raw path |
//! | A method that nobody knows? | `_OTHER` |
//! | Too many series? | one overflow series and a count, see [`metrics`](crate::metrics) |
//!
//! # axum-prometheus
//!
//! ```text
//! - let (layer, handle) = PrometheusMetricLayer::pair();
//! - let app = Router::new().route(..).route("/metrics", get(|| async move { handle.render() })).layer(layer);
//! + let kit = SreKit::builder(sre_kit::build_info!()).routes(RouteSource::axum()).with_env()?.build()?;
//! + let app = Router::new().route(..).layer(kit.http_layer());
//! + kit.serve(listener, app).await?;
//! ```
//!
//! | axum-prometheus | sre-kit |
//! |---|---|
//! | `axum_http_requests_total{method,status,endpoint}` | `http_server_requests_total{http_request_method,http_route,url_scheme,outcome}`; by status: `http_server_request_duration_seconds_count` |
//! | `axum_http_requests_duration_seconds` | `http_server_request_duration_seconds`, in seconds to the end of the body |
//! | `axum_http_requests_pending` | `http_server_active_requests` |
//! | `axum_http_response_body_size` | `http_server_response_body_size_bytes`, what was sent |
//! | `PrometheusMetricLayerBuilder::with_ignore_patterns` | [`exclude`](crate::golden_signals::GoldenSignalsBuilder::exclude) |
//! | `/metrics` on the service's port | on the admin listener, 9464 |
//!
//! Without a matched route axum-prometheus falls back on the raw path; the kit has no
//! route then, so a scanner adds no series.
//!
//! # autometrics
//!
//! autometrics counts functions, the kit counts requests. Objectives move from the
//! attribute to the definition, and any percentage may be chosen:
//!
//! ```
//! use std::time::Duration;
//! use sre_kit::slo::Slo;
//!
//! // Objective::new("api").success_rate(ObjectivePercentile::P99_9)
//! let api = Slo::availability("api", "99.9".parse()?);
//! // Objective::new("api").latency(ObjectiveLatency::Ms250, ObjectivePercentile::P99)
//! let fast = Slo::latency("api-latency", "99".parse()?, Duration::from_millis(250));
//! # let _ = (api, fast);
//! # Ok::<(), sre_kit::ConfigError>(())
//! ```
//!
//! | autometrics | sre-kit |
//! |---|---|
//! | `function_calls_total{function,module,result,objective_name}` | `slo_events_total{service,slo,outcome}` for what has an objective |
//! | `function_calls_duration_seconds` | `http_server_request_duration_seconds` per route |
//! | `function_calls_concurrent` | `http_server_active_requests` |
//! | its one rules file for four percentages | rules [generated](crate::slo::render) for your objectives, with their tests |
//!
//! What a function does that is no request is a [`Slo::ratio`](crate::slo::Slo::ratio):
//! [`Budget::record`](crate::slo::Budget::record) at its end. For counts of one's own
//! there is [`Registry::counter_family`](crate::metrics::Registry::counter_family).
//!
//! # opentelemetry-instrumentation-tower
//!
//! Names are those of the semantic conventions in both, in Prometheus' spelling here:
//!
//! | opentelemetry-instrumentation-tower | sre-kit |
//! |---|---|
//! | `http.server.request.duration`, to the head of the response | `http_server_request_duration_seconds`, to the end of the body; to the head: `http_server_time_to_headers_seconds` |
//! | `http.server.active_requests` | `http_server_active_requests`; a request that is dropped leaves it |
//! | `http.server.request.body.size`, `.response.body.size` | the same with `_bytes`, as counted and not as declared |
//! | `LayerBuilder::with_route_extractor` | [`RouteSource`](crate::golden_signals::RouteSource) |
//! | a `Meter` and an exporter | scraped from the admin listener; nothing to install |
//!
//! The last labels of a duration that the conventions require are there:
//! `error_type`, `network_protocol_version` (`2`, not `2.0`), `url_scheme`.
//!
//! # Names are an interface
//!
//! Metrics and labels of the kit are part of its public API: see the
//! [promise](crate#stability). All of them are in [`metrics`](super::metrics).
