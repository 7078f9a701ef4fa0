//! Reference of all metrics: unit, labels and an example query.
//!
//! The documentation of each module explains its metrics. Names follow the OpenTelemetry semantic
//! conventions where these define one, in their Prometheus form; names that begin with `sre_kit_`
//! describe the kit itself. A counter ends in `_total`, and a metric with a unit has it at the end
//! of its name. Empty labels are left out, and so are series without a source: 0 never means
//! "unknown".
//!
//! # Names in OpenTelemetry
//!
//! What is pushed over OTLP has the names, instruments, units and attributes of the semantic
//! conventions 1.44.0 where these define one: `http_server_request_duration_seconds` is the
//! histogram `http.server.request.duration` in `s` with `http.route`. Every other metric has the
//! name from which Prometheus' OTLP receiver and the collector make the name below again, such as
//! `sre_kit.http.server.requests` in `{request}`. A series that is pushed and stored by Prometheus
//! is therefore the series that a scrape gives. The exceptions are names that the clients of
//! Prometheus share, and one that OpenMetrics refuses in its other spelling:
//!
//! - `db_client_connections` is pushed as `db.client.connection.count`
//! - `process_cpu_seconds_total` is pushed as `process.cpu.time`, by `cpu.mode`
//! - `process_max_fds` is pushed as `sre_kit.process.file_descriptor.limit`
//! - `process_open_fds` is pushed as `process.unix.file_descriptor.count`
//! - `process_resident_memory_bytes` is pushed as `process.memory.usage`
//! - `process_start_time_seconds` is pushed as `process.uptime`, the age of the process
//! - `process_threads` is pushed as `process.thread.count`
//! - `process_virtual_memory_bytes` is pushed as `process.memory.virtual`
//! - `process_virtual_memory_max_bytes` is pushed as `sre_kit.process.memory.virtual.limit`
//!
//! Sizes of bodies lack the attribute `http.response.status_code`, which would multiply their
//! series.
//!
//! Names and labels are part of the public API, see [stability](crate#stability). In the queries,
//! `pod` stands for the label that distinguishes instances in your Prometheus.
//!
//! # HTTP requests
//!
//! See [`golden_signals`](crate::golden_signals).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `sre_kit_http_server_requests_started_total` | counter, requests | `http_request_method`, `http_route`, `url_scheme` | `sum by (http_route) (rate(sre_kit_http_server_requests_started_total[5m]))` |
//! | `sre_kit_http_server_requests_total` | counter, requests | the same and `outcome` | `sum(rate(sre_kit_http_server_requests_total{outcome=~"error\|timeout\|shed\|panic\|service_error"}[5m])) / sum(rate(sre_kit_http_server_requests_total[5m]))` |
//! | `http_server_active_requests` | gauge, requests | `http_request_method`, `url_scheme` | `sum(http_server_active_requests)` |
//! | `http_server_request_duration_seconds` | histogram, seconds until the end of the body | `http_request_method`, `http_route`, `http_response_status_code`, `error_type`, `network_protocol_version`, `url_scheme` | `histogram_quantile(0.99, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket[5m])))` |
//! | `sre_kit_http_server_time_to_headers_seconds` | histogram, seconds until the headers | `http_request_method`, `http_route`, `url_scheme` | `histogram_quantile(0.5, sum by (le) (rate(sre_kit_http_server_time_to_headers_seconds_bucket[5m])))` |
//! | `http_server_request_body_size_bytes` | histogram, bytes | the same | `sum(rate(http_server_request_body_size_bytes_sum[5m]))` |
//! | `http_server_response_body_size_bytes` | histogram, bytes | the same | `sum by (http_route) (rate(http_server_response_body_size_bytes_sum[5m]))` |
//! | `sre_kit_http_server_stream_duration_seconds` | histogram, seconds | the same and `stream` | `sum by (stream) (rate(sre_kit_http_server_stream_duration_seconds_count[5m]))` |
//!
//! # Outbound calls
//!
//! See `outbound`, a feature. `telemetry::HttpClient` records `http_client_request_duration_seconds`
//! only, until the response headers.
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `sre_kit_http_client_requests_started_total` | counter, requests | `http_request_method`, `server_address`, `server_port`, `url_template` or `rpc_method` | `sum by (server_address) (rate(sre_kit_http_client_requests_started_total[5m]))` |
//! | `sre_kit_http_client_requests_total` | counter, requests | the same and `outcome` | `sum by (server_address) (rate(sre_kit_http_client_requests_total{outcome=~"error\|no_response\|timeout"}[5m])) / sum by (server_address) (rate(sre_kit_http_client_requests_total[5m]))` |
//! | `http_client_active_requests` | gauge, requests | those of the first | `sum by (server_address) (http_client_active_requests)` |
//! | `http_client_request_duration_seconds` | histogram, seconds until the end of the body | `http_request_method`, `server_address`, `server_port`, `error_type`, `http_response_status_code`, `network_protocol_version`, `url_template` | `histogram_quantile(0.99, sum by (le, server_address) (rate(http_client_request_duration_seconds_bucket[5m])))` |
//! | `rpc_client_call_duration_seconds` | histogram, seconds until the status | `rpc_system_name`, `error_type`, `rpc_method`, `rpc_response_status_code`, `server_address`, `server_port` | `sum by (rpc_method, error_type) (rate(rpc_client_call_duration_seconds_count[5m]))` |
//! | `sre_kit_http_client_time_to_headers_seconds` | histogram, seconds until the headers | those of the first | `histogram_quantile(0.99, sum by (le, server_address) (rate(sre_kit_http_client_time_to_headers_seconds_bucket[5m])))` |
//! | `http_client_request_body_size_bytes` | histogram, bytes | those of the first | `sum by (server_address) (rate(http_client_request_body_size_bytes_sum[5m]))` |
//! | `http_client_response_body_size_bytes` | histogram, bytes | those of the first | `sum by (server_address) (rate(http_client_response_body_size_bytes_sum[5m]))` |
//!
//! # Units of work
//!
//! See [`work`](crate::work).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `work_units_started_total` | counter, units | `work` | `sum by (work) (rate(work_units_started_total[5m]))` |
//! | `work_units_total` | counter, units | `work`, `outcome` | `sum by (work) (rate(work_units_total{outcome=~"error\|timeout\|panic"}[5m])) / sum by (work) (rate(work_units_total[5m]))` |
//! | `work_active_units` | gauge, units | `work` | `sum by (work) (work_active_units)` |
//! | `work_duration_seconds` | histogram, seconds | `work`, `outcome` | `histogram_quantile(0.99, sum by (le, work) (rate(work_duration_seconds_bucket[5m])))` |
//! | `work_wait_seconds` | histogram, seconds in a queue | `work` | `histogram_quantile(0.99, sum by (le, work) (rate(work_wait_seconds_bucket[5m])))` |
//! | `messaging_process_duration_seconds` | histogram, seconds | `messaging_system`, `messaging_operation_name`, `error_type` | `sum by (error_type) (rate(messaging_process_duration_seconds_count[5m]))` |
//! | `panics_total` | counter, panics | `thread` | `sum by (thread) (increase(panics_total[1h])) > 0` |
//!
//! # Admission
//!
//! See [`admission::Admission`](crate::admission::Admission).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `sre_kit_http_server_concurrency_limit` | gauge, requests |  | `sum(sre_kit_http_server_concurrency_limit)` |
//! | `sre_kit_http_server_concurrency_in_flight` | gauge, requests |  | `max by (pod) (sre_kit_http_server_concurrency_in_flight / sre_kit_http_server_concurrency_limit)` |
//! | `sre_kit_http_server_queue_depth` | gauge, requests |  | `sum(sre_kit_http_server_queue_depth)` |
//! | `sre_kit_http_server_queue_wait_seconds` | histogram, seconds |  | `histogram_quantile(0.99, sum by (le) (rate(sre_kit_http_server_queue_wait_seconds_bucket[5m])))` |
//! | `sre_kit_http_server_shed_total` | counter, requests | `reason` | `sum by (reason) (rate(sre_kit_http_server_shed_total[5m]))` |
//! | `sre_kit_http_server_concurrency_gradient` | gauge, ratio |  | `min(sre_kit_http_server_concurrency_gradient)` |
//! | `sre_kit_http_server_concurrency_latency_seconds` | gauge, seconds | `kind` | `max by (kind) (sre_kit_http_server_concurrency_latency_seconds)` |
//! | `sre_kit_http_server_concurrency_probes_total` | counter, probes |  | `sum(increase(sre_kit_http_server_concurrency_probes_total[1h]))` |
//!
//! # Connections
//!
//! See [`server::ConnectionMetrics`](crate::server::ConnectionMetrics).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `sre_kit_http_server_open_connections` | gauge, connections | `listener`, `http_connection_state` | `sum by (http_connection_state) (sre_kit_http_server_open_connections)` |
//! | `sre_kit_http_server_connections_limit` | gauge, connections | `listener` | `sum by (listener) (sre_kit_http_server_open_connections) / sum by (listener) (sre_kit_http_server_connections_limit)` |
//! | `sre_kit_http_server_connections_accepted_total` | counter, connections | `listener` | `sum by (listener) (rate(sre_kit_http_server_connections_accepted_total[5m]))` |
//! | `sre_kit_http_server_accept_errors_total` | counter, failures | `listener`, `error_type` | `sum by (error_type) (increase(sre_kit_http_server_accept_errors_total[1h])) > 0` |
//! | `sre_kit_http_server_connection_errors_total` | counter, connections | `listener`, `error_type` | `sum by (error_type) (rate(sre_kit_http_server_connection_errors_total[5m]))` |
//! | `sre_kit_http_server_tls_reloads_total` | counter, changes of the certificate files | `listener`, `result` | `sum by (listener) (increase(sre_kit_http_server_tls_reloads_total{result="error"}[1h])) > 0` |
//!
//! # SLOs
//!
//! See [`slo`](crate::slo).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `slo_events_total` | counter, events | `service`, `slo`, `outcome` | `sum by (slo) (rate(slo_events_total{outcome="bad"}[1h])) / sum by (slo) (rate(slo_events_total[1h]))` |
//! | `slo_events_excluded_total` | counter, events | `service`, `slo`, `reason` | `sum by (slo, reason) (rate(slo_events_excluded_total[5m]))` |
//! | `slo_objective_ratio` | gauge, ratio | `service`, `slo` | `max by (slo) (slo_objective_ratio)` |
//! | `slo_window_seconds` | gauge, seconds | `service`, `slo` | `max by (slo) (slo_window_seconds) / 86400` |
//! | `slo_instance_error_ratio` | gauge, ratio | `service`, `slo`, `window` | `max by (pod) (slo_instance_error_ratio{window="1h"})` |
//! | `slo_instance_burn_rate` | gauge, ratio | `service`, `slo`, `window` | `topk(3, slo_instance_burn_rate{window="5m"})` |
//! | `slo_instance_window_events` | gauge, events | `service`, `slo`, `window` | `sum by (slo) (slo_instance_window_events{window="1h"})` |
//! | `slo_instance_window_coverage_ratio` | gauge, ratio | `service`, `slo`, `window` | `min by (slo) (slo_instance_window_coverage_ratio{window="30d"})` |
//! | `slo_instance_error_budget_remaining_ratio` | gauge, ratio | `service`, `slo` | `min by (slo) (slo_instance_error_budget_remaining_ratio)` |
//! | `slo_instance_alert_state` | gauge, 0 quiet to 3 firing | `service`, `slo`, `tier` | `count by (slo, tier) (slo_instance_alert_state == 3)` |
//!
//! # Health
//!
//! See [`health`](crate::health).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `health_check_up` | gauge, 0 or 1 | `check`, `gate` | `min by (check) (health_check_up) == 0` |
//! | `health_check_degraded` | gauge, 0 or 1 | `check` | `max by (check) (health_check_degraded) == 1` |
//! | `health_check_last_success_timestamp_seconds` | gauge, Unix seconds | `check` | `time() - max by (check) (health_check_last_success_timestamp_seconds)` |
//! | `health_heartbeat_age_seconds` | gauge, seconds | `heartbeat` | `max by (heartbeat) (health_heartbeat_age_seconds)` |
//! | `health_checks_total` | counter, runs | `check`, `result` | `sum by (check, result) (rate(health_checks_total[5m]))` |
//! | `health_check_duration_seconds` | histogram, seconds | `check` | `histogram_quantile(0.99, sum by (le, check) (rate(health_check_duration_seconds_bucket[5m])))` |
//!
//! # Lifecycle
//!
//! See [`lifecycle`](crate::lifecycle).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `lifecycle_state` | gauge, 0 or 1 | `state` | `count by (state) (lifecycle_state == 1)` |
//! | `lifecycle_phase_duration_seconds` | gauge, seconds | `phase` | `max by (phase) (max_over_time(lifecycle_phase_duration_seconds[1d]))` |
//! | `lifecycle_phase_bound_seconds` | gauge, seconds | `phase` | `max by (phase) (lifecycle_phase_bound_seconds)` |
//! | `lifecycle_cut_off_total` | counter, unfinished items | `kind` | `sum by (kind) (max_over_time(lifecycle_cut_off_total[1d])) > 0` |
//!
//! # Saturation
//!
//! See [`saturation`](crate::saturation).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `tokio_runtime_workers` | gauge, threads |  | `sum(tokio_runtime_workers)` |
//! | `tokio_runtime_alive_tasks` | gauge, tasks |  | `sum(tokio_runtime_alive_tasks)` |
//! | `tokio_runtime_global_queue_depth` | gauge, tasks |  | `max(tokio_runtime_global_queue_depth)` |
//! | `tokio_runtime_worker_busy_seconds_total` | counter, seconds | `worker` | `sum by (pod) (rate(tokio_runtime_worker_busy_seconds_total[5m])) / sum by (pod) (tokio_runtime_workers)` |
//! | `tokio_runtime_worker_parks_total` | counter, parks | `worker` | `sum(rate(tokio_runtime_worker_parks_total[5m]))` |
//! | `tokio_runtime_scheduling_lag_seconds` | histogram, seconds |  | `histogram_quantile(0.99, sum by (le) (rate(tokio_runtime_scheduling_lag_seconds_bucket[5m])))` |
//! | `tokio_runtime_blocking_queue_depth` | gauge, tasks; with `tokio_unstable` |  | `max(tokio_runtime_blocking_queue_depth)` |
//! | `tokio_runtime_blocking_threads` | gauge, threads; with `tokio_unstable` |  | `max(tokio_runtime_blocking_threads)` |
//! | `cgroup_cpu_periods_total` | counter, periods |  | `rate(cgroup_cpu_periods_total[5m])` |
//! | `cgroup_cpu_throttled_periods_total` | counter, periods |  | `rate(cgroup_cpu_throttled_periods_total[5m]) / rate(cgroup_cpu_periods_total[5m])` |
//! | `cgroup_cpu_throttled_seconds_total` | counter, seconds |  | `rate(cgroup_cpu_throttled_seconds_total[5m])` |
//! | `cgroup_cpu_quota_cores` | gauge, cores |  | `rate(process_cpu_seconds_total[5m]) / cgroup_cpu_quota_cores` |
//! | `cgroup_memory_usage_bytes` | gauge, bytes |  | `cgroup_memory_usage_bytes / cgroup_memory_max_bytes` |
//! | `cgroup_memory_max_bytes` | gauge, bytes |  | `min(cgroup_memory_max_bytes)` |
//! | `cgroup_memory_high_bytes` | gauge, bytes |  | `min(cgroup_memory_high_bytes)` |
//! | `cgroup_memory_events_total` | counter, events | `event` | `increase(cgroup_memory_events_total{event="oom_kill"}[1h]) > 0` |
//! | `cgroup_pressure_stalled_seconds_total` | counter, seconds | `resource`, `kind` | `max by (resource) (rate(cgroup_pressure_stalled_seconds_total{kind="some"}[5m]))` |
//! | `saturation_pool_size` | gauge, items | `pool` | `sum by (pool) (saturation_pool_size)` |
//! | `saturation_pool_used` | gauge, items | `pool` | `sum by (pool) (saturation_pool_used) / sum by (pool) (saturation_pool_max)` |
//! | `saturation_pool_max` | gauge, items | `pool` | `sum by (pool) (saturation_pool_max)` |
//! | `saturation_pool_waiting` | gauge, waiters | `pool` | `sum by (pool) (saturation_pool_waiting) > 0` |
//!
//! # Databases
//!
//! See [`db`](crate#features). All but the first also have the label
//! `db_client_connection_pool_name`.
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `db_client_operation_duration_seconds` | histogram, seconds | `db_system_name`, `db_namespace`, `db_operation_name`, `db_collection_name`, `server_address`, `server_port`, `error_type` | `histogram_quantile(0.99, sum by (le, db_operation_name) (rate(db_client_operation_duration_seconds_bucket[5m])))` |
//! | `db_client_connections` | gauge, connections | `db_client_connection_state` | `sum(db_client_connections{db_client_connection_state="used"}) / sum(db_client_connection_max)` |
//! | `db_client_connection_max` | gauge, connections |  | `sum(db_client_connection_max)` |
//! | `db_client_connection_idle_min` | gauge, connections |  | `sum(db_client_connection_idle_min)` |
//! | `db_client_connection_pending_requests` | gauge, requests |  | `sum(db_client_connection_pending_requests) > 0` |
//! | `db_client_connection_wait_time_seconds` | histogram, seconds |  | `histogram_quantile(0.99, sum by (le) (rate(db_client_connection_wait_time_seconds_bucket[5m])))` |
//! | `db_client_connection_create_time_seconds` | histogram, seconds |  | `histogram_quantile(0.99, sum by (le) (rate(db_client_connection_create_time_seconds_bucket[5m])))` |
//! | `db_client_connection_timeouts_total` | counter, waits |  | `sum(rate(db_client_connection_timeouts_total[5m])) > 0` |
//! | `sre_kit_db_logins_total` | counter, logins | `outcome`, `db_response_status_code` | `sum by (outcome) (rate(sre_kit_db_logins_total[5m]))` |
//! | `sre_kit_db_login_retries_total` | counter, logins |  | `sum(increase(sre_kit_db_login_retries_total[1h]))` |
//! | `sre_kit_db_dial_duration_seconds` | histogram, seconds | `phase`, `error_type` | `histogram_quantile(0.99, sum by (le, phase) (rate(sre_kit_db_dial_duration_seconds_bucket[5m])))` |
//! | `sre_kit_db_io_bytes_total` | counter, bytes | `direction` | `sum by (direction) (rate(sre_kit_db_io_bytes_total[5m]))` |
//! | `sre_kit_db_bridge_refused_total` | counter, connections |  | `increase(sre_kit_db_bridge_refused_total[1h]) > 0` |
//! | `sre_kit_db_recycled_total` | counter, connections | `reason` | `sum by (reason) (rate(sre_kit_db_recycled_total[5m]))` |
//! | `sre_kit_db_recycling_paused` | gauge, 0 or 1 |  | `max(sre_kit_db_recycling_paused) == 1` |
//! | `sre_kit_db_auth_refreshes_total` | counter, answers | `outcome`, `error_type` | `sum by (error_type) (rate(sre_kit_db_auth_refreshes_total{outcome="error"}[5m]))` |
//! | `sre_kit_db_auth_rebuilds_total` | counter, starts |  | `increase(sre_kit_db_auth_rebuilds_total[1h]) > 0` |
//! | `sre_kit_db_auth_token_age_seconds` | gauge, seconds |  | `max(sre_kit_db_auth_token_age_seconds) > 3500` |
//! | `sre_kit_db_cert_refreshes_total` | counter, answers | `outcome`, `error_type` | `sum by (error_type) (rate(sre_kit_db_cert_refreshes_total{outcome="error"}[5m]))` |
//! | `sre_kit_db_cert_expiry_seconds` | gauge, seconds |  | `min(sre_kit_db_cert_expiry_seconds) < 600` |
//! | `sre_kit_db_migration_duration_seconds` | histogram, seconds | `outcome` | `sum by (outcome) (increase(sre_kit_db_migration_duration_seconds_count[1d]))` |
//! | `sre_kit_db_migration_pending` | gauge, migrations |  | `max(sre_kit_db_migration_pending) > 0` |
//!
//! # The process and the kit itself
//!
//! See [`metrics`](crate::metrics).
//!
//! | Metric | Kind, unit | Labels | Example query |
//! |---|---|---|---|
//! | `build_info` | gauge, always 1 | `service`, `version`, `revision`, `rustc` | `count by (version) (build_info)` |
//! | `process_cpu_seconds_total` | counter, seconds |  | `rate(process_cpu_seconds_total[5m])` |
//! | `process_resident_memory_bytes` | gauge, bytes |  | `max(process_resident_memory_bytes)` |
//! | `process_virtual_memory_bytes` | gauge, bytes |  | `max(process_virtual_memory_bytes)` |
//! | `process_virtual_memory_max_bytes` | gauge, bytes |  | `min(process_virtual_memory_max_bytes)` |
//! | `process_open_fds` | gauge, descriptors |  | `max(process_open_fds / process_max_fds)` |
//! | `process_max_fds` | gauge, descriptors |  | `min(process_max_fds)` |
//! | `process_start_time_seconds` | gauge, Unix seconds |  | `time() - process_start_time_seconds` |
//! | `process_threads` | gauge, threads |  | `max(process_threads)` |
//! | `sre_kit_metrics_overflow_total` | counter, observations | `metric` | `sum by (metric) (rate(sre_kit_metrics_overflow_total[5m])) > 0` |
//! | `sre_kit_metrics_refused_total` | counter, refusals; features of other metric APIs | `metric`, `api` | `sum by (metric, api) (sre_kit_metrics_refused_total) > 0` |
//! | `sre_kit_scrapes_total` | counter, scrapes | `format`, `outcome` | `sum by (outcome) (rate(sre_kit_scrapes_total[5m]))` |
//! | `sre_kit_scrape_duration_seconds` | histogram, seconds |  | `histogram_quantile(0.99, sum by (le) (rate(sre_kit_scrape_duration_seconds_bucket[5m])))` |
//! | `sre_kit_scrape_size_bytes` | histogram, bytes |  | `rate(sre_kit_scrape_size_bytes_sum[5m]) / rate(sre_kit_scrape_size_bytes_count[5m])` |
//! | `sre_kit_scrape_unwritable_total` | counter, scrapes | `metric` | `increase(sre_kit_scrape_unwritable_total[1h]) > 0` |
//! | `sre_kit_telemetry_items_total` | counter, items; feature `telemetry` | `signal`, `result` | `sum by (signal) (rate(sre_kit_telemetry_items_total{result="dropped"}[5m])) > 0` |
//! | `sre_kit_telemetry_queue_ratio` | gauge, ratio; feature `telemetry` | `signal` | `max by (signal) (sre_kit_telemetry_queue_ratio)` |
