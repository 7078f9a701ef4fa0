//! The dashboard of the golden signals.

use super::super::Options;
use super::board::Board;
use super::panel::Panel;
use super::query::{join, of_job, of_route, quantile, rate, sum};

/// The outcomes that are failures of the service. The others are successes or caused by the client.
const BAD: &str = "error|service_error|timeout|shed|panic";

/// Renders the dashboard of the golden signals.
pub(in crate::render) fn golden_signals(options: &Options) -> String {
    let scope = options.scope_selector();
    Board {
        uid: None,
        title: options.title("Golden signals"),
        description: format!(
            "Traffic, errors, latency and saturation of HTTP services that count with sre-kit. {}",
            super::GENERATED
        ),
        datasource_uid: options.datasource_uid.clone(),
        variables: vec![
            (
                "job",
                "Job",
                format!("label_values(sre_kit_http_server_requests_started_total{{{scope}}}, job)"),
            ),
            (
                "route",
                "Route",
                format!(
                    "label_values(sre_kit_http_server_requests_started_total{{{}}}, http_route)",
                    join(&scope, r#"job=~"$job""#)
                ),
            ),
        ],
        rows: vec![
            ("Traffic and errors", traffic(&scope)),
            ("Latency", latency(&scope)),
            ("Saturation", saturation(&scope)),
            ("Sizes and streams", sizes(&scope)),
            ("Runtime and process", process(&scope)),
        ],
        links: Vec::new(),
    }
    .json()
}

/// Adds three percentiles of one histogram to a panel.
fn percentiles(panel: Panel, buckets: &str) -> Panel {
    [("0.5", "p50"), ("0.9", "p90"), ("0.99", "p99")]
        .into_iter()
        .fold(panel, |panel, (q, name)| panel.query(quantile(q, "", buckets), name))
}

fn traffic(scope: &str) -> Vec<Panel> {
    let started = of_route("sre_kit_http_server_requests_started_total", scope, "");
    let ended = of_route("sre_kit_http_server_requests_total", scope, "");
    let bad =
        of_route("sre_kit_http_server_requests_total", scope, &format!(r#"outcome=~"{BAD}""#));
    let count = |more| of_route("http_server_request_duration_seconds_count", scope, more);
    vec![
        Panel::time_series("Requests per second by route", "Requests that reached the service.")
            .unit("reqps")
            .min(0.0)
            .query(sum("http_route", &started), "{{http_route}}"),
        Panel::time_series(
            "Requests per second by outcome",
            "How requests ended. Each ends exactly once, so the stack is all that ended.",
        )
        .unit("reqps")
        .min(0.0)
        .stacked()
        .query(sum("outcome", &ended), "{{outcome}}"),
        Panel::time_series(
            "Error ratio by route",
            "Requests that failed by the service's fault (error, service_error, timeout, shed, \
             panic) among all that ended. Client errors and clients that left are no faults.",
        )
        .unit("percentunit")
        .min(0.0)
        .query(
            format!("{}\n/\n({} > 0)", sum("http_route", &bad), sum("http_route", &ended)),
            "{{http_route}}",
        ),
        Panel::time_series("Requests per second by status", "Ended requests that are no streams.")
            .unit("reqps")
            .min(0.0)
            .stacked()
            .query(sum("http_response_status_code", &count("")), "{{http_response_status_code}}"),
        Panel::time_series(
            "Failures per second by type",
            "The label error_type: a status, a gRPC code, timeout, overloaded, canceled, panic, \
             service_error or body_error. Empty while nothing fails.",
        )
        .unit("reqps")
        .min(0.0)
        .width(24)
        .query(sum("error_type", &count(r#"error_type!="""#)), "{{error_type}}"),
    ]
}

fn latency(scope: &str) -> Vec<Panel> {
    let full = of_route("http_server_request_duration_seconds_bucket", scope, "");
    let head = of_route("sre_kit_http_server_time_to_headers_seconds_bucket", scope, "");
    let increase = |buckets: &str| format!("sum by (le) (increase({buckets}[$__rate_interval]))");
    vec![
        percentiles(
            Panel::time_series(
                "Latency to the end of the body",
                "From the request's arrival to the last byte of the response. Streams and \
                 upgrades are left out: they have a lifetime, not a latency.",
            )
            .unit("s")
            .min(0.0),
            &full,
        ),
        Panel::heatmap(
            "Latency to the end of the body, all requests",
            "Dots are exemplars: each leads to the trace of one request.",
        )
        .unit("s")
        .query(increase(&full), "{{le}}"),
        percentiles(
            Panel::time_series(
                "Latency to the headers",
                "From the request's arrival to the response head. Far below the other clock: \
                 bodies are slow, or clients are.",
            )
            .unit("s")
            .min(0.0),
            &head,
        ),
        Panel::heatmap("Latency to the headers, all requests", "As above, to the response head.")
            .unit("s")
            .query(increase(&head), "{{le}}"),
        Panel::time_series("p99 by route", "To the end of the body.")
            .unit("s")
            .min(0.0)
            .width(24)
            .query(quantile("0.99", "http_route", &full), "{{http_route}}"),
    ]
}

fn saturation(scope: &str) -> Vec<Panel> {
    let metric = |name: &str| of_job(name, scope);
    vec![
        Panel::time_series(
            "Requests in flight",
            "Started and not ended, to the end of the body. The line `limit` is the number that the \
             service admits at a time, if it has a limit.",
        )
        .min(0.0)
        .query(
            format!("sum by (http_request_method) ({})", metric("http_server_active_requests")),
            "{{http_request_method}}",
        )
        .query(format!("sum({})", metric("sre_kit_http_server_concurrency_limit")), "limit"),
        Panel::time_series(
            "Shed requests per second",
            "Refused at once with 503 instead of queueing without bound.",
        )
        .unit("reqps")
        .min(0.0)
        .query(sum("reason", &metric("sre_kit_http_server_shed_total")), "{{reason}}"),
        percentiles(
            Panel::time_series(
                "Wait for admission",
                "Time in the queue before the service took the request on.",
            )
            .unit("s")
            .min(0.0),
            &metric("sre_kit_http_server_queue_wait_seconds_bucket"),
        ),
        Panel::time_series(
            "CPU throttling",
            "Share of the scheduler's periods in which the container was stopped for having \
             spent its quota. Even a few per cent show in the latency.",
        )
        .unit("percentunit")
        .min(0.0)
        .query(
            format!(
                "{}\n/\n({} > 0)",
                sum("instance", &metric("cgroup_cpu_throttled_periods_total")),
                sum("instance", &metric("cgroup_cpu_periods_total"))
            ),
            "{{instance}}",
        ),
        Panel::time_series(
            "Memory of the container",
            "What counts against the limit of the control group, and the limit.",
        )
        .unit("bytes")
        .min(0.0)
        .query(
            format!("max by (instance) ({})", metric("cgroup_memory_usage_bytes")),
            "{{instance}}",
        )
        .query(format!("max({})", metric("cgroup_memory_max_bytes")), "limit"),
        Panel::time_series(
            "Pressure",
            "Share of time in which work stood still for want of a resource (PSI).",
        )
        .unit("percentunit")
        .min(0.0)
        .query(
            format!(
                "max by (resource, kind) ({})",
                rate(&metric("cgroup_pressure_stalled_seconds_total"))
            ),
            "{{resource}} {{kind}}",
        ),
    ]
}

fn sizes(scope: &str) -> Vec<Panel> {
    let of = |name: &str| of_route(name, scope, "");
    vec![
        percentiles(
            Panel::time_series(
                "Request body size",
                "Bytes of the requests, as declared or counted.",
            )
            .unit("bytes")
            .min(0.0),
            &of("http_server_request_body_size_bytes_bucket"),
        ),
        percentiles(
            Panel::time_series("Response body size", "Bytes of the responses, as they went out.")
                .unit("bytes")
                .min(0.0),
            &of("http_server_response_body_size_bytes_bucket"),
        ),
        Panel::time_series("Bytes sent per second by route", "Response bodies.")
            .unit("Bps")
            .min(0.0)
            .query(
                sum("http_route", &of("http_server_response_body_size_bytes_sum")),
                "{{http_route}}",
            ),
        Panel::time_series(
            "Ended streams per second",
            "Server-sent events, upgraded connections and what is marked as a stream.",
        )
        .unit("ops")
        .min(0.0)
        .query(
            sum("stream", &of("sre_kit_http_server_stream_duration_seconds_count")),
            "{{stream}}",
        ),
        percentiles(
            Panel::time_series("Lifetime of streams", "From the request to the stream's end.")
                .unit("s")
                .min(0.0)
                .width(24),
            &of("sre_kit_http_server_stream_duration_seconds_bucket"),
        ),
    ]
}

fn process(scope: &str) -> Vec<Panel> {
    let metric = |name: &str| of_job(name, scope);
    vec![
        Panel::time_series("CPU", "Cores in use, per instance, and the quota where one is set.")
            .min(0.0)
            .query(rate(&metric("process_cpu_seconds_total")), "{{instance}}")
            .query(format!("max({})", metric("cgroup_cpu_quota_cores")), "quota"),
        Panel::time_series("Resident memory", "Per instance.")
            .unit("bytes")
            .min(0.0)
            .query(metric("process_resident_memory_bytes"), "{{instance}}"),
        Panel::time_series("Open file descriptors", "Per instance, and the limit.")
            .min(0.0)
            .query(metric("process_open_fds"), "{{instance}}")
            .query(format!("min({})", metric("process_max_fds")), "limit"),
        Panel::time_series(
            "Scheduling lag of the runtime",
            "How late tasks run. High while workers are blocked or the CPU is throttled.",
        )
        .unit("s")
        .min(0.0)
        .query(quantile("0.99", "", &metric("tokio_runtime_scheduling_lag_seconds_bucket")), "p99"),
        Panel::time_series("Busy workers", "Share of the runtime's worker threads at work.")
            .unit("percentunit")
            .min(0.0)
            .query(
                format!(
                    "{}\n/\n(sum by (instance) ({}) > 0)",
                    sum("instance", &metric("tokio_runtime_worker_busy_seconds_total")),
                    metric("tokio_runtime_workers")
                ),
                "{{instance}}",
            ),
        Panel::time_series("Tasks", "Alive in the runtime, per instance.")
            .min(0.0)
            .query(metric("tokio_runtime_alive_tasks"), "{{instance}}"),
        Panel::stat("Uptime", "Of the youngest instance.")
            .unit("s")
            .query(format!("time() - max({})", metric("process_start_time_seconds")), "uptime"),
        Panel::stat(
            "Observations without a series of their own",
            "They found their metric family full; raise its limit or lower its cardinality.",
        )
        .colours("green", [(1.0, "orange")])
        .query(
            format!("sum({}) or vector(0)", metric("sre_kit_metrics_overflow_total")),
            "observations",
        ),
    ]
}
