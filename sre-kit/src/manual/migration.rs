//! Migration from axum-prometheus, autometrics or opentelemetry-instrumentation-tower.
//!
//! Run both layers for one release, with the kit's layer outermost. The metric names do not
//! collide, so you can move dashboards and alerts one by one. Then remove the old layer: two layers
//! cost twice as much.
//!
//! # What changes in every migration
//!
//! | Event | sre-kit |
//! |---|---|
//! | The end of a request | is the end of the response *body*. Latencies of large or slow bodies grow; `sre_kit_http_server_time_to_headers_seconds` measures the time to the headers |
//! | A client disconnects | outcome `aborted_before_headers` or `aborted_mid_body`; the request is counted once and leaves the gauge |
//! | A panic, or an error of the inner service | outcome `panic` or `service_error`; the panic then continues to unwind |
//! | A stream (server-sent events, WebSocket) | `sre_kit_http_server_stream_duration_seconds` instead of the latency histograms |
//! | A path without a route | has no label `http_route`; the raw path is never a label |
//! | An unknown method | `_OTHER` |
//! | Too many series (high cardinality) | one overflow series and a counter, see [`metrics`](crate::metrics) |
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
//! | `axum_http_requests_total{method,status,endpoint}` | `sre_kit_http_server_requests_total{http_request_method,http_route,url_scheme,outcome}`; by status: `http_server_request_duration_seconds_count` |
//! | `axum_http_requests_duration_seconds` | `http_server_request_duration_seconds`, in seconds to the end of the body |
//! | `axum_http_requests_pending` | `http_server_active_requests` |
//! | `axum_http_response_body_size` | `http_server_response_body_size_bytes`, the bytes sent |
//! | `PrometheusMetricLayerBuilder::with_ignore_patterns` | [`exclude`](crate::golden_signals::GoldenSignalsBuilder::exclude) |
//! | `/metrics` on the service's port | on the admin listener, port 9464 |
//!
//! Without a matched route, axum-prometheus uses the raw path as a label. The kit then leaves the
//! label out, so a scanner cannot create series.
//!
//! # autometrics
//!
//! autometrics counts function calls, the kit counts requests. Objectives move from the attribute
//! to the definition, which accepts any percentage:
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
//! | `function_calls_total{function,module,result,objective_name}` | `slo_events_total{service,slo,outcome}` for each SLO |
//! | `function_calls_duration_seconds` | `http_server_request_duration_seconds` per route |
//! | `function_calls_concurrent` | `http_server_active_requests` |
//! | one rules file for four fixed percentages | rules [generated](crate::slo::render) for your objectives, with their tests |
//!
//! For a function that is not a request handler, define a [`Slo::ratio`](crate::slo::Slo::ratio)
//! and call [`Budget::record`](crate::slo::Budget::record) when the function ends. For custom
//! counters, use [`Registry::counter_family`](crate::metrics::Registry::counter_family).
//!
//! # opentelemetry-instrumentation-tower
//!
//! Both follow the OpenTelemetry semantic conventions; the kit uses the Prometheus form of the
//! names:
//!
//! | opentelemetry-instrumentation-tower | sre-kit |
//! |---|---|
//! | `http.server.request.duration`, until the response headers | `http_server_request_duration_seconds`, until the end of the body; until the headers: `sre_kit_http_server_time_to_headers_seconds` |
//! | `http.server.active_requests` | `http_server_active_requests`; a dropped request leaves it |
//! | `http.server.request.body.size`, `.response.body.size` | the same with `_bytes`, as counted and not as declared |
//! | `LayerBuilder::with_route_extractor` | [`RouteSource`](crate::golden_signals::RouteSource) |
//! | a `Meter` and an exporter | scraped from the admin listener, without an exporter |
//!
//! The duration histogram also has the remaining labels that the conventions require: `error_type`,
//! `network_protocol_version` (`2`, not `2.0`) and `url_scheme`.
//!
//! # Stability of names
//!
//! Metric and label names are part of the public API, see [stability](crate#stability). The page
//! [`metrics`](super::metrics) lists all of them.
